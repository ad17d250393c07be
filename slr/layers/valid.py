"""Work on real steps alone: take them out of a padded batch, put the results back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slr.types import Padded, ZeroPadded, strided_lengths


@dataclass(frozen=True)
class ValidSteps:
    """Where the real steps of a batch lie: ``places`` ``[N]`` among its ``clips * steps`` steps, ``N = sum(lengths)``.

    ``places`` is ``None`` when every step is real.
    """

    lengths: Tensor
    clips: int
    steps: int
    places: Tensor | None

    @classmethod
    def of(cls, lengths: Tensor, steps: int) -> ValidSteps:
        """The real steps of clips of ``lengths`` padded to ``steps``."""
        places = None
        if not exporting() and int(lengths.min()) < steps:
            mask = torch.arange(steps, device=lengths.device) < lengths[:, None]
            places = mask.flatten().nonzero().squeeze(1)
        return cls(lengths, lengths.shape[0], steps, places)

    def gather(self, values: Tensor) -> Tensor:
        """``[B, T, ...]`` -> ``[N, ...]``: all real steps of all clips, one after the other."""
        rows = values.flatten(0, 1)
        return rows if self.places is None else rows.index_select(0, self.places)  # much faster than values[mask]

    def scatter(self, rows: Tensor) -> Padded:
        """``[N, ...]`` -> ``[B, T, ...]``: the rows at their places, zero elsewhere."""
        if self.places is not None:
            empty = rows.new_zeros(self.clips * self.steps, *rows.shape[1:])
            rows = empty.index_copy(0, self.places, rows)
        values = rows.unflatten(0, (self.clips, self.steps))
        return Padded(values, self.lengths).zeroed() if exporting() else ZeroPadded(values, self.lengths)

    def strided(self, stride: int) -> ValidSteps:
        """The real steps that are left when every ``stride``-th one of each clip is kept."""
        return self if stride == 1 else ValidSteps.of(strided_lengths(self.lengths, stride), -(-self.steps // stride))


def gather_valid(padded: Padded) -> Tensor:
    """``padded.valid()``; in a network that is exported all steps, padding too."""
    return padded.values.flatten(0, 1) if exporting() else padded.valid()


def scatter_valid(rows: Tensor, like: Padded) -> Padded:
    """Put ``[N, ...]`` rows back where ``gather_valid(like)`` took the steps from; padding is zero."""
    return ValidSteps.of(like.lengths, like.values.shape[1]).scatter(rows)


def exporting() -> bool:
    """Whether a network is being traced for another runtime (``torch.export``, ONNX).

    An exported network computes all steps and masks afterwards: which steps are real is not known when it is traced.
    """
    return getattr(torch.compiler, "is_exporting", bool)() or torch.onnx.is_in_onnx_export()
