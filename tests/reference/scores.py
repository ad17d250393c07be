"""Losses on scores in plain loops over lists of numbers; a clip is a list of steps, a step is a list of raw scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.reference import ctc_brute_force as brute_force
from tests.reference.losses import Clip, Step, kl, softmax


def logs(clip: Clip) -> list[list[float]]:
    return [[math.log(p) for p in softmax(step)] for step in clip]


def aligned(clip: Clip, glosses: Sequence[int]) -> list[int]:
    """The most probable path that spells the glosses, out of all paths."""
    found = brute_force.best_path(logs(clip), len(clip[0]), glosses)
    assert found is not None
    return list(found[1])


def dense(path: Sequence[int]) -> list[int]:
    """Every blank takes the gloss of the nearest step that has one, the earlier of two."""
    spoken = [t for t, label in enumerate(path) if label != 0]
    if not spoken:
        return list(path)
    return [path[min(spoken, key=lambda other: (abs(other - t), other))] for t in range(len(path))]


def decoupled(teacher: Step, student: Step, target: int, temperature: float) -> tuple[float, float]:
    """TCKD and NCKD of one step, from probabilities as the paper writes them."""
    p, q = (softmax([score / temperature for score in scores]) for scores in (teacher, student))
    target_class = p[target] * math.log(p[target] / q[target])
    target_class += (1 - p[target]) * math.log((1 - p[target]) / (1 - q[target]))
    others = 0.0
    for i in range(len(p)):
        if i != target:
            share, student_share = p[i] / (1 - p[target]), q[i] / (1 - q[target])
            others += share * math.log(share / student_share)
    return target_class, others


def dkd(
    student: Sequence[Clip],
    teacher: Sequence[Clip],
    targets: Sequence[Sequence[int]],
    alpha: float,
    beta: float,
    temperature: float,
    *,
    drop: bool,
) -> float:
    values = []
    for ours, theirs, labels in zip(student, teacher, targets, strict=True):
        for one, other, label in zip(ours, theirs, labels, strict=True):
            if drop and label == 0:
                continue
            first = 1 if drop else 0
            target_class, others = decoupled(other[first:], one[first:], label - first, temperature)
            values.append(temperature**2 * (alpha * target_class + beta * others))
    return sum(values) / len(values) if values else 0.0


def guided_ctc(student: Sequence[Clip], guide: Sequence[Clip]) -> float:
    missing = []
    for ours, theirs in zip(student, guide, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            best = other.index(max(other))
            if best != 0:
                missing.append(1 - softmax(one)[best])
    return sum(missing) / len(missing) if missing else 0.0


def best_of(values: Sequence[float], softness: float) -> float:
    if softness == 0:
        return min(values)
    return -softness * math.log(sum(math.exp(-value / softness) for value in values) / len(values))


def shift_tolerant(
    student: Sequence[Clip],
    teacher: Sequence[Clip],
    max_shift: int,
    per: str,
    softness: float,
    temperature: float,
    *,
    drop: bool,
) -> float:
    total, steps = 0.0, 0
    first = 1 if drop else 0
    for ours, theirs in zip(student, teacher, strict=True):
        table = []  # a row per step, a column per shift
        for t, one in enumerate(ours):
            row = []
            for shift in range(-max_shift, max_shift + 1):
                other = theirs[max(0, min(len(theirs) - 1, t + shift))]
                row.append(temperature**2 * kl(other[first:], one[first:], temperature))
            table.append(row)
        if per == "step":
            total += sum(best_of(row, softness) for row in table)
        elif table:
            means = [sum(column) / len(column) for column in zip(*table, strict=True)]
            total += len(table) * best_of(means, softness)
        steps += len(table)
    return total / steps


def best_sentences(clip: Clip, number: int) -> dict[tuple[int, ...], float]:
    """The most probable sentences and their log probabilities, out of all that can be written."""
    scores = brute_force.sentence_scores(logs(clip), len(clip[0]))
    return {sentence: scores[sentence] for sentence in sorted(scores, key=lambda one: -scores[one])[:number]}


def sequence_kd(student: Sequence[Clip], teacher: Sequence[Clip], n_best: int) -> float:
    """Over all paths of the best sentences that the student can write at all."""
    total, clips = 0.0, 0
    for ours, theirs in zip(student, teacher, strict=True):
        written = brute_force.sentence_scores(logs(ours), len(ours[0]))
        fitting = {one: score for one, score in best_sentences(theirs, n_best).items() if one in written}
        if fitting:
            weights = softmax(list(fitting.values()))
            total -= sum(weight * written[one] for weight, one in zip(weights, fitting, strict=True))
            clips += 1
    return total / clips if clips else 0.0
