"""The pieces of I3D: convolution and pooling in space and time with the borders of TensorFlow, clip by clip.

Maps are ``[B, T, H, W, D]``, zero as padding on the way in and out. In memory that is a channels-last video, which
convolutions on a CPU like, and every real frame of every clip is a row that batch norm can be given.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm
from slr.types import Padded, strided_lengths


def same_border(length: Tensor, kernel: int, stride: int) -> Tensor:
    """Steps before the first one that make ``ceil(length / stride)`` windows fit, the border called SAME.

    It is the smaller half of ``max(kernel - rest, 0)``, where the last window begins ``rest`` steps, 1 to ``stride``,
    before the end; so with a stride it depends on the length.
    """
    rest = (length - 1) % stride + 1
    return torch.div((kernel - rest).clamp(min=0), 2, rounding_mode="floor")


class Unit3D(nn.Module):
    """Convolution without bias, masked batch norm, ReLU: ``[B, T, H, W, in_width]`` -> ``[B, S, h, w, width]``.

    ``kernel`` is the size in all three directions, ``stride`` that in time and that in space. Everything has the border
    SAME, of zeros.
    """

    def __init__(self, in_width: int, width: int, kernel: int = 1, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride[0], stride[1], stride[1])
        self.conv = nn.Conv3d(in_width, width, kernel, self.stride, bias=False)
        self.norm = MaskedBatchNorm(width, eps=1e-3, momentum=0.01)

    def forward(self, maps: Padded) -> Padded:
        """Convolve, normalise the real steps, rectify."""
        values = self.conv(bordered(maps, self.kernel, self.stride))
        return self.norm(_as_maps(values, maps, self.stride[0])).map(torch.relu)


class MaxPool3D(nn.Module):
    """The largest value of every window, with the border SAME. What it reads has been rectified, so zeros never win."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, maps: Padded) -> Padded:
        """``[B, T, H, W, D]`` -> ``[B, S, h, w, D]``."""
        values = nn.functional.max_pool3d(bordered(maps, self.kernel, self.stride), self.kernel, self.stride)
        return _as_maps(values, maps, self.stride[0]).zeroed()


class InceptionBlock(nn.Module):
    """Four branches side by side: 1 x 1; 1 x 1 and 3 x 3; the same, narrower; pooling and 1 x 1 (all in 3D).

    ``widths`` are those of the published table: of the first branch, of both units of the second, of both units of the
    third, and of the fourth.
    """

    def __init__(self, in_width: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.b0 = Unit3D(in_width, widths[0])
        self.b1a, self.b1b = Unit3D(in_width, widths[1]), Unit3D(widths[1], widths[2], 3)
        self.b2a, self.b2b = Unit3D(in_width, widths[3]), Unit3D(widths[3], widths[4], 3)
        self.b3a, self.b3b = MaxPool3D((3, 3, 3), (1, 1, 1)), Unit3D(in_width, widths[5])
        self.width = widths[0] + widths[2] + widths[4] + widths[5]

    def forward(self, maps: Padded) -> Padded:
        """``[B, T, H, W, in_width]`` -> ``[B, T, H, W, width]``."""
        branches = (
            self.b0(maps),
            self.b1b(self.b1a(maps)),
            self.b2b(self.b2a(maps)),
            self.b3b(self.b3a(maps)),
        )
        return Padded(torch.cat([branch.values for branch in branches], dim=-1), maps.lengths)


def bordered(maps: Padded, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """``[B, T, H, W, D]`` -> ``[B, D, T', H', W']``, zeros all around, as much as the border SAME has.

    In time that depends on the length of every clip, not on that of the batch.
    """
    height, width = maps.values.shape[2:4]
    pads = [0, 0]
    for size, window, step in ((width, kernel[2], stride[2]), (height, kernel[1], stride[1])):
        before = int(same_border(torch.tensor(size), window, step))
        pads += [before, _extent(size, window, step) - size - before]
    steps = maps.values.shape[1]
    extent, before_each = _extent(steps, kernel[0], stride[0]), same_border(maps.lengths, kernel[0], stride[0])
    before = int(before_each[0])
    if bool((before_each == before).all()):
        values = nn.functional.pad(maps.values, [*pads, before, extent - steps - before])
    else:
        padded = nn.functional.pad(maps.values, [*pads, 0, 1])  # the last frame is of zeros
        source = torch.arange(extent, device=maps.lengths.device) - before_each[:, None]
        source = torch.where((source < 0) | (source >= steps), steps, source)
        values = padded[torch.arange(len(source), device=source.device)[:, None], source]
    return values.permute(0, 4, 1, 2, 3)


def _extent(size: int, kernel: int, stride: int) -> int:
    """What ``ceil(size / stride)`` windows reach over; negative padding cuts what they leave out."""
    return (-(-size // stride) - 1) * stride + kernel


def _as_maps(values: Tensor, before: Padded, stride: int) -> Padded:
    """``[B, D, S, h, w]`` as maps of every ``stride``-th step."""
    return Padded(values.permute(0, 2, 3, 4, 1), strided_lengths(before.lengths, stride))
