"""What the blocks of graph networks share: how they begin, their shortcut, and the sum of both."""

from __future__ import annotations

from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, ValidSteps
from students.block_parts import every_step, fan_out, started

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


class TimeUnit(Protocol):
    """A module over the frames of each joint, which keeps every ``stride``-th."""

    stride: int

    def __call__(self, x: Tensor, valid: ValidSteps, left: ValidSteps, plus: Tensor | None = None) -> Tensor:
        """``[N, J, width]`` -> ``[N', J, width]`` at the steps ``left``; ``plus`` is added before the last ReLU."""
        ...


class GraphBlock(nn.Module):
    """A unit over the joints of each frame, a unit over the frames of each joint, plus the input; ReLU.

    It maps the real steps of a batch, ``[N, J, in_width]``, to those that are left, ``[N', J, width]``. The unit over
    frames is given what to add. ``shortcut`` is ``None`` in a first block, which adds nothing.
    """

    def __init__(self, graph: nn.Module, time: TimeUnit, shortcut: Shortcut | None) -> None:
        super().__init__()
        assert isinstance(time, nn.Module)
        self.graph = graph
        self.time: TimeUnit = time
        self.shortcut = shortcut

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """What the block makes of the steps, and which steps are left."""
        left = valid.strided(self.time.stride)
        plus = None if self.shortcut is None else self.shortcut(x, valid, left)
        return self.time(self.graph(x, valid), valid, left, plus), left


class NormedLinear(nn.Module):
    """A linear layer and batch norm: ``[N, ..., in_width]`` -> ``[N, ..., width]``.

    The bias in between is idle; it is there for released weights, which have one, and does not learn.
    """

    def __init__(self, in_width: int, width: int, bias: bool = True) -> None:
        super().__init__()
        self.linear = idle_bias(linear(in_width, width, bias))
        self.norm = MaskedBatchNorm(width)

    def forward(self, x: Tensor, plus: Tensor | None = None, relu: bool = False) -> Tensor:
        """Batch norm of the layer, plus something, and ReLU, where wanted."""
        y = nn.functional.linear(x, self.linear.weight)
        return self.norm.normalise(y, offset=self.linear.bias, plus=plus, relu=relu)

    def to_features_first(self, x: Tensor, relu: bool = False) -> Tensor:
        """``[G, L, in_width]`` -> ``[G, width, L]``, so in memory."""
        y = torch.bmm(self.linear.weight.expand(len(x), -1, -1), x.transpose(1, 2))
        return self.norm.normalise(y, offset=self.linear.bias, relu=relu, features_first=True)

    def from_features_first(self, x: Tensor, plus: Tensor | None = None, relu: bool = False) -> Tensor:
        """``[G, in_width, L]`` -> ``[G, L, width]``, so in memory."""
        y = torch.bmm(x.transpose(1, 2), self.linear.weight.t().expand(len(x), -1, -1))
        return self.norm.normalise(y, offset=self.linear.bias, plus=plus, relu=relu)


class Shortcut(nn.Module):
    """The input as a unit adds it: as it is or, where the shape changes, through a linear layer and batch norm."""

    def __init__(self, in_width: int, width: int, stride: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.stride = stride
        changes = in_width != width or stride != 1
        self.change = NormedLinear(in_width, width, bias) if changes else None

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[N', J, width]``."""
        return x if self.change is None else self.change(every_step(x, self.stride, valid, left))


def linear(in_width: int, width: int, bias: bool = True, parts: int = 1) -> nn.Linear:
    """A linear layer that begins as convolutions of the published networks do; it may stand for ``parts`` of them."""
    layer = started(nn.Linear(in_width, width, bias))
    fan_out_each(layer.weight.view(parts, -1, in_width))
    return layer


def idle_bias(layer: Layer) -> Layer:
    """A layer in front of a batch norm: nothing of its bias is left behind that, so it does not learn."""
    if layer.bias is not None:
        layer.bias.requires_grad_(False)
    return layer


def fan_out_each(weights: Tensor) -> Tensor:
    """``[K, D, in_width]`` weights of ``K`` layers, each by the number of its own outputs."""
    for weight in weights:
        fan_out(weight)
    return weights


def beginning_at_nothing(norm: MaskedBatchNorm) -> MaskedBatchNorm:
    """The batch norm behind a graph: it begins so small that the unit begins as its shortcut."""
    nn.init.constant_(norm.norm.weight, 1e-6)
    return norm
