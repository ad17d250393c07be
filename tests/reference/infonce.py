"""Contrasts in plain loops over lists of numbers, as slow and as obvious as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence

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


def symmetric(
    student: Sequence[Vector],
    teacher: Sequence[Vector],
    steps: Sequence[tuple],
    temperature: float,
    *,
    same_gloss: bool = True,
    neighbours: int = 1,
    by_gloss: bool = False,
    queue: Sequence[tuple[Vector, Vector, int]] = (),
) -> float:
    """Both directions over all steps. ``queue`` holds past (student, teacher, label)."""
    total = 0.0
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
            total += contrast(anchors[i], positives, negatives, temperature)
    return total / (2 * len(steps))
