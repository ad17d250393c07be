"""The parts of MS-G3D: graphs over many hops, graphs over windows of time, and several time scales.

Features lie joints first here, ``[J, T, B, D]``, and their real steps are ``[J, N, D]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm
from students.block_parts import started
from students.graph_products import graph_products
from students.joints_first import JointSteps
from students.temporal_units import over_clips, over_time
from students.units import NormedLinear, idle_bias


class ScaledGraphs(nn.Module):
    """A graph per scale over the joints of ``window`` frames, each with what is learned on top of it.

    The graphs, ``[K, window J, window J]``, are those of the skeleton; the joint of a column receives. They stay, and
    are kept in checkpoints if ``stored``. The learned part starts from numbers between plus and minus one millionth.
    """

    def __init__(self, graph: Tensor, window: int = 1, stored: bool = False) -> None:
        super().__init__()
        self.window = window
        self.graph: Tensor
        self.register_buffer("graph", graph.clone(), persistent=stored)
        self.residual = nn.Parameter(torch.empty_like(graph).uniform_(-1e-6, 1e-6))

    def forward(self) -> Tensor:
        """``[K, window, J, window, J]``: giving, receiving."""
        graph = self.graph + self.residual
        return graph.unflatten(2, (self.window, -1)).unflatten(1, (self.window, -1))


class ScaledGraphConv(nn.Module):
    """What joints take from each other at every scale, side by side through one linear layer; batch norm, ReLU.

    Over the joints of a frame this is MS-GCN. Over those of ``window`` frames it is the first part of G3D, and every
    joint of every frame of a window has features of its own.
    """

    def __init__(self, in_width: int, width: int, graph: Tensor, window: int = 1, stored: bool = False) -> None:
        super().__init__()
        self.graph = ScaledGraphs(graph, window, stored)
        self.linear = idle_bias(started(nn.Linear(len(graph) * in_width, width)))
        self.norm = MaskedBatchNorm(width)

    def forward(self, clips: Tensor, left: JointSteps, stride: int = 1) -> Tensor:
        """``[J, T, B, in_width]``, zero as padding -> ``[window, J, N', width]`` at every ``stride``-th step."""
        graph = self.graph()
        weight = self.linear.weight.view(self.linear.out_features, len(graph), -1).permute(1, 2, 0).contiguous()
        y = left.gather(graph_products(clips, weight, graph, stride))
        return self.norm.normalise(y, offset=self.linear.bias, relu=True)


class WindowConv(nn.Module):
    """G3D: the joints of ``window`` frames as one graph, then a linear layer that makes one frame of them; batch norm.

    ``[J, T, B, in_width]``, zero as padding -> ``[J, N', width]`` at every ``stride``-th step.
    """

    def __init__(
        self,
        in_width: int,
        inner_width: int,
        width: int,
        graph: Tensor,
        window: int,
        stride: int = 1,
        stored: bool = False,
    ) -> None:
        super().__init__()
        self.window = window
        self.stride = stride
        self.inner = ScaledGraphConv(in_width, inner_width, graph, window, stored)
        self.collapse = idle_bias(started(nn.Linear(window * inner_width, width)))
        self.norm = MaskedBatchNorm(width)

    def forward(self, clips: Tensor, left: JointSteps, plus: Tensor, relu: bool) -> Tensor:
        """Every window for itself, plus something, and ReLU, where wanted."""
        inner = self.inner(clips, left, self.stride)
        weight = self.collapse.weight.view(self.collapse.out_features, self.window, -1).permute(1, 2, 0)
        y = torch.bmm(inner.flatten(1, 2), weight).sum(0).view_as(plus)
        return self.norm.normalise(y, offset=self.collapse.bias, plus=plus, relu=relu)


class MultiScaleTime(nn.Module):
    """Six branches of a sixth of the width, plus the input, ReLU (MS-TCN).

    Four convolutions over three steps at dilations 1 to 4 and a max-pooling over three steps read what a linear layer,
    batch norm and ReLU make of the input; the sixth is a linear layer. All end in batch norm. The input is added as it
    is, or through a linear layer and batch norm where its shape changes. ``[J, N, in_width]`` -> ``[J, N', width]``.

    Raises:
        ValueError: when six does not divide ``width``.
    """

    DILATIONS = (1, 2, 3, 4)

    def __init__(self, in_width: int, width: int, stride: int = 1, relu: bool = True) -> None:
        super().__init__()
        if width % 6:
            raise ValueError(f"six temporal branches cannot share {width} channels: 6 must divide them")
        share = width // 6
        self.stride = stride
        self.share = share
        self.relu = relu
        self.squeeze = NormedLinear(in_width, 5 * share)
        self.convs = nn.ModuleList(
            idle_bias(started(over_time(share, 3, stride, dilation))) for dilation in self.DILATIONS
        )
        self.skip = idle_bias(started(nn.Linear(in_width, share)))
        self.norm = MaskedBatchNorm(width)
        changes = in_width != width or stride != 1
        self.shortcut = NormedLinear(in_width, width) if changes else None

    def forward(self, x: Tensor, steps: JointSteps) -> tuple[Tensor, JointSteps]:
        """The branches side by side plus the input, and the steps that are left."""
        left = steps.strided(self.stride)
        clips = steps.scatter(self.squeeze(x, relu=True))
        *read, pooled = clips.split(self.share, dim=-1)
        convs = [cast(nn.Conv2d, conv) for conv in self.convs]
        branches = [over_clips(conv, part) for conv, part in zip(convs, read, strict=True)]
        channels = pooled.permute(0, 3, 1, 2)  # channels last in memory
        branches.append(nn.functional.max_pool2d(channels, (3, 1), (self.stride, 1), (1, 0)).permute(0, 2, 3, 1))
        kept = x if self.stride == 1 else left.gather(steps.scatter(x)[:, :: self.stride].contiguous())
        skipped = nn.functional.linear(kept, self.skip.weight)
        y = torch.cat([left.gather(torch.cat(branches, dim=-1)), skipped], dim=-1)
        plus = kept if self.shortcut is None else self.shortcut(kept)
        return self.norm.normalise(y, offset=self._offset(convs), plus=plus, relu=self.relu), left

    def _offset(self, convs: Sequence[nn.Conv2d]) -> Tensor:
        """``[width]``: what the biases would add, which batch norm takes away."""
        biases = [cast(Tensor, layer.bias) for layer in (*convs, self.skip)]
        return torch.cat([*biases[:-1], biases[-1].new_zeros(self.share), biases[-1]])


class MSG3DStage(nn.Module):
    """Two ways side by side, their sum, ReLU, and a last multi-scale unit over time.

    One way is MS-GCN and two MS-TCN, the second without its ReLU; the other is the sum of a G3D per window. The first
    MS-TCN of the one way and the windows of the other go in steps of ``stride``.
    ``[J, N, in_width]`` -> ``[J, N', width]``, of a clip of ``T`` steps ``ceil(T / stride)``.

    Args:
        in_width: features of a joint that are given.
        inner_width: features of a joint behind the graphs.
        width: features of a joint that come out.
        graph: ``[K, J, J]``, of a frame.
        windows: frames and graph ``[K, window J, window J]`` of each window.
        stride: steps from one to the next.
        stored: whether checkpoints keep the graphs.
    """

    def __init__(
        self,
        in_width: int,
        inner_width: int,
        width: int,
        graph: Tensor,
        windows: Sequence[tuple[int, Tensor]],
        stride: int = 1,
        stored: bool = False,
    ) -> None:
        super().__init__()
        self.scales = ScaledGraphConv(in_width, inner_width, graph, stored=stored)
        self.times = nn.ModuleList(
            [MultiScaleTime(inner_width, width, stride), MultiScaleTime(width, width, relu=False)]
        )
        self.windows = nn.ModuleList(
            WindowConv(in_width, inner_width, width, of_window, window, stride, stored) for window, of_window in windows
        )
        self.last = MultiScaleTime(width, width)

    def forward(self, x: Tensor, steps: JointSteps) -> tuple[Tensor, JointSteps]:
        """Features of the steps that are left."""
        clips = steps.scatter(x)
        y, left = self.scales(clips, steps).squeeze(0), steps
        for layer in self.times:
            y, left = layer(y, left)
        for number, conv in enumerate(self.windows, 1):
            y = conv(clips, left, plus=y, relu=number == len(self.windows))
        return self.last(y, left)
