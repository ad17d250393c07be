"""Clips of unequal length, with rubbish behind their ends."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from slr.types import Padded


def random_clips(lengths: Sequence[int], *shape: int) -> list[Tensor]:
    """Clips of normal numbers, ``[T_i, *shape]`` in double precision."""
    return [torch.randn(length, *shape, dtype=torch.float64) for length in lengths]


def with_rubbish(clips: Sequence[Tensor], extra: int = 0) -> Padded:
    """The clips padded with NaN, and ``extra`` steps of NaN more than needed."""
    padded = Padded.from_list(clips)
    values = torch.cat([padded.values, padded.values.new_zeros(len(clips), extra, *padded.values.shape[2:])], 1)
    values[~Padded(values, padded.lengths).mask] = torch.nan
    return Padded(values, padded.lengths)
