"""SL-GCN: graphs that groups of channels learn for themselves, attention, and joints and steps that are dropped."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import MaskedBatchNorm, STCAttention, ValidSteps
from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from students.block_parts import started, transposed
from students.drop_masks import DropMasks
from students.heads import HeadOptions
from students.skeleton_network import BlockTrunk, SkeletonNetwork
from students.temporal_units import over_clips, over_time
from students.units import NormedLinear, Shortcut, beginning_at_nothing, idle_bias

_CLOSE_TO_NOTHING = 0.001  # added to what a column of a graph is divided by


class SLGCN(SkeletonNetwork):
    """SL-GCN of SAM-SLR (Jiang et al., CVPR workshops 2021), for glosses or for a class.

    Ten blocks, see :class:`SLGCNBlock`. The last ``drop_blocks`` of them drop joints and spans of time in training, at
    a rate that the trainer's epochs raise, see :class:`~students.drop_masks.DropMasks`; the graphs stay as they are in
    the first epoch. The head takes the arguments of :class:`~students.heads.HeadOptions`; group pooling, tail and gloss
    heads are ours.

    The published code counts 5,328,224 parameters with 2000 classes. 1,033,722 of them are constants: an identity
    matrix for every channel, and the graph of the skeleton. They are not parameters here.

    Args:
        num_classes: width of the logits, with the blank where the task is ``glosses``.
        layout: the skeleton.
        in_channels: numbers of a joint.
        channels: widths of the blocks.
        strides: of the blocks.
        groups: of channels that share their graphs.
        temporal_kernel: steps of the convolutions over time.
        drop_blocks: how many blocks drop, counted from the last.

    Raises:
        ValueError: when the layout or an option of the head is unknown, ``channels`` and ``strides`` differ in number,
            or ``groups`` do not divide the channels.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "sign-27",
        in_channels: int = 3,
        channels: Sequence[int] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256),
        strides: Sequence[int] = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1),
        groups: int = 16,
        temporal_kernel: int = 9,
        drop_blocks: int = 4,
        **options: Unpack[HeadOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        parts = adjacency(layout, "directed")
        numbers = iter(range(1, len(channels) + 1))

        def block(in_width: int, width: int, stride: int, residual: bool) -> SLGCNBlock:
            drop = next(numbers) > len(channels) - drop_blocks
            return SLGCNBlock(in_width, width, parts, groups, temporal_kernel, stride, residual, drop)

        super().__init__(
            BlockTrunk(in_channels, channels, strides, block),
            num_classes=num_classes,
            layout=layout,
            in_channels=in_channels,
            norm_per_person=True,
            **options,
        )


class SLGCNBlock(nn.Module):
    """Decoupled graph convolution, STC attention, convolution over time and batch norm; plus the input; ReLU.

    It maps the real steps of a batch, ``[N, J, in_width]``, to those that are left, ``[N', J, width]``: of a clip of
    ``T`` steps ``ceil(T / stride)``. Where it drops, what is convolved and what is added go through masks of their own.
    The input is added as it is, or through a linear layer and batch norm where its shape changes.
    """

    def __init__(
        self,
        in_width: int,
        width: int,
        parts: Tensor,
        groups: int = 16,
        kernel: int = 9,
        stride: int = 1,
        residual: bool = True,
        drop: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.graph = DecoupledGraphConv(in_width, width, parts, groups)
        self.attention = STCAttention(width, parts.shape[-1])
        self.time = idle_bias(started(over_time(width, kernel, stride)))
        self.norm = MaskedBatchNorm(width)
        self.shortcut = Shortcut(in_width, width, stride) if residual else None
        self.drop = DropMasks() if drop else None
        self.shortcut_drop = DropMasks() if drop and residual else None
        self.skeleton: Tensor
        self.register_buffer("skeleton", parts.sum(0), persistent=False)

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """Convolve over the joints of each frame, then over the frames of each joint."""
        left = valid.strided(self.stride)
        clips = self.attention(valid.scatter(self.graph(x, valid)))
        y = left.gather(over_clips(self.time, clips.values))
        plus = None if self.shortcut is None else self.shortcut(x, valid, left)
        if self.drop is None or not self.drop.drops:
            return self.norm.normalise(y, offset=self.time.bias, plus=plus, relu=True), left
        y = self.drop(self.norm.normalise(y, offset=self.time.bias), left, self.skeleton)
        if plus is not None and self.shortcut_drop is not None:
            y = y + self.shortcut_drop(plus, left, self.skeleton)
        return torch.relu(y), left


class DecoupledGraphConv(nn.Module):
    """Decoupling graph convolution (Cheng et al., ECCV 2020): every group of channels has graphs of its own.

    ``y[c, w] = sum_k sum_v A_k[g(c), v, w] z_k[c, v]`` with ``z`` a linear layer and batch norm of the input. The
    graphs start from the three parts of the skeleton; in every pass their columns are divided by the sums of the sizes
    in them (the published code has the sums themselves, which are the same at first, but later may come near zero).
    Channels next to each other form a group. Batch norm, plus the input, through a linear layer and batch norm where
    the width changes; ReLU. ``[N, J, in_width]`` -> ``[N, J, width]``.

    In the first epoch of a training the graphs do not learn, see :meth:`set_epoch`.

    Raises:
        ValueError: when ``groups`` does not divide ``width``.
    """

    def __init__(self, in_width: int, width: int, parts: Tensor, groups: int = 16) -> None:
        super().__init__()
        if width % groups:
            raise ValueError(f"{groups} groups cannot share {width} channels: groups must divide the width")
        self.graphs = nn.Parameter(parts[:, None].repeat(1, groups, 1, 1))  # [K, G, J, J]
        self.value = NormedLinear(in_width, len(parts) * width)
        nn.init.normal_(self.value.linear.weight, std=(0.5 / (len(parts) * width)) ** 0.5)
        self.norm = beginning_at_nothing(MaskedBatchNorm(width))
        self.shortcut = Shortcut(in_width, width)

    def set_epoch(self, epoch: int) -> None:
        """The graphs learn from the second epoch on."""
        self.graphs.requires_grad_(epoch > 0)

    def forward(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """Every frame for itself."""
        return self.norm.normalise(self._gathered(self.value(x)), plus=self.shortcut(x, valid, valid), relu=True)

    def _gathered(self, z: Tensor) -> Tensor:
        """``[N, J, K width]`` -> ``[N, J, width]``, the parts summed."""
        count, groups, joints, _ = self.graphs.shape
        graphs = self.graphs / (self.graphs.abs().sum(2, keepdim=True) + _CLOSE_TO_NOTHING)
        by_group = transposed(z.flatten(0, 1)).view(count, groups, -1, joints)  # [K, G, width / G * N, J]
        total = torch.bmm(by_group[0], graphs[0])
        for part in range(1, count):
            total = torch.baddbmm(total, by_group[part], graphs[part])
        return transposed(total.view(-1, z.shape[0] * joints)).view(z.shape[0], joints, -1)
