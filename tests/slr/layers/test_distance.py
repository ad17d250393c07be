"""Matrices that know only distances, against the formula pair by pair."""

from __future__ import annotations

import pytest
import torch

from slr.layers.distance import by_distance


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 9])
@pytest.mark.parametrize("radius", [0, 1, 3])
def test_every_pair_reads_its_distance(steps: int, radius: int) -> None:
    table = torch.randn(2, 2 * radius + 1)
    found = by_distance(table, steps)
    assert found.shape == (2, steps, steps)
    for i in range(steps):
        for j in range(steps):
            assert found[:, i, j].equal(table[:, radius + max(-radius, min(radius, j - i))])


def test_gradients_count_the_pairs_at_every_distance() -> None:
    table = torch.zeros(1, 3, requires_grad=True)
    by_distance(table, 4).sum().backward()
    assert table.grad is not None
    assert table.grad.tolist() == [[6, 4, 6]]  # of 16 pairs four are the same step
