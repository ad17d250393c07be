"""MixUp: clips of a batch blended in pairs, with the classes of both."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from slr.types import Batch, Padded


@dataclass(frozen=True)
class MixedBatch:
    """Clips that are each ``share`` of themselves and the rest of a partner.

    ``batch`` holds the blended clips with their own labels, ``partner_labels`` ``[B]`` int64 those of their partners,
    and ``share`` ``[B]`` float32 is between 0 and 1. The loss is ``share L(labels) + (1 - share) L(partner_labels)``.
    """

    batch: Batch
    partner_labels: Tensor
    share: Tensor


def mixup(batch: Batch, alpha: float, generator: Generator) -> MixedBatch:
    """Blend every clip of an isolated batch with another one (Zhang et al., ICLR 2018).

    A share is drawn for each clip from ``Beta(alpha, alpha)``, a partner by a permutation of the batch. Coordinates
    are blended where both clips have a joint; where one has it, its coordinates are taken as they are, since what is
    missing has no place. So a step is real where it is in either clip. With ``alpha`` 0 every clip is its own partner.

    Raises:
        ValueError: when ``alpha`` is negative, or the batch has no keypoints or no labels.
    """
    if not alpha >= 0:
        raise ValueError(f"alpha {alpha} of MixUp: it must be 0 or more")
    if batch.pose is None or batch.labels is None:
        raise ValueError("MixUp blends keypoints and classes: this batch lacks one of both")
    count = len(batch)
    if alpha == 0:
        return MixedBatch(batch, batch.labels, torch.ones(count))
    partner = torch.randperm(count, generator=generator).to(batch.labels.device)
    draws = random.Random(int(torch.randint(2**62, (), generator=generator)))
    share = torch.tensor([draws.betavariate(alpha, alpha) for _ in range(count)], dtype=torch.float32)
    pose = _blended(batch.pose, partner, share.to(batch.pose.values))
    frames = _longer(batch.frames, partner)
    return MixedBatch(replace(batch, pose=pose, frames=frames), batch.labels[partner], share)


def _blended(pose: Padded, partner: Tensor, share: Tensor) -> Padded:
    """``[B, T, ..., J, C]``, each clip with its partner."""
    own = pose.zeroed().values
    other = own[partner]
    here, there = own.ne(0).any(-1, keepdim=True), other.ne(0).any(-1, keepdim=True)
    weight = share.view(-1, *[1] * (own.ndim - 1))
    both = weight * own + (1 - weight) * other
    values = torch.where(here & there, both, torch.where(here, own, other))
    return Padded(values, pose.lengths.maximum(pose.lengths[partner]))


def _longer(frames: Padded, partner: Tensor) -> Padded:
    """``[B, T]``: the source frames of the longer of two clips."""
    longer = torch.where(
        frames.lengths >= frames.lengths[partner], torch.arange(len(partner), device=partner.device), partner
    )
    return Padded(frames.values[longer], frames.lengths[longer])
