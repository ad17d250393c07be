"""Convolutions over the steps of every joint, ``[B, T, J, C]``.

Long kernels between many features learn by :mod:`~students.time_frequencies`, where oneDNN's gradients are slow.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from students.cpu_learning import learns_on_cpu
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
    if dilation == 1 and learns_on_cpu(clips, weights) and _spans_pay(clips, weights, stride):
        y = FrequencyProducts.apply(clips, _one(weights), stride)
    else:
        y = _convolved(clips, weights, stride, dilation)
    return y if bias is None else y + bias


def _spans_pay(clips: Tensor, weights: Sequence[Tensor], stride: int) -> bool:
    spans = Spans(clips.shape[1], max(weight.shape[2] for weight in weights), stride)
    return spans.pay(clips.shape[3], sum(len(weight) for weight in weights))


def _one(weights: Sequence[Tensor]) -> Tensor:
    """``[sum D, C, K]`` with the longest ``K``: shorter kernels stand between zeros."""
    longest = max(weight.shape[2] for weight in weights)
    ends = [(longest - weight.shape[2]) // 2 for weight in weights]
    return torch.cat([nn.functional.pad(weight[..., 0], (end, end)) for weight, end in zip(weights, ends, strict=True)])


def _convolved(clips: Tensor, weights: Sequence[Tensor], stride: int, dilation: int) -> Tensor:
    moved = clips.permute(0, 3, 1, 2)  # channels last in memory, as convolutions like it
    made = []
    for weight in weights:
        padding = dilation * (weight.shape[2] // 2)
        made.append(nn.functional.conv2d(moved, weight, None, (stride, 1), (padding, 0), (dilation, 1)))
    return (made[0] if len(made) == 1 else torch.cat(made, dim=1)).permute(0, 2, 3, 1)
