"""Steps of one network on the steps of another, clip by clip.

Networks that share a temporal plan and a stride give the same number of steps, and then nothing is touched.
Otherwise step ``t`` of ``S'`` target steps lies at position ``t * (S - 1) / (S' - 1)`` of ``S`` source steps: the first
steps meet and the last steps meet. A single target step (``S' = 1``, as isolated networks have) lies in the middle of
the source.
"""

from __future__ import annotations

import torch
from torch import Tensor

from slr.types import Padded


def align_linear(source: Padded, target: Padded) -> Padded:
    """Resample ``source`` to the lengths of ``target`` by linear interpolation between neighbouring steps.

    Gradients flow to the source. Its padding is never read; the padding of the result is zero.

    Args:
        source: ``[B, S, ...]`` floating point.
        target: ``[B, S', ...]``; only its lengths and its padded length are used.

    Returns:
        ``[B, S', ...]`` with the lengths of ``target``; ``source`` itself when the two agree already.

    Raises:
        ValueError: when a clip has target steps but no source step.
    """
    if _same_steps(source, target):
        return source
    numerator, denominator = _positions(source.lengths, target)
    lower = torch.div(numerator, denominator, rounding_mode="floor")
    remainder = numerator - lower * denominator
    return between_steps(source, lower, remainder / denominator, target)


def between_steps(source: Padded, lower: Tensor, share: Tensor, target: Padded) -> Padded:
    """``source`` at the steps ``lower + share``, linear between neighbours, with the lengths of ``target``.

    Args:
        source: ``[B, S, ...]`` floating point.
        lower: ``[B, S']`` int64, a step of the clip.
        share: ``[B, S']`` from 0 to 1, how far it is to the next step; 0 where there is none.
        target: ``[B, S', ...]``; only its lengths and its padded length are used.
    """
    # A step that falls exactly on a source step reads only that one: its neighbour may lie in the padding.
    upper = torch.where(share > 0, lower + 1, lower)
    share = share.to(source.values.dtype).reshape(*share.shape, *([1] * (source.values.ndim - 2)))
    values = torch.lerp(_take(source, lower, target), _take(source, upper, target), share)
    return Padded(values, target.lengths).zeroed()


def align_nearest(source: Padded, target: Padded) -> Padded:
    """Resample ``source`` to the lengths of ``target`` by taking the nearest step; halves go to the later one.

    For what cannot be averaged: labels, keypoints with a missing-joint mark. Any dtype; otherwise as
    :func:`align_linear`.
    """
    if _same_steps(source, target):
        return source
    numerator, denominator = _positions(source.lengths, target)
    nearest = torch.div(2 * numerator + denominator, 2 * denominator, rounding_mode="floor")
    return Padded(_take(source, nearest, target), target.lengths).zeroed()


def _same_steps(source: Padded, target: Padded) -> bool:
    assert len(source.lengths) == len(target.lengths), f"{len(source.lengths)} clips on {len(target.lengths)} clips"
    return source.values.shape[1] == target.values.shape[1] and torch.equal(source.lengths, target.lengths)


def _positions(source_lengths: Tensor, target: Padded) -> tuple[Tensor, Tensor]:
    """Position of every target step on the source as a whole-number fraction, ``[B, S']`` over ``[B, 1]``.

    Whole numbers keep positions exact: where source and target are equally long, every fraction is a whole step.
    """
    stranded = (source_lengths == 0) & (target.lengths > 0)
    if bool(stranded.any()):
        rows = ", ".join(str(row) for row in stranded.nonzero().flatten().tolist())
        raise ValueError(f"row {rows} of the batch has no step to resample from, although the other network has some")
    last = (source_lengths - 1).clamp(min=0)[:, None]
    target_last = (target.lengths - 1)[:, None]
    steps = torch.arange(target.values.shape[1], device=target.lengths.device)[None, :]
    single = target_last <= 0
    numerator = torch.where(single, last, steps.minimum(target_last.clamp(min=0)) * last)
    denominator = torch.where(single, torch.full_like(target_last, 2), target_last)
    return numerator, denominator


def _take(source: Padded, steps: Tensor, target: Padded) -> Tensor:
    """Step ``steps[b, s]`` of every clip ``b``: ``[B, S', ...]``."""
    if source.values.shape[1] == 0:  # then no clip has a target step either
        shape = (*target.values.shape[:2], *source.values.shape[2:])
        return source.values.new_zeros(shape)
    clips = torch.arange(len(steps), device=steps.device)[:, None]
    return source.values[clips, steps]
