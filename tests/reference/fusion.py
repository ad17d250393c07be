"""Fusion of streams in plain loops over lists of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

Scores = Sequence[Sequence[float]]  # clips, classes

PUBLISHED = (range(10, 21), range(5, 16), range(1, 11), range(1, 11))  # tenths


def hits(streams: Sequence[Scores], labels: Sequence[int], weights: Sequence[Fraction | float]) -> int:
    """Clips whose label has a higher weighted sum of scores than every other class."""
    found = 0
    for clip, label in enumerate(labels):
        sums = []
        for c in range(len(streams[0][clip])):
            sums.append(sum(weight * stream[clip][c] for weight, stream in zip(weights, streams, strict=True)))
        found += all(sums[label] > total for c, total in enumerate(sums) if c != label)
    return found


def every_combination(streams: Sequence[Scores], labels: Sequence[int]) -> dict[tuple[float, ...], int]:
    """Hits of every combination of the published grid."""
    grid = itertools.product(*PUBLISHED[: len(streams)])
    return {tuple(w / 10 for w in tenths): hits(streams, labels, [Fraction(w) for w in tenths]) for tenths in grid}
