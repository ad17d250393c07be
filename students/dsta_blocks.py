"""The blocks of DSTA-SLR: a dictionary, a graph per clip and one per channel; then two time scales, three times."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, STCAttention, ValidSteps
from students.block_parts import every_step, fan_out, started
from students.drop_masks import DropMasks
from students.dsta_spatial import SpatialUnit
from students.time_convolution import convolve_time
from students.units import idle_bias


class DSTABlock(nn.Module):
    """Spatial unit, STC attention, three temporal layers, plus the input; ReLU (DSTA-SLR, Hu et al., LREC-COLING 2024).

    It maps the real steps of a batch, ``[N, J, in_width]``, to those that are left, ``[N', J, width]``: of a clip of
    ``T`` steps ``ceil(T / stride)``. Where it drops, the result of every temporal convolution and of the shortcut
    passes through :class:`~students.drop_masks.DropMasks`.

    Args:
        in_width: features of a joint that are given.
        spatial_width: features between the spatial unit and the temporal layers.
        width: features of a joint that come out.
        graph: ``[J, J]``, not zero where two joints go together when they are dropped. It does not learn; every block
            has one because released weights do.
        graphs: of a clip, in the spatial unit.
        stride: of the last temporal layer.
        residual: whether the input is added.
        drop: whether the block drops.
    """

    def __init__(
        self,
        in_width: int,
        spatial_width: int,
        width: int,
        graph: Tensor,
        *,
        graphs: int = 8,
        stride: int = 1,
        residual: bool = True,
        drop: bool = False,
    ) -> None:
        super().__init__()
        self.graph = nn.Parameter(graph.clone(), requires_grad=False)
        self.spatial = SpatialUnit(in_width, spatial_width, len(graph), graphs)
        self.attention = STCAttention(spatial_width, len(graph))
        self.times = nn.ModuleList(
            TwoScales(width if i > 0 else spatial_width, width, stride if i == 2 else 1, drop) for i in range(3)
        )
        self.shortcut = ScaledShortcut(in_width, width, stride, drop) if residual else None

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """Convolve over the joints of each frame, then over the frames of each joint."""
        y = valid.gather(self.attention(valid.scatter(self.spatial(x, valid))).values)
        first, second, last = (cast(TwoScales, layer) for layer in self.times)
        y, _ = second(first(y, valid, self.graph)[0], valid, self.graph)
        left = valid.strided(last.stride)
        plus = None if self.shortcut is None else self.shortcut(x, valid, left, self.graph)
        return last(y, valid, self.graph, plus, relu=True)


class TwoScales(nn.Module):
    """Convolutions over 5 and over 7 steps, each for half of the features; batch norm; each half dropped for itself.

    ``[N, J, in_width]`` -> ``[N', J, width]``.

    Raises:
        ValueError: when ``width`` is odd.
    """

    def __init__(self, in_width: int, width: int, stride: int = 1, drop: bool = False) -> None:
        super().__init__()
        if width % 2:
            raise ValueError(f"two temporal scales cannot share {width} channels: the width must be even")
        self.stride = stride
        self.convs = nn.ModuleList(
            idle_bias(
                started(nn.Conv2d(in_width, width // 2, (kernel, 1), stride=(stride, 1), padding=(kernel // 2, 0)))
            )
            for kernel in (5, 7)
        )
        self.norm = MaskedBatchNorm(width)
        self.drop = DropMasks(groups=2) if drop else None

    def forward(
        self, x: Tensor, valid: ValidSteps, graph: Tensor, plus: Tensor | None = None, relu: bool = False
    ) -> tuple[Tensor, ValidSteps]:
        """The scales side by side, plus something, and ReLU, where wanted; and the steps that are left."""
        left = valid.strided(self.stride)
        clips = valid.scatter(x).values
        convs = [cast(nn.Conv2d, conv) for conv in self.convs]
        y = left.gather(convolve_time(clips, [conv.weight for conv in convs], stride=self.stride))
        offset = torch.cat([cast(Tensor, conv.bias) for conv in convs])
        if self.drop is None or not self.drop.drops:
            return self.norm.normalise(y, offset=offset, plus=plus, relu=relu), left
        y = self.drop(self.norm.normalise(y, offset=offset), left, graph)
        y = y if plus is None else y + plus
        return (torch.relu(y) if relu else y), left


class ScaledShortcut(nn.Module):
    """Every ``stride``-th step through two linear layers without anything between; batch norm; drop masks.

    The first gives every feature of the second one input, ``width / in_width`` features the same: a scale and an
    offset. What the two make of a step is computed as one linear layer.

    Raises:
        ValueError: when ``in_width`` does not divide ``width``.
    """

    def __init__(self, in_width: int, width: int, stride: int, drop: bool = False) -> None:
        super().__init__()
        if width % in_width:
            raise ValueError(f"a block goes from {in_width} to {width} channels: it can only multiply them")
        self.stride = stride
        self.scale = nn.Parameter(torch.empty(width, 1, 1, 1))
        fan_out(self.scale)
        self.offset = nn.Parameter(torch.zeros(width), requires_grad=False)  # idle as well
        self.linear = idle_bias(started(nn.Linear(width, width)))
        self.norm = MaskedBatchNorm(width)
        self.drop = DropMasks() if drop else None

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps, graph: Tensor) -> Tensor:
        """``[N, J, in_width]`` -> ``[N', J, width]``."""
        x = every_step(x, self.stride, valid, left)
        weight = (self.linear.weight * self.scale.flatten()).unflatten(1, (x.shape[-1], -1)).sum(-1)
        bias = self.linear.weight @ self.offset + self.linear.bias
        y = self.norm.normalise(nn.functional.linear(x, weight), offset=bias)
        return y if self.drop is None else self.drop(y, left, graph)
