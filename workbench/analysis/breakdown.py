"""Where the errors are: by signer, by length of the sentence, by frequency of the gloss, and by pair of glosses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.scoring import Interval, WerReport, rate_interval, wer_interval

AT_MOST = 5  # groups of numbers, beside the one of glosses that training never shows
FEWEST_CLIPS = 5  # for an interval: the bootstrap of fewer is far too narrow
Reports = Mapping[str, WerReport]


@dataclass(frozen=True)
class Rate:
    """A share of glosses that went wrong, with the bounds of its 95 % interval where there are clips enough."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Group:
    """Some clips or glosses: how many of each, and the rate of every network by role, None without a gloss."""

    label: str
    clips: int
    glosses: int
    rates: Mapping[str, Rate | None]


@dataclass(frozen=True)
class Breakdown:
    """The groups of a corpus by one thing; ``rate`` says what is counted."""

    title: str
    rate: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class ConfusedPair:
    """A gloss taken for another, and how often each network did that."""

    reference: str
    hypothesis: str
    times: Mapping[str, int]


def by_signer(reports: Reports, signers: Mapping[str, str]) -> Breakdown:
    """Word error rate per signer, the most frequent first."""
    order = Counter(signers.values())
    groups = sorted(set(signers.values()), key=lambda name: (-order[name], name))
    return Breakdown("signer", "WER", tuple(_of_clips(reports, signers, name, name) for name in groups))


def by_length(reports: Reports) -> Breakdown:
    """Word error rate by the number of glosses of the reference."""
    lengths = {clip.clip: len(clip.reference) for clip in next(iter(reports.values())).clips}
    bins = number_bins(lengths.values())
    group_of = {clip: _shown(bin_of(length, bins)) for clip, length in lengths.items()}
    groups = (_of_clips(reports, group_of, _shown(one), _shown(one)) for one in bins)
    return Breakdown("glosses in the sentence", "WER", tuple(groups))


def by_frequency(reports: Reports, training: Iterable[Sequence[str]]) -> Breakdown:
    """Share of glosses that were substituted or deleted, by how often the training clips show them.

    Insertions belong to no gloss of a reference and are not in it. The rate counts tokens; its interval draws clips.

    Args:
        reports: of the networks.
        training: the transcripts of the training clips, as they are.
    """
    first = next(iter(reports.values()))
    protocol = first.protocol
    shown = Counter(protocol.compared_by(gloss) for glosses in training for gloss in protocol.reference(glosses))
    seen = {gloss: shown[protocol.compared_by(gloss)] for clip in first.clips for gloss in clip.reference}
    bins = number_bins([seen[gloss] for clip in first.clips for gloss in clip.reference if seen[gloss]])
    if not all(seen.values()):
        bins = [(0, 0), *bins]
    groups = (_of_glosses(reports, {gloss for gloss, times in seen.items() if low <= times <= high}, (low, high))
              for low, high in bins)  # fmt: skip
    return Breakdown("occurrences in training", "glosses missed", tuple(groups))


def confused_pairs(reports: Reports, at_most: int) -> list[ConfusedPair]:
    """The substitutions that the last network, the one a run was for, makes most often, then the others."""
    found = {role: report.confusions() for role, report in reports.items()}
    pairs = {pair for counts in found.values() for pair in counts}
    main = list(reports)[-1]
    rows = [
        ConfusedPair(reference, hypothesis, {role: counts[reference, hypothesis] for role, counts in found.items()})
        for reference, hypothesis in pairs
        if reference is not None and hypothesis is not None
    ]
    rows.sort(key=lambda row: (-row.times[main], -sum(row.times.values()), row.reference, row.hypothesis))
    return rows[:at_most]


def number_bins(numbers: Iterable[int], at_most: int = AT_MOST) -> list[tuple[int, int]]:
    """Ranges, first and last number included, each but the last with at least an equal share of ``numbers``."""
    counts = Counter(numbers)
    bins: list[tuple[int, int]] = []
    begun, held = None, 0
    for value in sorted(counts):
        begun = value if begun is None else begun
        held += counts[value]
        if held * at_most >= sum(counts.values()) or value == max(counts):
            bins.append((begun, value))
            begun, held = None, 0
    return bins


def bin_of(number: int, bins: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The range that holds a number."""
    return next((low, high) for low, high in bins if low <= number <= high)


def _shown(bounds: tuple[int, int]) -> str:
    low, high = bounds
    return str(low) if low == high else f"{low} to {high}"


def _of_clips(reports: Reports, group_of: Mapping[str, str], group: str, label: str) -> Group:
    """A group of whole clips."""
    members = {clip: "in" for clip, name in group_of.items() if name == group}
    parts = {role: report.grouped(members)["in"] for role, report in reports.items()}
    one = next(iter(parts.values()))
    return Group(label, len(one.clips), one.counts.reference, {role: _wer(part) for role, part in parts.items()})


def _wer(report: WerReport) -> Rate | None:
    if not report.counts.reference:
        return None
    return _rate(wer_interval(report), len(report.clips))


def _of_glosses(reports: Reports, glosses: set[str], bounds: tuple[int, int]) -> Group:
    """A group of glosses wherever they occur."""
    counts = {role: _missed(report, glosses) for role, report in reports.items()}
    one = next(iter(counts.values()))
    clips, tokens = int((one[:, 1] > 0).sum()), int(one[:, 1].sum())
    rates = {role: _rate(rate_interval(found), clips) for role, found in counts.items()}
    return Group("never" if bounds == (0, 0) else _shown(bounds), clips, tokens, rates)


def _missed(report: WerReport, glosses: set[str]) -> NDArray[np.int64]:
    """Glosses missed and glosses to find, among some, per clip: ``[clips, 2]``."""
    rows = [
        [position.operation != "C" for position in clip.alignment() if position.reference in glosses]
        for clip in report.clips
    ]
    return np.array([(sum(row), len(row)) for row in rows], np.int64).reshape(-1, 2)


def _rate(interval: Interval, clips: int) -> Rate:
    if clips < FEWEST_CLIPS:
        return Rate(interval.value)
    return Rate(interval.value, interval.low, interval.high)
