"""Relations in plain loops. A set is a list of vectors: the steps of a clip, or the clips of a batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from tests.reference.infonce import dot
from tests.reference.losses import resampled

Vector = Sequence[float]
Set = Sequence[Vector]


def norm(vector: Vector) -> float:
    return math.sqrt(dot(vector, vector))


def minus(one: Vector, other: Vector) -> list[float]:
    return [a - b for a, b in zip(one, other, strict=True)]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def cosine(one: Vector, other: Vector) -> float:
    sizes = norm(one) * norm(other)
    return dot(one, other) / sizes if sizes > 0 else 0.0


def huber(x: float) -> float:
    return x * x / 2 if abs(x) <= 1 else abs(x) - 0.5


def sets_of(student: Sequence[Set], teacher: Sequence[Set], over: str) -> list[tuple[Set, Set]]:
    """What is compared: (student's set, teacher's set) for every set."""
    if over == "clips":
        used = [(ours, theirs) for ours, theirs in zip(student, teacher, strict=True) if len(ours) and len(theirs)]
        pooled = [tuple([mean(column) for column in zip(*clip, strict=True)] for clip in pair) for pair in used]
        return [([ours for ours, _ in pooled], [theirs for _, theirs in pooled])]
    pairs = [(ours, resampled(theirs, len(ours))) for ours, theirs in zip(student, teacher, strict=True)]
    if over == "batch":
        return [([step for ours, _ in pairs for step in ours], [step for _, theirs in pairs for step in theirs])]
    return pairs


def over_sets(pairs: Sequence[tuple[Set, Set]], formula: Callable[[Set, Set], float | None]) -> float:
    """Mean of ``formula(student, teacher)`` over the sets for which it is not None."""
    values = [value for ours, theirs in pairs if (value := formula(ours, theirs)) is not None]
    return mean(values) if values else 0.0


def contextual_relation(ours: Set, theirs: Set) -> float | None:
    errors = [
        (cosine(theirs[i], theirs[j]) - cosine(ours[i], ours[j])) ** 2
        for i in range(len(ours))
        for j in range(len(ours))
        if i != j
    ]
    return mean(errors) if errors else None


def saliency(clip: Set, normalise: str) -> list[float] | None:
    """One number per boundary; None when none stands out."""
    turns = [1 - cosine(one, other) for one, other in itertools.pairwise(clip)]
    if not turns or max(turns) - min(turns) < 1e-5:
        return None
    if normalise == "min-max":
        return [(turn - min(turns)) / (max(turns) - min(turns)) for turn in turns]
    deviation = math.sqrt(mean([(turn - mean(turns)) ** 2 for turn in turns]))
    return [(turn - mean(turns)) / deviation for turn in turns]


def boundary_saliency(ours: Set, theirs: Set, normalise: str) -> float | None:
    wanted = saliency(theirs, normalise)
    if wanted is None:
        return None
    found = saliency(ours, normalise) or [0.0] * len(wanted)
    return mean([abs(b - a) for a, b in zip(found, wanted, strict=True)])


def hint(ours: Sequence[Vector], theirs: Sequence[Vector]) -> float:
    """``ours`` are the regressed features of all steps."""
    return mean([mean([x * x for x in minus(one, other)]) for one, other in zip(ours, theirs, strict=True)])


def attention(clip: Set, exponent: float) -> list[float]:
    activity = [mean([abs(value) ** exponent for value in step]) for step in clip]
    size = norm(activity)
    return [value / size if size > 0 else 0.0 for value in activity]


def attention_transfer(ours: Set, theirs: Set, exponent: float) -> float | None:
    wanted = attention(theirs, exponent)
    if not any(wanted):
        return None
    return sum((b - a) ** 2 for a, b in zip(attention(ours, exponent), wanted, strict=True))


def similarities(elements: Set) -> list[list[float]]:
    rows = []
    for one in elements:
        row = [dot(one, other) for other in elements]
        rows.append([value / norm(row) if norm(row) > 0 else 0.0 for value in row])
    return rows


def similarity_preserving(ours: Set, theirs: Set) -> float | None:
    errors = [
        (b - a) ** 2
        for row, wanted in zip(similarities(ours), similarities(theirs), strict=True)
        for a, b in zip(row, wanted, strict=True)
    ]
    return mean(errors) if errors else None


def relative_distances(elements: Set) -> list[float] | None:
    """Of all pairs of different elements; None when there is no pair or all distances are 0."""
    count = len(elements)
    distances = [norm(minus(elements[i], elements[j])) for i in range(count) for j in range(count) if i != j]
    if not any(distances):
        return None
    return [distance / mean(distances) for distance in distances]


def rkd_distance(ours: Set, theirs: Set) -> float | None:
    wanted = relative_distances(theirs)
    if wanted is None:
        return None
    found = relative_distances(ours) or [0.0] * len(wanted)
    return mean([huber(b - a) for a, b in zip(found, wanted, strict=True)])


def rkd_angle(ours: Set, theirs: Set) -> float | None:
    errors = []
    for j in range(len(ours)):
        for i in range(len(ours)):
            for k in range(len(ours)):
                if len({i, j, k}) < 3:
                    continue
                edges = [minus(theirs[i], theirs[j]), minus(theirs[k], theirs[j])]
                if any(edges[0]) and any(edges[1]):
                    found = cosine(minus(ours[i], ours[j]), minus(ours[k], ours[j]))
                    errors.append(huber(cosine(*edges) - found))
    return mean(errors) if errors else None


def neighbours(elements: Set, i: int) -> list[float]:
    kernels = [(cosine(elements[i], other) + 1) / 2 for j, other in enumerate(elements) if j != i]
    return [kernel / sum(kernels) for kernel in kernels]


def pkt(ours: Set, theirs: Set) -> float | None:
    if len(ours) < 2:
        return None
    divergences = []
    for i in range(len(ours)):
        p, q = neighbours(theirs, i), neighbours(ours, i)
        divergences.append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
    return mean(divergences)
