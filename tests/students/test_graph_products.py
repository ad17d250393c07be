from __future__ import annotations

import pytest
import torch
from torch import Tensor

from students import graph_products as module
from students.graph_products import graph_products

CASES = [(1, 1, 2), (3, 1, 4), (3, 2, 4), (5, 2, 2), (5, 3, 4)]  # window, stride, features given


def example(window: int, given: int, steps: int = 7, joints: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Two clips, two scales, three features out."""
    torch.manual_seed(0)
    x = torch.randn(joints, steps, 2, given).double()
    return x, torch.randn(2, given, 3).double(), torch.randn(2, window, joints, window, joints).double()


def by_hand(x: Tensor, weight: Tensor, graph: Tensor, stride: int) -> Tensor:
    scales, window, joints = graph.shape[:3]
    steps = x.shape[1]
    y = torch.zeros(window, joints, -(-steps // stride), x.shape[2], weight.shape[2], dtype=x.dtype)
    for step in range(y.shape[2]):
        for frame in range(window):
            source = stride * step + frame - window // 2
            if not 0 <= source < steps:
                continue
            for scale in range(scales):
                for giving in range(joints):
                    features = x[giving, source] @ weight[scale]
                    for out in range(window):
                        for receiving in range(joints):
                            y[out, receiving, step] += graph[scale, frame, giving, out, receiving] * features
    return y


@pytest.mark.parametrize(("window", "stride", "given"), CASES)
@pytest.mark.parametrize("steps", [7, 1])
def test_it_is_the_sum_over_scales_frames_and_joints(window: int, stride: int, given: int, steps: int) -> None:
    x, weight, graph = example(window, given, steps)
    torch.testing.assert_close(graph_products(x, weight, graph, stride), by_hand(x, weight, graph, stride))


@pytest.mark.parametrize(("window", "stride", "given"), CASES)
@pytest.mark.parametrize("steps", [5, 1])
def test_gradients_are_those_of_the_sum(window: int, stride: int, given: int, steps: int) -> None:
    x, weight, graph = (part.requires_grad_() for part in example(window, given, steps=steps, joints=2))
    assert torch.autograd.gradcheck(lambda *parts: graph_products(*parts, stride), (x, weight, graph))


@pytest.mark.parametrize(("window", "stride", "given"), CASES)
def test_operations_that_every_backend_knows_give_the_same(window: int, stride: int, given: int) -> None:
    x, weight, graph = example(window, given)
    parts = graph.permute(1, 3, 4, 0, 2).reshape(window, window * 4, 2 * 4)
    plain = module._weighted_first(x, weight, parts, stride)
    torch.testing.assert_close(plain.view(window, 4, -1, 2, 3), by_hand(x, weight, graph, stride))
    torch.testing.assert_close(module._gathered_first(x, weight, graph, stride), by_hand(x, weight, graph, stride))


def test_half_precision_is_close() -> None:
    x, weight, graph = (part.float() for part in example(3, 4))
    whole = graph_products(x, weight, graph, 2)
    with torch.autocast("cpu", torch.bfloat16):
        half = graph_products(x, weight, graph, 2)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), whole, rtol=0.1, atol=0.3)
