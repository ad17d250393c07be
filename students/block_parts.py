"""Small parts that the blocks of several skeleton networks share."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from slr.layers import ValidSteps

Layer = TypeVar("Layer", bound=nn.Module)


def every_step(x: Tensor, stride: int, valid: ValidSteps, left: ValidSteps) -> Tensor:
    """Every ``stride``-th of the real steps of each clip, its first included; ``left`` says which those are."""
    return x if stride == 1 else left.gather(valid.scatter(x).values[:, ::stride])


def started(layer: Layer) -> Layer:
    """A linear layer or convolution that starts as those of the published networks: :func:`fan_out`, no bias."""
    weight, bias = layer.get_parameter("weight"), layer.bias
    fan_out(weight)
    if isinstance(bias, Tensor):
        nn.init.zeros_(bias)
    return layer


def fan_out(weight: Tensor) -> Tensor:
    """Normal weights for ReLU by the number of outputs (He et al., ICCV 2015)."""
    with torch.no_grad():
        return nn.init.kaiming_normal_(weight, mode="fan_out")


def transposed(matrix: Tensor) -> Tensor:
    """``[M, N]`` -> ``[N, M]``, contiguous, and its gradient too: of a view, batched products copy matrix by matrix."""
    return _Transposed.apply(matrix)


class _Transposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, matrix: Tensor) -> Tensor:
        return matrix.t().contiguous()

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient.t().contiguous()
