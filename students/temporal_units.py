"""Units over the frames of each joint: one long kernel, or several time scales side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, ValidSteps
from students.block_parts import every_step, started
from students.shared_mean import share_last_joint
from students.time_convolution import convolve_time
from students.units import NormedLinear, idle_bias, linear


class LongKernel(nn.Module):
    """A convolution over ``kernel`` steps, batch norm, plus a shortcut; ReLU. ``[N, J, width]`` -> ``[N', J, width]``.

    Raises:
        ValueError: when ``kernel`` is even.
    """

    def __init__(self, width: int, stride: int = 1, kernel: int = 9, bias: bool = True) -> None:
        super().__init__()
        self.stride = stride
        self.conv = idle_bias(started(over_time(width, kernel, stride, bias=bias)))
        self.norm = MaskedBatchNorm(width)

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps, plus: Tensor | None = None) -> Tensor:
        """The steps that are left."""
        y = left.gather(over_clips(self.conv, valid.scatter(x).values))
        return self.norm.normalise(y, offset=self.conv.bias, plus=plus, relu=True)


class Branches(nn.Module):
    """Dilated convolutions, a max-pooling over three steps and none, each for a share of the width, side by side.

    All but the last read what a linear layer, batch norm and ReLU make of the input: one layer for all of them.
    ``[N, J, width]`` -> ``[N', J, width]``.

    Args:
        width: of the input and of all branches together.
        stride: of every branch.
        kernel: steps of the convolutions.
        dilations: one per convolution.
        bias: of all layers.
        idle: whether a batch norm follows directly. Biases are then left out of the sum; it has to read :attr:`offset`.
        uneven: whether the first branch takes what a division leaves; else the branches must divide the width.

    Raises:
        ValueError: when the branches cannot share ``width``.
    """

    def __init__(
        self,
        width: int,
        stride: int,
        kernel: int,
        dilations: Sequence[int],
        bias: bool = True,
        idle: bool = True,
        uneven: bool = False,
    ) -> None:
        super().__init__()
        branches = len(dilations) + 2
        share, rest = divmod(width, branches)
        if share == 0 or (rest and not uneven):
            must = f"{branches} must divide them" if not uneven else f"there must be {branches} at least"
            raise ValueError(f"{branches} temporal branches cannot share {width} channels: {must}")
        self.stride = stride
        self.idle = idle
        self.shares = [share + rest, *[share] * (branches - 2)]  # of all branches but the last
        self.squeeze = NormedLinear(width, width - share, bias)
        self.convs = nn.ModuleList(
            started(over_time(own, kernel, stride, dilation, bias))
            for own, dilation in zip(self.shares, dilations, strict=False)
        )
        self.skip = linear(width, share, bias)
        if idle:
            for layer in (*self.convs, self.skip):
                idle_bias(layer)

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps) -> Tensor:
        """The branches side by side at the steps that are left."""
        squeezed, skipped = self._linear(x, valid, left)
        squeezed = self.squeeze.norm.normalise(squeezed, offset=self.squeeze.linear.bias, relu=True)
        *read, pooled = valid.scatter(squeezed).values.split(self.shares, dim=-1)
        branches = [
            over_clips(cast(nn.Conv2d, conv), part, not self.idle) for conv, part in zip(self.convs, read, strict=True)
        ]
        branches += [self._pooled(pooled), left.scatter(skipped).values]
        return left.gather(torch.cat(branches, dim=-1))

    @property
    def offset(self) -> Tensor | None:
        """``[width]``: what the biases add to the branches, if they are idle and there are any."""
        if not self.idle or self.skip.bias is None:
            return None
        convs = [cast(Tensor, conv.bias) for conv in self.convs]
        return torch.cat([*convs, self.skip.bias.new_zeros(self.shares[-1]), self.skip.bias])

    def _linear(self, x: Tensor, valid: ValidSteps, left: ValidSteps) -> tuple[Tensor, Tensor]:
        """The linear layers of the branches: of all but the last, without its bias, and of the last."""
        squeeze, skip = self.squeeze.linear.weight, self.skip.weight
        if self.stride == 1:  # one product for both, and one for the gradient of what both read
            squeezed, skipped = nn.functional.linear(x, torch.cat([squeeze, skip])).split([len(squeeze), len(skip)], -1)
        else:
            squeezed = nn.functional.linear(x, squeeze)
            skipped = nn.functional.linear(every_step(x, self.stride, valid, left), skip)
        return squeezed.contiguous(), skipped if self.idle or self.skip.bias is None else skipped + self.skip.bias

    def _pooled(self, clips: Tensor) -> Tensor:
        """Maximum of a step and its two neighbours; none is negative, so the zeros of the padding never win."""
        moved = clips.permute(0, 3, 1, 2)
        return nn.functional.max_pool2d(moved, (3, 1), (self.stride, 1), (1, 0)).permute(0, 2, 3, 1)


class TemporalBranches(nn.Module):
    """Four branches of a quarter of the width: kernels of five steps with dilations 1 and 2, max-pooling, none.

    Every branch ends in batch norm (Chen et al., ICCV 2021, the simplified multi-scale module of MS-G3D); ``activated``
    adds a ReLU there, as pyskl does. Then the shortcut is added; ReLU. ``[N, J, width]`` -> ``[N', J, width]``.

    Raises:
        ValueError: when four does not divide ``width``.
    """

    def __init__(
        self,
        width: int,
        stride: int = 1,
        kernel: int = 5,
        dilations: Sequence[int] = (1, 2),
        bias: bool = True,
        activated: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.branches = Branches(width, stride, kernel, dilations, bias)
        self.norm = MaskedBatchNorm(width)
        self.activated = activated

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps, plus: Tensor | None = None) -> Tensor:
        """The steps that are left."""
        y, offset = self.branches(x, valid, left), self.branches.offset
        if not self.activated:
            return self.norm.normalise(y, offset=offset, plus=plus, relu=True)
        y = self.norm.normalise(y, offset=offset, relu=True)
        return y if plus is None else torch.relu(y + plus)


class MixedBranches(nn.Module):
    """Six branches, mixed: kernels of three steps with dilations 1 to 4, max-pooling, none; then a linear layer.

    The temporal unit of ST-GCN++ (Duan et al., ACM MM 2022) and, with ``joints``, of DG-STGCN (Duan et al., 2022):
    there the mean over the joints runs through the branches as one joint more, and is then added to every joint ``j``
    ``share[j]`` times; the shares are learned and start at zero. Batch norm and ReLU before the linear layer; batch
    norm behind it, plus the shortcut; ReLU. ``[N, J, width]`` -> ``[N', J, width]``.

    Raises:
        ValueError: when ``width`` is less than six.
    """

    def __init__(
        self,
        width: int,
        stride: int = 1,
        kernel: int = 3,
        dilations: Sequence[int] = (1, 2, 3, 4),
        bias: bool = True,
        joints: int | None = None,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.branches = Branches(width, stride, kernel, dilations, bias, idle=joints is None, uneven=True)
        self.share = None if joints is None else nn.Parameter(torch.zeros(joints))
        self.norm = MaskedBatchNorm(width)
        self.mix = NormedLinear(width, width, bias)

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps, plus: Tensor | None = None) -> Tensor:
        """The steps that are left."""
        if self.share is None:
            y = self.branches(x, valid, left)
        else:
            y = self.branches(torch.cat([x, x.mean(1, keepdim=True)], dim=1), valid, left)
            y = share_last_joint(y, self.share)
        y = self.norm.normalise(y, offset=self.branches.offset, relu=True)
        return self.mix(y, plus, relu=True)


def over_time(width: int, kernel: int, stride: int = 1, dilation: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution of ``[B, width, T, J]`` over the steps, with zeros before the first and behind the last.

    Raises:
        ValueError: when ``kernel`` is even.
    """
    if kernel % 2 == 0:
        raise ValueError(f"temporal kernel {kernel} is even: only an odd one has as many frames before as after")
    padding = dilation * (kernel // 2)
    return nn.Conv2d(width, width, (kernel, 1), (stride, 1), (padding, 0), (dilation, 1), bias=bias)


def over_clips(conv: nn.Conv2d, clips: Tensor, biased: bool = False) -> Tensor:
    """A convolution over the steps of ``[B, T, J, width]``, without its bias or with it."""
    bias = conv.bias if biased else None
    return convolve_time(clips, [conv.weight], bias, conv.stride[0], conv.dilation[0])
