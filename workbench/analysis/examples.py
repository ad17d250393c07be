"""A few clips that stand for the others in figures, chosen by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slr.scoring import WerReport


@dataclass(frozen=True)
class Example:
    """A clip, and why it was chosen."""

    clip: str
    why: str


def examples(reports: Mapping[str, WerReport], main: str, before: str | None) -> list[Example]:
    """Up to four clips: where ``main`` gains most over ``before``, loses most, and has a usual and the largest error.

    Where several clips would do, the one with the most glosses is taken, then the first by its id. No clip is taken
    twice, and no gain or loss is shown where there is none.
    """
    errors = {clip.clip: clip.counts.errors for clip in reports[main].clips}
    lengths = {clip.clip: clip.counts.reference for clip in reports[main].clips}
    chosen: list[Example] = []

    def choose(distance: Mapping[str, float], why: str) -> None:
        left = [clip for clip in distance if clip not in {one.clip for one in chosen}]
        if left:
            chosen.append(Example(min(left, key=lambda clip: (distance[clip], -lengths[clip], clip)), why))

    if before is not None:
        gains = {clip.clip: clip.counts.errors - errors[clip.clip] for clip in reports[before].clips}
        if max(gains.values()) > 0:
            choose({clip: -gain for clip, gain in gains.items()}, "most gained")
        if min(gains.values()) < 0:
            choose({clip: float(gain) for clip, gain in gains.items()}, "most lost")
    rates = {clip: errors[clip] / lengths[clip] for clip in errors if lengths[clip]}
    usual = sum(errors.values()) / max(1, sum(lengths.values()))
    choose({clip: abs(rate - usual) for clip, rate in rates.items()}, "an error as usual")
    choose({clip: -float(count) for clip, count in errors.items()}, "most errors")
    return chosen
