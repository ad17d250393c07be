from __future__ import annotations

import pytest
import torch

from kd.losses import ContextualRelation
from slr.types import NetOutput
from tests.losses import example, published
from tests.reference import relations as reference


@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 2)])
def test_it_is_the_difference_of_the_cosines_of_the_loop(teacher_steps: tuple[int, ...] | None):
    given = example(steps=(6, 1, 5), teacher_steps=teacher_steps)
    pairs = reference.sets_of(*given.features("context"), over="steps")
    expected = reference.over_sets(pairs, reference.contextual_relation)
    torch.testing.assert_close(given.loss(ContextualRelation()).item(), expected, rtol=1e-4, atol=1e-6)


def test_clips_weigh_alike_however_many_pairs_they_have():
    x, y = [1, 0], [0, 1]
    given = published([[x, y], [x, x, x]], [[x, x], [x, y, x]])
    # Clip 1: its only pair went from cosine 0 to 1. Clip 2: two of its three pairs went from 1 to 0.
    torch.testing.assert_close(given.loss(ContextualRelation()).item(), (1 + 2 / 3) / 2)


def test_a_clip_of_one_step_counts_for_nothing():
    two = [[1, 0], [0, 1]]
    alone = published([two], [[[1, 0], [1, 0]]]).loss(ContextualRelation())
    with_single = published([two, [[1, 0]]], [[[1, 0], [1, 0]], [[0, 1]]]).loss(ContextualRelation())
    assert torch.equal(alone, with_single)
    single = published([[[1, 0]]], [[[0, 1]]])
    value = single.loss(ContextualRelation())
    value.backward()
    assert value.item() == 0
    assert not single.student.logits.values.grad.any()


def test_only_the_directions_of_features_matter_and_not_their_widths():
    given = published([[[1, 0], [2, 2], [0, 3]]], [[[0, 0, 4], [0, 5, 5], [0, 0.1, 0]]])
    assert given.loss(ContextualRelation()).item() < 1e-12


def test_a_step_without_features_is_like_no_other_and_gets_no_gradient():
    given = published([[[0, 0], [1, 0], [1, 1]]], [[[1, 0], [1, 0], [1, 0]]])
    value = given.loss(ContextualRelation())
    value.backward()
    # Wanted are cosines of 1. Those with the first step are 0, the other is the root of a half.
    torch.testing.assert_close(value.item(), (1 + 1 + (1 - 0.5**0.5) ** 2) / 3)
    gradient = given.student.logits.values.grad[0]
    assert not gradient[0].any()
    assert gradient[2].any()


def test_minimising_it_teaches_the_relations():
    given = example()
    loss, features = ContextualRelation(), given.student.taps["context"].values
    optimiser = torch.optim.Adam([features], lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        given.loss(loss).backward()
        optimiser.step()
    assert given.loss(loss) < 0.01


def test_other_taps_can_be_read():
    given = example()
    loss = ContextualRelation(tap="conv", teacher_tap="context")
    assert (loss.student_taps, loss.teacher_taps) == (("conv",), ("context",))
    student = NetOutput(given.student.logits, {"conv": given.student.taps["conv"]})
    pairs = reference.sets_of(given.features("conv")[0], given.features("context")[1], over="steps")
    expected = reference.over_sets(pairs, reference.contextual_relation)
    torch.testing.assert_close(loss(student, given.teacher, given.batch).item(), expected, rtol=1e-4, atol=1e-6)
