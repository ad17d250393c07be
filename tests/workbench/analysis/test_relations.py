from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.analysis.relations import by_distance, mean_relations, resampled


def some(steps: int, seed: int = 0) -> NDArray[np.float64]:
    values = np.random.default_rng(seed).random((steps, steps))
    return values / values.sum(1, keepdims=True)


def slowly(relations: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Every step cut into ``steps`` equal slivers of its own, these gathered into ``steps`` parts."""
    size = len(relations)
    fine = np.kron(relations, np.ones((steps, steps))) / steps  # what a sliver gives to a sliver
    parts = np.zeros((steps, steps))
    for row in range(steps * size):
        for column in range(steps * size):
            parts[row // size, column // size] += fine[row, column] / size
    return parts


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("size", [1, 3, 4, 7])
def test_resampling_gathers_slivers(size: int, steps: int) -> None:
    relations = some(size)
    np.testing.assert_allclose(resampled(relations, steps), slowly(relations, steps), atol=1e-12)


def test_resampling_keeps_what_a_row_gives_and_an_even_share_even() -> None:
    np.testing.assert_allclose(resampled(some(9), 4).sum(1), 1)
    np.testing.assert_allclose(resampled(np.full((7, 7), 1 / 7), 5), 1 / 5)
    np.testing.assert_allclose(resampled(some(6), 6), some(6))


def test_the_mean_is_over_clips() -> None:
    one, two = some(4, 1), some(6, 2)
    np.testing.assert_allclose(mean_relations([one, two], 3), (resampled(one, 3) + resampled(two, 3)) / 2)


def test_by_distance_in_multiples_of_the_even_share() -> None:
    distances, means = by_distance([np.full((4, 4), 1 / 4), np.full((3, 3), 1 / 3), np.full((3, 3), 1 / 3)])
    assert distances.tolist() == [-2, -1, 0, 1, 2]  # only one clip has a distance of 3
    np.testing.assert_allclose(means, 1)
    relations = np.array([[0.0, 1.0], [0.5, 0.5]])
    distances, means = by_distance([relations])
    assert distances.tolist() == [-1, 0, 1]
    np.testing.assert_allclose(means, [2 * 0.5, 2 * (0.0 + 0.5) / 2, 2 * 1.0])
