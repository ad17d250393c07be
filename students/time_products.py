"""Convolutions over the steps of every joint, ``[B, T, J, C]``, which learn quickly on a CPU.

Long kernels between many features learn by :mod:`~students.time_frequencies`. For the others there is a backward pass:
what oneDNN makes of the gradient of the weights, channels last, runs at half the speed of the convolution itself. As
one matrix product per tap, over clips with their steps first, it is up to twice as fast, and nothing is unfolded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from slr.layers.valid import exporting
from students.time_frequencies import FrequencyProducts, Spans


def convolve_time(
    clips: Tensor, weights: Sequence[Tensor], bias: Tensor | None = None, stride: int = 1, dilation: int = 1
) -> Tensor:
    """``y[b, t, j] = bias + sum_k W[:, :, k] x[b, stride t + dilation (k - K // 2), j]``, the ``W`` side by side.

    Beyond the ends of a clip lie zeros.

    Args:
        clips: ``[B, T, J, C]``.
        weights: ``[D, C, K, 1]`` each, ``K`` odd, as a convolution of torch over two axes has them; ``D`` and ``K`` may
            differ from one to the next.
        bias: ``[sum D]``, or none.
        stride: steps from one result to the next.
        dilation: steps from one tap to the next.

    Returns:
        ``[B, T', J, sum D]`` with ``T' = ceil(T / stride)``.
    """
    learning = torch.is_grad_enabled() and any(weight.requires_grad for weight in weights)
    half = torch.is_autocast_enabled(clips.device.type)
    if not learning or clips.device.type != "cpu" or half or exporting() or torch.compiler.is_compiling():
        y = _convolved(clips, weights, stride, dilation)
    elif dilation == 1 and Spans(clips.shape[1], _longest(weights), stride).pay(clips.shape[3], _features(weights)):
        y = FrequencyProducts.apply(clips, _one(weights)[..., 0], stride)
    else:
        y = _TimeProducts.apply(clips, stride, dilation, *weights)
    return y if bias is None else y + bias


def _convolved(clips: Tensor, weights: Sequence[Tensor], stride: int, dilation: int) -> Tensor:
    moved = clips.permute(0, 3, 1, 2)  # channels last in memory, as convolutions like it
    made = [
        nn.functional.conv2d(moved, weight, None, (stride, 1), (_padding(weight, dilation), 0), (dilation, 1))
        for weight in weights
    ]
    return (made[0] if len(made) == 1 else torch.cat(made, dim=1)).permute(0, 2, 3, 1)


def _one(weights: Sequence[Tensor]) -> Tensor:
    """``[sum D, C, K, 1]`` with the longest ``K``: the shorter kernels between zeros."""
    longest = _longest(weights)
    ends = [(longest - weight.shape[2]) // 2 for weight in weights]
    return torch.cat([nn.functional.pad(weight, (0, 0, end, end)) for weight, end in zip(weights, ends, strict=True)])


def _longest(weights: Sequence[Tensor]) -> int:
    return max(weight.shape[2] for weight in weights)


def _features(weights: Sequence[Tensor]) -> int:
    return sum(len(weight) for weight in weights)


def _padding(weight: Tensor, dilation: int) -> int:
    return dilation * (weight.shape[2] // 2)


class _TimeProducts(torch.autograd.Function):
    """The convolutions; one convolution back to the clips, and products for the weights."""

    @staticmethod
    def forward(ctx: Any, clips: Tensor, stride: int, dilation: int, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(clips, *weights)
        ctx.spacing = stride, dilation
        return _convolved(clips, weights, stride, dilation)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        clips, *weights = ctx.saved_tensors
        of_clips = _of_clips(gradient, clips.shape, weights, *ctx.spacing) if ctx.needs_input_grad[0] else None
        return of_clips, None, None, *_of_weights(gradient, clips, weights, *ctx.spacing)


def _of_clips(gradient: Tensor, shape: torch.Size, weights: Sequence[Tensor], stride: int, dilation: int) -> Tensor:
    """``[B, T, J, C]``. One long kernel is quicker than several of their own lengths, whose results must be summed."""
    weight = _one(weights)
    clips, steps, joints, width = shape
    return conv2d_input(
        (clips, width, steps, joints),
        weight,
        gradient.permute(0, 3, 1, 2),
        (stride, 1),
        (_padding(weight, dilation), 0),
        (dilation, 1),
    ).permute(0, 2, 3, 1)


def _of_weights(gradient: Tensor, clips: Tensor, weights: Sequence[Tensor], stride: int, dilation: int) -> list[Tensor]:
    """Like ``weights``: per tap the product of what it read with what came of it."""
    phases = [clips[:, phase::stride].transpose(0, 1).contiguous() for phase in range(stride)]  # [T', B, J, C]
    parts = gradient.transpose(0, 1).contiguous().split([len(weight) for weight in weights], dim=-1)  # [T', B, J, D]
    found = []
    for weight, part in zip(weights, parts, strict=True):
        taps = weight.new_zeros(weight.shape[2], weight.shape[1], weight.shape[0])
        for tap, of_tap in enumerate(taps):
            later, phase = divmod(dilation * (tap - len(taps) // 2), stride)
            first, last = max(0, -later), min(len(part), len(phases[phase]) - later)
            if first < last:
                read = phases[phase][first + later : last + later].flatten(0, 2)
                torch.mm(read.T, part[first:last].flatten(0, 2), out=of_tap)
        found.append(taps.permute(2, 1, 0)[..., None])
    return found
