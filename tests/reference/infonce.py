"""Contrasts in plain loops over lists of numbers, as slow and as obvious as possible."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

Vector = Sequence[float]


def dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def unit(vector: Vector) -> list[float]:
    size = math.sqrt(dot(vector, vector))
    return [value / size for value in vector]


def contrast(anchor: Vector, positives: Sequence[Vector], negatives: Sequence[Vector], temperature: float) -> float:
    """Mean over the positives of ``-log`` of their share among all positives and negatives."""
    scores = [math.exp(dot(anchor, vector) / temperature) for vector in [*positives, *negatives]]
    shares = [score / sum(scores) for score in scores[: len(positives)]]
    return sum(-math.log(share) for share in shares) / len(positives)


def may_be_pushed_apart(one: tuple, other: tuple, same_gloss: bool, neighbours: int) -> bool:
    """``one`` and ``other`` are (clip, step, label); the first may be pushed away from the second."""
    if one[0] == other[0] and abs(one[1] - other[1]) <= neighbours:
        return False
    return not (same_gloss and one[2] == other[2])


def candidates_of(
    student: Sequence[Vector],
    teacher: Sequence[Vector],
    steps: Sequence[tuple],
    *,
    same_gloss: bool = True,
    neighbours: int = 1,
    by_gloss: bool = False,
    queue: Sequence[tuple[Vector, Vector, int]] = (),
) -> Iterator[tuple[Vector, list[Vector], list[Vector]]]:
    """Every anchor of both directions, its positives, its negatives. ``queue`` holds past (student, teacher, label)."""
    for side, (anchors, candidates) in enumerate(((student, teacher), (teacher, student))):
        for i, here in enumerate(steps):
            positives, negatives = [], []
            for k, there in enumerate(steps):
                if k == i or (by_gloss and here[2] == there[2]):
                    positives.append(candidates[k])
                elif may_be_pushed_apart(here, there, same_gloss, neighbours):
                    negatives.append(candidates[k])
            for past in queue:
                if by_gloss and past[2] == here[2]:
                    positives.append(past[1 - side])
                elif not (same_gloss and past[2] == here[2]):
                    negatives.append(past[1 - side])
            yield anchors[i], positives, negatives


def symmetric(
    student: Sequence[Vector], teacher: Sequence[Vector], steps: Sequence[tuple], temperature: float, **options: Any
) -> float:
    """Mean contrast of all anchors; ``options`` are those of :func:`candidates_of`."""
    found = candidates_of(student, teacher, steps, **options)
    return sum(contrast(*each, temperature) for each in found) / (2 * len(steps))


def accuracy(student: Sequence[Vector], teacher: Sequence[Vector], steps: Sequence[tuple], **options: Any) -> float:
    """Share of the anchors, among those with a negative, that have a positive nearer than every negative."""
    hits = [
        max(dot(anchor, vector) for vector in positives) > max(dot(anchor, vector) for vector in negatives)
        for anchor, positives, negatives in candidates_of(student, teacher, steps, **options)
        if negatives
    ]
    return sum(hits) / len(hits)
