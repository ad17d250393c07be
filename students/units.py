"""What the blocks of graph networks share: how they begin, their shortcut, and the sum of both."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, ValidSteps

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


class GraphBlock(nn.Module):
    """A unit over the joints of each frame, a unit over the frames of each joint, plus the input; ReLU.

    It maps the real steps of a batch, ``[N, J, in_width]``, to those that are left, ``[N', J, width]``. ``shortcut``
    is ``None`` in a first block, which adds nothing.
    """

    def __init__(self, graph: nn.Module, time: nn.Module, shortcut: Shortcut | None) -> None:
        super().__init__()
        self.graph = graph
        self.time = time
        self.shortcut = shortcut

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """What the block makes of the steps, and which steps are left."""
        y, left = self.time(self.graph(x, valid), valid)
        if self.shortcut is not None:
            y = y + self.shortcut(x, valid, left)
        return torch.relu(y), left


class Shortcut(nn.Module):
    """The input as a unit adds it to its result: as it is, or by a linear layer and batch norm, if the shape changes."""

    def __init__(self, in_width: int, width: int, stride: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.stride = stride
        changes = in_width != width or stride != 1
        self.linear = linear(in_width, width, bias) if changes else None
        self.norm = MaskedBatchNorm(width) if changes else None

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[N', J, width]``."""
        if self.linear is None or self.norm is None:
            return x
        return self.norm.normalise(self.linear(every(x, self.stride, valid, left)))


def every(x: Tensor, stride: int, valid: ValidSteps, left: ValidSteps) -> Tensor:
    """Every ``stride``-th of the real steps of each clip, its first included."""
    return x if stride == 1 else left.gather(valid.scatter(x).values[:, ::stride])


def linear(in_width: int, width: int, bias: bool = True) -> nn.Linear:
    """A linear layer that begins as convolutions of the published networks do."""
    return started(nn.Linear(in_width, width, bias))


def started(layer: Layer) -> Layer:
    """The layer with normal weights by the number of its outputs, and no bias."""
    fan_out(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def fan_out(weight: Tensor) -> Tensor:
    """Normal weights for ReLU by the number of outputs (He et al., ICCV 2015), as the published networks begin."""
    with torch.no_grad():
        for part in weight if weight.ndim == 3 else weight[None]:
            nn.init.kaiming_normal_(part, mode="fan_out")
    return weight


def beginning_at_nothing(norm: MaskedBatchNorm) -> MaskedBatchNorm:
    """The batch norm behind a graph: it begins so small that the unit begins as its shortcut."""
    nn.init.constant_(norm.norm.weight, 1e-6)
    return norm
