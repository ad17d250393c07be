"""Units over the frames of each joint: one long kernel, or several time scales side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, ValidSteps
from students.units import every, linear, started


class LongKernel(nn.Module):
    """A convolution over ``kernel`` steps and batch norm. ``[N, J, width]`` -> ``[N', J, width]``.

    Raises:
        ValueError: when ``kernel`` is even.
    """

    def __init__(self, width: int, stride: int = 1, kernel: int = 9, bias: bool = True) -> None:
        super().__init__()
        self.stride = stride
        self.conv = started(over_time(width, kernel, stride, bias=bias))
        self.norm = MaskedBatchNorm(width)

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """The convolved steps, and which are left."""
        left = valid.strided(self.stride)
        clips = valid.scatter(x).values.permute(0, 3, 1, 2)  # channels last in memory, as convolutions like it
        return self.norm.normalise(left.gather(self.conv(clips).permute(0, 2, 3, 1))), left


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
        uneven: whether the first branch takes what a division leaves; else the branches must divide the width.

    Raises:
        ValueError: when the branches cannot share ``width``.
    """

    def __init__(
        self, width: int, stride: int, kernel: int, dilations: Sequence[int], bias: bool = True, uneven: bool = False
    ) -> None:
        super().__init__()
        branches = len(dilations) + 2
        share, rest = divmod(width, branches)
        if share == 0 or (rest and not uneven):
            must = f"{branches} must divide them" if not uneven else f"there must be {branches} at least"
            raise ValueError(f"{branches} temporal branches cannot share {width} channels: {must}")
        self.stride = stride
        self.shares = [share + rest, *[share] * (branches - 2)]  # of all branches but the last
        self.squeeze = linear(width, width - share, bias)
        self.squeeze_norm = MaskedBatchNorm(width - share)
        self.convs = nn.ModuleList(
            started(over_time(own, kernel, stride, dilation, bias))
            for own, dilation in zip(self.shares, dilations, strict=False)
        )
        self.skip = linear(width, share, bias)

    def forward(self, x: Tensor, valid: ValidSteps, left: ValidSteps) -> Tensor:
        """The branches side by side at the steps that are left."""
        squeezed = torch.relu(self.squeeze_norm.normalise(self.squeeze(x)))
        clips = valid.scatter(squeezed).values.permute(0, 3, 1, 2)  # channels last in memory, as convolutions like it
        *read, pooled = clips.split(self.shares, dim=1)
        branches = [conv(part) for conv, part in zip(self.convs, read, strict=True)] + [self._pool(pooled)]
        rows = left.gather(torch.cat(branches, dim=1).permute(0, 2, 3, 1))
        return torch.cat([rows, self.skip(every(x, self.stride, valid, left))], dim=-1)

    def _pool(self, clips: Tensor) -> Tensor:
        """Maximum of a step and its two neighbours; none is negative, so the zeros beyond the ends never win."""
        steps = clips.shape[2]
        wide = nn.functional.pad(clips, (0, 0, 1, 1))
        before, now, after = (wide[:, :, k : k + steps : self.stride] for k in range(3))
        return torch.maximum(torch.maximum(before, now), after)


class TemporalBranches(nn.Module):
    """Four branches of a quarter of the width: kernels of five steps with dilations 1 and 2, max-pooling, none.

    Every branch ends in batch norm (Chen et al., ICCV 2021, the simplified multi-scale module of MS-G3D); ``activated``
    adds a ReLU, as pyskl does. ``[N, J, width]`` -> ``[N', J, width]``.

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
        self.branches = Branches(width, stride, kernel, dilations, bias)
        self.norm = MaskedBatchNorm(width)
        self.activated = activated

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """The branches side by side, and the steps that are left."""
        left = valid.strided(self.branches.stride)
        y = self.norm.normalise(self.branches(x, valid, left))
        return (torch.relu(y) if self.activated else y), left


class MixedBranches(nn.Module):
    """Six branches, mixed: kernels of three steps with dilations 1 to 4, max-pooling, none; then a linear layer.

    The temporal unit of ST-GCN++ (Duan et al., ACM MM 2022) and, with ``joints``, of DG-STGCN (Duan et al., 2022): there
    the mean over the joints runs through the branches as one joint more, and is then added to every joint ``j``
    ``share[j]`` times; the shares are learned and start at zero. Batch norm and ReLU before the linear layer, batch norm
    behind it. ``[N, J, width]`` -> ``[N', J, width]``.

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
        self.branches = Branches(width, stride, kernel, dilations, bias, uneven=True)
        self.share = None if joints is None else nn.Parameter(torch.zeros(joints))
        self.mix_norm = MaskedBatchNorm(width)
        self.mix = linear(width, width, bias)
        self.norm = MaskedBatchNorm(width)

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """The mixed branches, and the steps that are left."""
        left = valid.strided(self.branches.stride)
        if self.share is None:
            y = self.branches(x, valid, left)
        else:
            everyone = torch.cat([x, x.mean(1, keepdim=True)], dim=1)
            y = self.branches(everyone, valid, left)
            y = torch.addcmul(y[:, :-1], y[:, -1:], self.share[:, None])
        y = self.mix(torch.relu(self.mix_norm.normalise(y)))
        return self.norm.normalise(y), left


def over_time(width: int, kernel: int, stride: int = 1, dilation: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution of ``[B, width, T, J]`` over the steps, with zeros before the first and behind the last.

    Raises:
        ValueError: when ``kernel`` is even.
    """
    if kernel % 2 == 0:
        raise ValueError(f"temporal kernel {kernel} is even: only an odd one has as many frames before as after")
    padding = dilation * (kernel // 2)
    return nn.Conv2d(width, width, (kernel, 1), (stride, 1), (padding, 0), (dilation, 1), bias=bias)
