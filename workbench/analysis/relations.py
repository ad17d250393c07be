"""Relations between the steps of clips of unequal length, made comparable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]
SIDES = ("teacher", "student")
FEWEST_CLIPS = 3  # that reach a distance, for its mean to be shown


@dataclass(frozen=True)
class Relations:
    """What a loss learned of a clip: ``[S, S]`` of the student and of the teacher, rows sum to 1."""

    student: Matrix
    teacher: Matrix


def resampled(relations: Matrix, steps: int) -> Matrix:
    """Relations ``[S, S]`` over ``steps`` equal parts of the clip, ``[steps, steps]``; rows sum to what they did.

    A row is the mean of the rows that its part covers, each weighed by the share of the part; what a row gives to a
    column is shared out among the parts that the column covers.
    """
    overlap = _overlap(steps, len(relations))
    rows = overlap / overlap.sum(axis=1, keepdims=True)
    columns = overlap / overlap.sum(axis=0, keepdims=True)
    return rows @ relations @ columns.T


def mean_relations(clips: Sequence[Matrix], steps: int) -> Matrix:
    """The mean over clips of their resampled relations, ``[steps, steps]``."""
    return np.mean([resampled(clip, steps) for clip in clips], axis=0)


def by_distance(clips: Iterable[Matrix]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How much steps listen to what lies so many steps later, 1 being the even share of the clip's steps.

    Returns:
        distances ``j - i`` in steps, ascending, and for each the mean of ``S A(i, j)``: over the steps of a clip, then
        over the clips that have it. Distances that too few clips have are left out.
    """
    found: dict[int, list[float]] = {}
    for relations in clips:
        size = len(relations)
        for distance in range(1 - size, size):
            found.setdefault(distance, []).append(size * float(np.diagonal(relations, distance).mean()))
    most = max((len(means) for means in found.values()), default=0)
    kept = sorted(distance for distance, means in found.items() if len(means) >= min(FEWEST_CLIPS, most))
    return np.array(kept, np.int64), np.array([np.mean(found[distance]) for distance in kept])


def _overlap(targets: int, sources: int) -> Matrix:
    """How much of target ``i`` lies in source ``j`` when both cut the same line into equal parts, ``[i, j]``."""
    target, source = np.arange(targets)[:, None] / targets, np.arange(sources)[None] / sources
    return np.maximum(np.minimum(target + 1 / targets, source + 1 / sources) - np.maximum(target, source), 0)
