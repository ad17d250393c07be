"""Batches whose joints come first in memory, and the real steps among them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slr.layers.valid import exporting
from slr.types import Padded, strided_lengths


@dataclass(frozen=True)
class JointSteps:
    """Where the real steps of clips lie in ``[..., T, B, D]``: like :class:`~slr.layers.ValidSteps`, time before clips.

    ``places`` ``[N]`` counts among the ``T B`` steps; ``None`` when every step is real.
    """

    lengths: Tensor
    steps: int
    places: Tensor | None

    @classmethod
    def of(cls, lengths: Tensor, steps: int) -> JointSteps:
        """The real steps of clips of ``lengths`` padded to ``steps``."""
        places = None
        if not exporting() and int(lengths.min()) < steps:
            mask = torch.arange(steps, device=lengths.device)[:, None] < lengths
            places = mask.flatten().nonzero().squeeze(1)
        return cls(lengths, steps, places)

    def gather(self, values: Tensor) -> Tensor:
        """``[..., T, B, D]`` -> ``[..., N, D]``."""
        rows = values.flatten(-3, -2)
        return rows if self.places is None else rows.index_select(-2, self.places)

    def scatter(self, rows: Tensor) -> Tensor:
        """``[..., N, D]`` -> ``[..., T, B, D]``, zero elsewhere."""
        clips = len(self.lengths)
        if self.places is not None:
            empty = rows.new_zeros(*rows.shape[:-2], self.steps * clips, rows.shape[-1])
            rows = empty.index_copy(-2, self.places, rows)
        values = rows.unflatten(-2, (self.steps, clips))
        if exporting():
            mask = torch.arange(self.steps, device=self.lengths.device)[:, None, None] < self.lengths[:, None]
            values = torch.where(mask, values, torch.zeros_like(values))
        return values

    def strided(self, stride: int) -> JointSteps:
        """The real steps that are left when every ``stride``-th one of each clip is kept."""
        return self if stride == 1 else JointSteps.of(strided_lengths(self.lengths, stride), -(-self.steps // stride))


def joints_first(clips: Padded) -> tuple[Tensor, JointSteps]:
    """``[B, T, J, C]`` -> its real steps ``[J, N, C]``, and where they lie."""
    steps = JointSteps.of(clips.lengths, clips.values.shape[1])
    return steps.gather(clips.values.permute(2, 1, 0, 3)), steps


def clips_first(rows: Tensor, steps: JointSteps) -> Padded:
    """The way back: ``[J, N, D]`` -> ``[B, T, J, D]``, zero as padding."""
    return Padded(steps.scatter(rows).permute(2, 1, 0, 3), steps.lengths)
