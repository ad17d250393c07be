"""Graphs that tell joints apart, number by number, in both ways of computing them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from students.unlike_joints import unlike_joints


def example(learns: bool, dtype: torch.dtype = torch.float32) -> Sequence[Tensor]:
    """Two clips, two groups of three channels, four joints; ``q`` and ``p`` as far apart as tanh can tell, and more."""
    q, p = (torch.randn(2, 2, 3, 4, dtype=dtype) * 4 for _ in range(2))
    given = q, p, torch.randn(2, 2, 4, 4, dtype=dtype), torch.tensor(0.7, dtype=dtype)
    return [one.requires_grad_(learns) for one in given]


@pytest.mark.parametrize("learns", [False, True])
def test_every_pair_of_joints_in_every_channel(learns: bool) -> None:
    q, p, shared, alpha = example(learns)
    found = unlike_joints(q, p, shared, alpha)
    for b, k, m, v, w in torch.cartesian_prod(*map(torch.arange, (2, 2, 3, 4, 4))).tolist():
        expected = shared[b, k, v, w].item() + 0.7 * math.tanh(q[b, k, m, v].item() - p[b, k, m, w].item())
        assert found[b, k, m, v, w].item() == pytest.approx(expected, abs=1e-6)


def test_gradients_are_those_of_the_formula() -> None:
    assert torch.autograd.gradcheck(unlike_joints, example(True, torch.float64))


def test_a_graph_without_clips() -> None:
    q = torch.zeros(0, 2, 3, 4, requires_grad=True)
    alpha = torch.tensor(1.0, requires_grad=True)
    unlike_joints(q, q, torch.zeros(0, 2, 4, 4), alpha).sum().backward()
    assert alpha.grad == 0
