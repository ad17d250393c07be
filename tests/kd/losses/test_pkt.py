from __future__ import annotations

import math

import pytest
import torch

from kd.losses import PKT
from tests.losses import example, published
from tests.reference import relations as reference

X, Y = [1, 0], [0, 1]


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 2)])
def test_it_is_the_divergence_of_the_neighbourhoods_of_the_loop(over: str, teacher_steps: tuple[int, ...] | None):
    given = example(steps=(6, 1, 5), teacher_steps=teacher_steps)
    pairs = reference.sets_of(*given.features("context"), over=over)
    expected = reference.over_sets(pairs, reference.pkt)
    assert expected > 0.01
    torch.testing.assert_close(given.loss(PKT(over=over)).item(), expected, rtol=1e-4, atol=1e-6)


def test_a_student_that_tells_nobody_apart():
    given = published([[X, X, X]], [[X, X, Y]])
    # To the teacher the first two are neighbours with 2/3 and 1/3, the third is with 1/2 each; to the student all are.
    divergence = 2 / 3 * math.log(4 / 3) + 1 / 3 * math.log(2 / 3)
    torch.testing.assert_close(given.loss(PKT()).item(), 2 * divergence / 3, rtol=1e-5, atol=1e-7)


def test_only_directions_matter():
    given = published([[[5, 0], [0.1, 0.1], [0, 2]]], [[[0, 1], [-7, 7], [-3, 0]]])
    assert abs(given.loss(PKT()).item()) < 1e-6


def test_opposite_steps_stay_finite():
    for ours, theirs in (([X, [-1, 0], Y], [X, X, Y]), ([X, X, Y], [X, [-1, 0], Y])):
        given = published([ours], [theirs])
        value = given.loss(PKT())
        value.backward()
        assert 0 < value.item() < 20
        assert torch.isfinite(given.student.logits.values.grad).all()


def test_a_clip_of_one_step_counts_for_nothing():
    alone = published([[X, X, X]], [[X, X, Y]]).loss(PKT())
    beside = published([[X, X, X], [X]], [[X, X, Y], [Y]]).loss(PKT())
    assert torch.equal(alone, beside)
    assert published([[X]], [[Y]]).loss(PKT()).item() == 0


def test_other_sets_are_refused():
    with pytest.raises(ValueError, match="over is 'frames'"):
        PKT(over="frames")
