"""Significance tests by trying everything, or word by word."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction


def every_draw(clips: int) -> Iterator[tuple[int, ...]]:
    """Every possible draw of as many clips as there are, with replacement."""
    return itertools.product(range(clips), repeat=clips)


def share_of_swaps(first: Sequence[int], second: Sequence[int]) -> Fraction:
    """Of all ways to exchange the systems on some clips, those whose errors differ as much as the measured ones."""
    measured = abs(sum(first) - sum(second))
    as_large = tried = 0
    for swaps in itertools.product((False, True), repeat=len(first)):
        one = other = 0
        for a, b, swap in zip(first, second, swaps, strict=True):
            one, other = (one + b, other + a) if swap else (one + a, other + b)
        as_large += abs(one - other) >= measured
        tried += 1
    return Fraction(as_large, tried)


def share_of_swaps_of_many(first: Sequence[int], second: Sequence[int]) -> Fraction:
    """The same for many clips, by counting the ways to come to every difference, clip after clip."""
    ways = {0: 1}
    for a, b in zip(first, second, strict=True):
        longer: dict[int, int] = {}
        for difference, number in ways.items():
            for reached in (difference + a - b, difference + b - a):
                longer[reached] = longer.get(reached, 0) + number
        ways = longer
    measured = abs(sum(first) - sum(second))
    return Fraction(sum(n for d, n in ways.items() if abs(d) >= measured), 2 ** len(first))


def segments(first: str, second: str) -> list[tuple[int, int]]:
    """Errors of two systems in every sentence segment, from their alignments with the same reference.

    The sentence is written out in columns, a gap before every reference gloss, the gloss, and a gap at the end. A
    column in which a system errs is ``x``, a gloss both have right ``.``, and an empty gap is left out. Two or more
    dots in a row part the segments.
    """
    pairs = zip(_columns(first), _columns(second), strict=True)
    columns = [pair for pair in pairs if pair != ("", "")]
    written = "".join("." if pair == ("C", "C") else "x" for pair in columns)
    found = []
    for part in re.finditer(r"x(\.?x)*", written):
        inside = columns[part.start() : part.end()]
        one, other = ("".join(column[system] for column in inside).replace("C", "") for system in (0, 1))
        found.append((len(one), len(other)))
    return found


def _columns(operations: str) -> list[str]:
    columns = [""]
    for operation in operations:
        if operation == "I":
            columns[-1] += "I"
        else:
            columns += [operation, ""]
    return columns


def normal_tails(z: float) -> float:
    """Area of the normal curve beyond ``z`` and ``-z``, by adding up thin slices."""
    width = abs(z) / 10_000
    inside = sum(math.exp(-(((i + 0.5) * width) ** 2) / 2) for i in range(10_000))
    return 1 - 2 * width * inside / math.sqrt(2 * math.pi)


def rejected_by_holm(p_values: Sequence[float], level: float) -> set[int]:
    """Hypotheses that Holm's procedure rejects: one after another from the smallest p value, until one is kept."""
    rejected: set[int] = set()
    remaining = list(range(len(p_values)))
    while remaining:
        smallest = min(remaining, key=lambda index: p_values[index])
        if p_values[smallest] > level / len(remaining):
            break
        rejected.add(smallest)
        remaining.remove(smallest)
    return rejected
