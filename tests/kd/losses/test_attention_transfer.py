from __future__ import annotations

import math

import pytest
import torch

from kd.losses import AttentionTransfer
from tests.losses import example, published
from tests.reference import relations as reference


@pytest.mark.parametrize("exponent", [1, 2, 4])
@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 2)])
def test_it_is_the_distance_of_the_attention_of_the_loop(exponent: float, teacher_steps: tuple[int, ...] | None):
    given = example(steps=(6, 1, 5), teacher_steps=teacher_steps)
    pairs = reference.sets_of(*given.features("conv"), over="steps")
    expected = reference.over_sets(pairs, lambda *both: reference.attention_transfer(*both, exponent))
    value = given.loss(AttentionTransfer(exponent=exponent))
    torch.testing.assert_close(value.item(), expected, rtol=1e-4, atol=1e-6)


def test_activity_at_the_wrong_step():
    given = published([[[4], [-3]]], [[[3], [4]]])
    # At exponent 1 the attention is (0.8, 0.6), wanted is (0.6, 0.8).
    torch.testing.assert_close(given.loss(AttentionTransfer(exponent=1)).item(), 0.08)


def test_it_is_2_for_clips_of_any_length_when_the_two_are_active_at_different_steps():
    for rest in (0, 7):
        still = [[0.0]] * rest
        given = published([[[1], [0], *still]], [[[0], [1], *still]])
        torch.testing.assert_close(given.loss(AttentionTransfer()).item(), 2.0)


def test_neither_scale_nor_sign_nor_width_matter():
    given = published([[[1, -1], [2, 2], [0, 0]]], [[[10], [-20], [0]]])
    assert given.loss(AttentionTransfer()).item() < 1e-12


def test_a_clip_in_which_the_teacher_rests_counts_for_nothing():
    alone = published([[[1], [2]]], [[[2], [1]]]).loss(AttentionTransfer())
    beside = published([[[1], [2]], [[1], [2]]], [[[2], [1]], [[0], [0]]]).loss(AttentionTransfer())
    assert torch.equal(alone, beside)


def test_a_student_that_rests_pays_the_whole_attention_of_the_teacher():
    given = published([[[0], [0]]], [[[3], [4]]])
    value = given.loss(AttentionTransfer())
    value.backward()
    torch.testing.assert_close(value.item(), 1.0)
    assert not given.student.logits.values.grad.any()


def test_a_clip_of_one_step_always_agrees():
    assert published([[[5]]], [[[-1]]]).loss(AttentionTransfer()).item() == 0


@pytest.mark.parametrize("exponent", [0, 0.5, math.nan, math.inf])
def test_senseless_exponents_are_refused(exponent: float):
    with pytest.raises(ValueError, match=f"exponent is {exponent}"):
        AttentionTransfer(exponent=exponent)
