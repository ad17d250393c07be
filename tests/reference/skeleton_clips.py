"""Slow, obvious derivations of what transforms do to skeleton clips: nested lists, one number at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

Joint = list[float]
Clip = list[list[list[Joint]]]  # [T][P][J][C]


def bones(clip: Clip, parents: Sequence[int]) -> Clip:
    """Joint minus parent, from the joints as they were."""

    def of_person(person: list[Joint]) -> list[Joint]:
        return [[a - b for a, b in zip(person[j], person[parents[j]], strict=True)] for j in range(len(person))]

    return [[of_person(person) for person in frame] for frame in clip]


def chained_bones(clip: Clip, pairs: Sequence[tuple[int, int]]) -> Clip:
    """What a loop over (parent, child) makes that writes into the array it reads."""
    made = [[[list(joint) for joint in person] for person in frame] for frame in clip]
    for parent, child in pairs:
        for frame in made:
            for person in frame:
                person[child] = [a - b for a, b in zip(person[child], person[parent], strict=True)]
    return made


def motion(clip: Clip) -> Clip:
    """The next frame minus this one; nothing in the last."""
    made = []
    for t, frame in enumerate(clip):
        following = clip[t + 1] if t + 1 < len(clip) else frame
        made.append(
            [
                [[a - b for a, b in zip(after, now, strict=True)] for after, now in zip(theirs, ours, strict=True)]
                for theirs, ours in zip(following, frame, strict=True)
            ]
        )
    return made


def turned(point: Sequence[float], x: float, y: float, z: float) -> list[float]:
    """A point turned about x, then y, then z, angles in radians."""
    a, b, c = point
    b, c = b * math.cos(x) - c * math.sin(x), b * math.sin(x) + c * math.cos(x)
    a, c = a * math.cos(y) + c * math.sin(y), -a * math.sin(y) + c * math.cos(y)
    a, b = a * math.cos(z) - b * math.sin(z), a * math.sin(z) + b * math.cos(z)
    return [a, b, c]


def min_max(clip: Clip, low: float, high: float) -> Clip:
    """Every axis stretched to reach from low to high."""
    axes = range(len(clip[0][0][0]))
    least = [min(joint[a] for frame in clip for person in frame for joint in person) for a in axes]
    most = [max(joint[a] for frame in clip for person in frame for joint in person) for a in axes]

    def place(value: float, a: int) -> float:
        if most[a] == least[a]:
            return (low + high) / 2
        return low + (high - low) * (value - least[a]) / (most[a] - least[a])

    return [[[[place(joint[a], a) for a in axes] for joint in person] for person in frame] for frame in clip]


def interpolated(values: Sequence[float], length: int) -> list[float]:
    """Linear between the middles of equal cells, the ends held: what image resizing calls not aligned."""
    made = []
    for step in range(length):
        at = min(max((step + 0.5) * len(values) / length - 0.5, 0.0), len(values) - 1.0)
        low = min(int(at), len(values) - 1)
        high = min(low + 1, len(values) - 1)
        made.append(values[low] + (at - low) * (values[high] - values[low]))
    return made
