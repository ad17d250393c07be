from __future__ import annotations

import math

import pytest
import torch

from kd.losses import BoundarySaliency
from tests.losses import example, published
from tests.reference import relations as reference

X, Y = [1, 0], [0, 1]
NORMALISED = ("min-max", "z-score")


@pytest.mark.parametrize("normalise", NORMALISED)
@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 4)])
def test_it_is_the_difference_of_the_saliencies_of_the_loop(normalise: str, teacher_steps: tuple[int, ...] | None):
    given = example(steps=(6, 3, 5), teacher_steps=teacher_steps)
    pairs = reference.sets_of(*given.features("context"), over="steps")
    expected = reference.over_sets(pairs, lambda *both: reference.boundary_saliency(*both, normalise))
    value = given.loss(BoundarySaliency(normalise=normalise))
    torch.testing.assert_close(value.item(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("normalise", "expected"), [("min-max", 2 / 3), ("z-score", math.sqrt(2))])
def test_a_boundary_one_step_too_early(normalise: str, expected: float):
    given = published([[X, Y, Y, Y]], [[X, X, Y, Y]])
    # Turns 1 0 0 instead of 0 1 0; their standard deviation is the root of 2, by 3.
    torch.testing.assert_close(given.loss(BoundarySaliency(normalise=normalise)).item(), expected)


@pytest.mark.parametrize("normalise", NORMALISED)
def test_how_strong_the_boundaries_are_does_not_matter(normalise: str):
    slight = [[1, 0], [1, 0], [1, 0.2], [1, 0.2]]
    given = published([slight], [[X, X, Y, Y]])
    assert given.loss(BoundarySaliency(normalise=normalise)).item() < 1e-4


@pytest.mark.parametrize("normalise", NORMALISED)
def test_a_clip_in_which_the_teacher_sees_no_boundary_counts_for_nothing(normalise: str):
    loss, flat = BoundarySaliency(normalise=normalise), [[0.3, 0.7]] * 4
    alone = published([[X, Y, Y, Y]], [[X, X, Y, Y]])
    beside = published([[X, Y, Y, Y], [X, Y, Y, Y]], [[X, X, Y, Y], flat])
    torch.testing.assert_close(beside.loss(loss), alone.loss(loss))
    value = published([[X, Y, Y, Y]], [flat]).loss(loss)
    assert value.item() == 0


@pytest.mark.parametrize("normalise", NORMALISED)
def test_a_student_that_sees_no_boundary_pays_for_those_of_the_teacher(normalise: str):
    given = published([[[0.3, 0.7]] * 4], [[X, X, Y, Y]])
    value = given.loss(BoundarySaliency(normalise=normalise))
    value.backward()
    wanted = reference.saliency([X, X, Y, Y], normalise)
    torch.testing.assert_close(value.item(), sum(map(abs, wanted)) / 3)
    assert torch.isfinite(given.student.logits.values.grad).all()


@pytest.mark.parametrize("normalise", NORMALISED)
@pytest.mark.parametrize("steps", [1, 2])
def test_a_clip_too_short_for_two_boundaries_has_no_loss(normalise: str, steps: int):
    given = published([[X, Y][:steps]], [[X, [1, 1]][:steps]])
    value = given.loss(BoundarySaliency(normalise=normalise))
    value.backward()
    assert value.item() == 0
    assert not given.student.logits.values.grad.any()


@pytest.mark.parametrize("normalise", NORMALISED)
def test_rounding_is_no_boundary(normalise: str):
    still = (torch.ones(8, 64) + 1e-7 * torch.randn(8, 64)).tolist()
    given = published([torch.randn(8, 64).tolist()], [still])
    assert given.loss(BoundarySaliency(normalise=normalise)).item() == 0


def test_senseless_arguments_are_refused():
    with pytest.raises(ValueError, match=r"normalise is 'max'.*'min-max'.*'z-score'"):
        BoundarySaliency(normalise="max")
