"""Several teachers as one, in plain loops over lists of numbers."""

from __future__ import annotations

import math

Steps = list[list[float]]


def posteriors(scores: list[float]) -> list[float]:
    """Softmax of the scores of one step."""
    exponentials = [math.exp(score) for score in scores]
    return [value / sum(exponentials) for value in exponentials]


def stretched(steps: Steps, count: int) -> Steps:
    """``steps`` at ``count`` equally spaced places, the first on the first and the last on the last."""
    if len(steps) == count:
        return steps
    found = []
    for index in range(count):
        place = (len(steps) - 1) / 2 if count == 1 else index * (len(steps) - 1) / (count - 1)
        before = math.floor(place)
        after = min(before + 1, len(steps) - 1)
        share = place - before
        found.append([(1 - share) * a + share * b for a, b in zip(steps[before], steps[after], strict=True)])
    return found


def mixed(members: list[Steps], weights: list[float]) -> Steps:
    """Posteriors of the mixture of several teachers on the steps of the first, weights as they are given."""
    count = len(members[0])
    found = []
    for index in range(count):
        total = [0.0] * len(members[0][0])
        for steps, weight in zip(members, weights, strict=True):
            for column, share in enumerate(posteriors(stretched(steps, count)[index])):
                total[column] += weight / sum(weights) * share
        found.append(total)
    return found
