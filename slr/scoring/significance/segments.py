"""Matched-pairs sentence-segment word error test (Gillick and Cox 1989; Pallett et al. 1990), as NIST sc_stats does it.

Errors of one clip are not independent, but errors far enough from each other nearly are. Every clip is therefore cut
into segments: two errors, of whichever system, belong to the same segment unless at least two reference glosses that
both systems have right lie between them. An insertion stands between two glosses of the reference, or at an end of the
clip, and like every error it breaks a run of right glosses. A clip without error gives no segment, and no segment
crosses the end of a clip. Each segment gives one number, the errors of the first system less those of the second; under
the hypothesis that the systems are equally good, their mean over its standard error is normally distributed.

sc_stats (SCTK 2.4.10) cuts the same segments: it lets a segment begin two right glosses before its first error and end
two after its last, which moves no error and so changes no number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slr.scoring.significance.counts import paired_clips
from slr.scoring.wer import WerReport

# Right glosses of both systems that part two segments; sc_stats calls it the minimum number of correct boundary words.
_BUFFER = 2


@dataclass(frozen=True)
class SegmentTest:
    """Two systems on the segments of the same clips.

    Attributes:
        segments: how many there are, all with at least one error of either system.
        mean: errors of the first system less those of the second, per segment; above 0 when the second is better, which
            is the sign of sc_stats.
        deviation: standard deviation of that number from segment to segment; 0 for fewer than two segments.
        z: the mean over its standard error; 0 when the systems differ on no segment, and ``None`` when they differ by
            the same number on all, so that there is no standard error (sc_stats prints 0 then).
        p_value: two-sided, from the normal distribution. Without ``z`` it is that of the sign test: the chance that as
            many differences as there are segments all point to the same side.
    """

    segments: int
    mean: float
    deviation: float
    z: float | None
    p_value: float


def mapsswe(first: WerReport, second: WerReport) -> SegmentTest:
    """Compare two systems on the same clips.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol.
    """
    segments = [
        segment for one, other in paired_clips(first, second) for segment in _cut(one.operations, other.operations)
    ]
    differences = [of_first - of_second for of_first, of_second in segments]
    number = len(differences)
    if not any(differences):
        return SegmentTest(number, mean=0.0, deviation=0.0, z=0.0, p_value=1.0)
    mean = sum(differences) / number
    squares = sum((difference - mean) ** 2 for difference in differences)
    if len(set(differences)) == 1:
        return SegmentTest(number, mean, deviation=0.0, z=None, p_value=2.0 ** (1 - number))
    deviation = math.sqrt(squares / (number - 1))
    z = mean / (deviation / math.sqrt(number))
    return SegmentTest(number, mean, deviation, z, p_value=math.erfc(abs(z) / math.sqrt(2)))


def _cut(first: str, second: str) -> list[tuple[int, int]]:
    """Errors of both systems in every segment of a clip, from the operations of its two alignments."""
    placed = sorted([(place, 0) for place in _places(first)] + [(place, 1) for place in _places(second)])
    segments: list[list[int]] = []
    previous = 0
    for place, system in placed:
        if not segments or _glosses_between(previous, place) >= _BUFFER:
            segments.append([0, 0])
        segments[-1][system] += 1
        previous = place
    return [(of_first, of_second) for of_first, of_second in segments]


def _places(operations: Sequence[str]) -> list[int]:
    """Where the errors are: gloss ``i`` of the reference is place ``2 i + 1``, the gap in front of it place ``2 i``."""
    places, gap = [], 0
    for operation in operations:
        if operation == "I":
            places.append(gap)
            continue
        if operation != "C":
            places.append(gap + 1)
        gap += 2
    return places


def _glosses_between(place: int, later: int) -> int:
    """Glosses of the reference after one place and before another, not counting those at the places themselves."""
    return later // 2 - (place + 1) // 2
