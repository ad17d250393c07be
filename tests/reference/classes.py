"""Losses on the class of a clip in plain loops; a clip is a list of raw scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.reference.losses import softmax

Scores = Sequence[Sequence[float]]  # clips, classes


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def focal(
    scores: Scores, labels: Sequence[int], gamma: float, alpha: float, smoothing: float, *, of_every_class: bool
) -> float:
    """``-sum_v alpha (1 - p)^gamma q_v log p_v``, with the p of the class itself or of that of the clip."""
    values = []
    for clip, label in zip(scores, labels, strict=True):
        p = softmax(clip)
        total = 0.0
        for v, share in enumerate(p):
            target = smoothing / len(p) + (1 - smoothing if v == label else 0.0)
            sure = share if of_every_class else p[label]
            total -= alpha * (1 - sure) ** gamma * target * math.log(share)
        values.append(total)
    return mean(values)


def pairwise_margin(
    scores: Scores, labels: Sequence[int], pairs: Sequence[tuple[int, int]], margin: float, scale: float
) -> float:
    """What is missing to the margin over every class that is confused with that of the clip."""
    values = []
    for clip, label in zip(scores, labels, strict=True):
        confused = {b for a, b in pairs if a == label} | {a for a, b in pairs if b == label}
        values.append(sum(max(0.0, margin - (clip[label] - clip[c]) / scale) for c in confused))
    return mean(values)


def confidence(said: Sequence[float], scores: Scores, labels: Sequence[int]) -> float:
    """The squared distance of what is said from what should be."""
    values = []
    for raw, clip, label in zip(said, scores, labels, strict=True):
        p = softmax(clip)
        entropy = -sum(share * math.log(share) for share in p)
        wanted = 1.0 if clip[label] == max(clip) else 1 - entropy / math.log(len(p))
        values.append((1 / (1 + math.exp(-raw)) - wanted) ** 2)
    return mean(values)


def decoupled(ours: Scores, theirs: Scores, labels: Sequence[int], alpha: float, beta: float, heat: float) -> float:
    """``T^2 (alpha KL of (p_y, 1 - p_y) + beta KL over the other classes)``, teacher first."""
    values = []
    for mine, wanted, label in zip(ours, theirs, labels, strict=True):
        binary, others = [], []
        for scores in (wanted, mine):
            p = softmax([score / heat for score in scores])
            binary.append([p[label], 1 - p[label]])
            others.append([share / (1 - p[label]) for v, share in enumerate(p) if v != label])
        values.append(heat**2 * (alpha * divergence(*binary) + beta * divergence(*others)))
    return mean(values)


def divergence(wanted: Sequence[float], found: Sequence[float]) -> float:
    """``KL(wanted || found)`` of probabilities."""
    return sum(p * math.log(p / q) for p, q in zip(wanted, found, strict=True))
