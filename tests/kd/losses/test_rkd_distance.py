from __future__ import annotations

import pytest
import torch

from kd.losses import RKDDistance
from tests.losses import example, published
from tests.reference import relations as reference


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 2)])
def test_it_is_the_difference_of_the_distances_of_the_loop(over: str, teacher_steps: tuple[int, ...] | None):
    given = example(steps=(6, 1, 5), teacher_steps=teacher_steps)
    pairs = reference.sets_of(*given.features("context"), over=over)
    expected = reference.over_sets(pairs, reference.rkd_distance)
    torch.testing.assert_close(given.loss(RKDDistance(over=over)).item(), expected, rtol=1e-4, atol=1e-6)


def test_three_steps_on_a_line():
    given = published([[[0], [1], [2]]], [[[0], [1], [3]]])
    # Distances 1, 1, 2 by their mean 4/3 and 1, 2, 3 by 2: two of three pairs are off by a quarter.
    torch.testing.assert_close(given.loss(RKDDistance()).item(), 2 * 0.25**2 / 2 / 3)


def test_far_outliers_count_linearly():
    line = [[float(step)] for step in range(9)]
    far = [*line[:8], [1000.0]]
    value = published([far], [line]).loss(RKDDistance()).item()
    squares = [
        (b - a) ** 2 / 2
        for a, b in zip(reference.relative_distances(far), reference.relative_distances(line), strict=True)
    ]
    assert value < 0.8 * reference.mean(squares)
    torch.testing.assert_close(value, reference.rkd_distance(far, line), rtol=1e-5, atol=1e-6)


def test_a_network_moved_turned_and_scaled_has_the_same_distances():
    ours = [[1, 2], [3, -1], [0, 1], [4, 4]]
    theirs = [[7 - 2 * y, 5 + 2 * x, 9] for x, y in ours]
    assert published([ours], [theirs]).loss(RKDDistance()).item() < 1e-10


def test_neighbouring_steps_keep_their_distance_in_spite_of_large_features():
    # Inner products are a million here: in float32 that would swallow the distances.
    ours = [[1000 + 0.01 * step, 0] for step in (0, 1, 2, 3)]
    theirs = [[0.01 * step, 0] for step in (0, 1, 2, 3)]
    given = published([ours], [theirs])
    given.loss(RKDDistance()).backward()
    assert given.loss(RKDDistance()).item() < 1e-4


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
def test_a_set_whose_elements_are_the_same_to_the_teacher_counts_for_nothing(over: str):
    given = published([[[0], [1], [3]]], [[[2], [2], [2]]])
    value = given.loss(RKDDistance(over=over))
    value.backward()
    assert value.item() == 0
    assert not given.student.logits.values.grad.any()


def test_a_collapsed_student_pays_for_the_distances_of_the_teacher():
    given = published([[[2], [2], [2]]], [[[0], [1], [3]]])
    value = given.loss(RKDDistance())
    value.backward()
    # Wanted are distances of 0.5, 1 and 1.5.
    torch.testing.assert_close(value.item(), (0.125 + 0.5 + 1.0) / 3)
    assert torch.isfinite(given.student.logits.values.grad).all()


def test_clips_weigh_alike_and_those_without_a_pair_count_for_nothing():
    bent, straight = [[0], [1], [2]], [[0], [1], [3]]
    alone = published([bent], [straight]).loss(RKDDistance())
    beside = published([bent, [[0], [5]], [[4]]], [straight, [[1], [2]], [[3]]]).loss(RKDDistance())
    torch.testing.assert_close(beside, alone / 2)  # two steps always have the relative distance 1


def test_other_sets_are_refused():
    with pytest.raises(ValueError, match="over is 'frames'"):
        RKDDistance(over="frames")
