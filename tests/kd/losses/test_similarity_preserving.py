from __future__ import annotations

import math

import pytest
import torch

from kd.losses import SimilarityPreserving
from tests.losses import example, published
from tests.reference import relations as reference

X, Y = [1, 0], [0, 1]


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 2)])
def test_it_is_the_difference_of_the_similarities_of_the_loop(over: str, teacher_steps: tuple[int, ...] | None):
    given = example(steps=(6, 1, 5), teacher_steps=teacher_steps)
    pairs = reference.sets_of(*given.features("context"), over=over)
    expected = reference.over_sets(pairs, reference.similarity_preserving)
    value = given.loss(SimilarityPreserving(over=over))
    torch.testing.assert_close(value.item(), expected, rtol=1e-4, atol=1e-6)


def test_two_steps_that_should_differ():
    given = published([[X, X]], [[X, Y]])
    # Rows of (1, 1) by the root of 2, wanted is the unit matrix.
    torch.testing.assert_close(given.loss(SimilarityPreserving()).item(), (2 - math.sqrt(2)) / 2)


def test_two_clips_that_should_differ_are_compared_by_their_mean_features():
    given = published([[[2, 0], [0, 0]], [[1, 0]]], [[[1, 1], [1, -1]], [Y]])
    torch.testing.assert_close(given.loss(SimilarityPreserving(over="clips")).item(), (2 - math.sqrt(2)) / 2)


def test_a_network_turned_mirrored_and_scaled_has_the_same_similarities():
    given = published([[[1, 2], [3, -1], [0, 1]]], [[[-4, 2], [2, 6], [-2, 0]]])
    assert given.loss(SimilarityPreserving()).item() < 1e-12


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
def test_one_element_always_agrees(over: str):
    given = published([[X]], [[Y]])
    value = given.loss(SimilarityPreserving(over=over))
    value.backward()
    assert value.item() == 0
    assert not given.student.logits.values.grad.any()


def test_other_sets_are_refused():
    with pytest.raises(ValueError, match=r"over is 'frames'.*'steps' of a clip, 'clips' or all of a 'batch'"):
        SimilarityPreserving(over="frames")
