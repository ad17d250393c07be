"""Clips made of raw scores, for the losses that read nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from slr.types import Batch, Padded


def batch(glosses: Sequence[Sequence[int]]) -> Batch:
    transcripts = Padded.from_list([torch.tensor(one, dtype=torch.int64) for one in glosses])
    return Batch(tuple(f"clip-{row}" for row in range(len(glosses))), transcripts, transcripts)


def random(lengths: Sequence[int], classes: int = 4, spread: float = 1.0) -> Padded:
    return Padded.from_list([spread * torch.randn(length, classes) for length in lengths])


def lists(scores: Padded) -> list[list[list[float]]]:
    return [clip.tolist() for clip in scores.unpad()]


def spiky(labels: Sequence[int], classes: int = 4, height: float = 9.0) -> Padded:
    """One clip whose best class at every step is the label."""
    scores = torch.zeros(1, len(labels), classes)
    scores[0, torch.arange(len(labels)), torch.tensor(labels)] = height
    return Padded(scores, torch.tensor([len(labels)]))
