"""I3D's pieces in loops, one clip at a time: the border SAME as TensorFlow's manual defines it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from teachers.i3d_units import InceptionBlock, MaxPool3D, Unit3D


def windows(size: int, kernel: int, stride: int) -> list[tuple[int, int]]:
    """Of every output, the first input under its window and the one behind the last; both may lie outside."""
    outputs = math.ceil(size / stride)
    before = max((outputs - 1) * stride + kernel - size, 0) // 2
    return [(out * stride - before, out * stride - before + kernel) for out in range(outputs)]


def places(shape: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> list[list[tuple[int, int]]]:
    return [windows(*each) for each in zip(shape, kernel, stride, strict=True)]


def convolution(clip: Tensor, weight: Tensor, stride: Sequence[int]) -> Tensor:
    """``[T, H, W, D]`` with ``[E, D, k, k, k]`` -> ``[S, h, w, E]``; nothing lies outside."""
    seen = places(clip.shape[:3], weight.shape[2:], stride)
    out = clip.new_zeros(*map(len, seen), len(weight))
    for where in itertools.product(*(range(len(one)) for one in seen)):
        corner = [seen[axis][place][0] for axis, place in enumerate(where)]
        for offset in itertools.product(*map(range, weight.shape[2:])):
            at = [first + step for first, step in zip(corner, offset, strict=True)]
            if all(0 <= place < size for place, size in zip(at, clip.shape, strict=False)):
                out[where] += weight[:, :, offset[0], offset[1], offset[2]] @ clip[tuple(at)]
    return out


def unit(clip: Tensor, module: Unit3D) -> Tensor:
    """In evaluation: convolution, batch norm by its running statistics, no negative value."""
    out, norm = convolution(clip, module.conv.weight, module.stride), module.norm.norm
    for channel in range(out.shape[-1]):
        centred = out[..., channel] - norm.running_mean[channel]
        out[..., channel] = centred / math.sqrt(norm.running_var[channel] + 1e-3) * norm.weight[channel]
        out[..., channel] += norm.bias[channel]
    return out.clamp(min=0)


def pooling(clip: Tensor, module: MaxPool3D) -> Tensor:
    """The largest of what lies under each window and inside the clip."""
    seen = places(clip.shape[:3], module.kernel, module.stride)
    out = clip.new_zeros(*map(len, seen), clip.shape[3])
    for where in itertools.product(*(range(len(one)) for one in seen)):
        inside = [
            slice(max(seen[axis][place][0], 0), min(seen[axis][place][1], clip.shape[axis]))
            for axis, place in enumerate(where)
        ]
        out[where] = clip[tuple(inside)].flatten(0, 2).max(dim=0).values
    return out


def inception(clip: Tensor, module: InceptionBlock) -> Tensor:
    """Its four branches, written out."""
    second, third = unit(clip, module.b1a), unit(clip, module.b2a)
    branches = [
        unit(clip, module.b0),
        unit(second, module.b1b),
        unit(third, module.b2b),
        unit(pooling(clip, module.b3a), module.b3b),
    ]
    return torch.cat(branches, dim=-1)
