from __future__ import annotations

import pytest

from slr.scoring import WerReport, rate_interval, score, wer_interval
from workbench.analysis.breakdown import (
    ConfusedPair,
    Rate,
    by_frequency,
    by_length,
    by_signer,
    confused_pairs,
    number_bins,
)

REFERENCES = {
    "a": ("SONNE", "REGEN"),
    "b": ("SONNE",),
    "c": ("REGEN", "WIND", "WOLKE"),
    "d": ("SONNE", "SONNE"),
}
HYPOTHESES = {
    "a": ("SONNE", "WIND"),  # one substituted
    "b": ("SONNE", "REGEN"),  # one inserted
    "c": ("REGEN", "WOLKE"),  # WIND deleted
    "d": ("SONNE", "SONNE"),
}


@pytest.fixture
def reports() -> dict[str, WerReport]:
    perfect = score(REFERENCES, REFERENCES, "raw")
    return {"teacher": perfect, "student": score(REFERENCES, HYPOTHESES, "raw")}


def test_by_signer(reports: dict[str, WerReport]) -> None:
    found = by_signer(reports, {"a": "S1", "b": "S2", "c": "S1", "d": "S1"})
    assert [(one.label, one.clips, one.glosses) for one in found.groups] == [("S1", 3, 7), ("S2", 1, 1)]
    assert [one.rates["student"] for one in found.groups] == [Rate(2 / 7), Rate(1.0)]
    assert [one.rates["teacher"] for one in found.groups] == [Rate(0.0), Rate(0.0)]


def test_by_length(reports: dict[str, WerReport]) -> None:
    found = by_length(reports)
    assert [(one.label, one.clips, one.glosses) for one in found.groups] == [("1", 1, 1), ("2", 2, 4), ("3", 1, 3)]
    assert [one.rates["student"].value for one in found.groups if one.rates["student"]] == [1.0, 1 / 4, 1 / 3]


def test_by_frequency_counts_what_was_missed_and_no_insertion(reports: dict[str, WerReport]) -> None:
    # WIND is never shown, REGEN (in either case) twice, WOLKE and SONNE three times.
    training = [("SONNE", "SONNE", "SONNE"), ("REGEN", "regen"), ("WOLKE", "WOLKE", "WOLKE")]
    found = by_frequency(reports, training)
    shown = [(one.label, one.clips, one.glosses) for one in found.groups]
    assert shown == [("never", 1, 1), ("2", 2, 2), ("3", 4, 5)]
    assert [one.rates["student"].value for one in found.groups if one.rates["student"]] == [1.0, 0.5, 0.0]


def test_intervals_are_those_of_the_bootstrap_and_absent_for_a_few_clips() -> None:
    references = {f"c{n}": ("A", "B", "C") for n in range(8)}
    report = score(references, {clip: ("A", "B", "X" if int(clip[1:]) % 2 else "C") for clip in references}, "raw")
    (group,) = by_length({"student": report}).groups
    expected = wer_interval(report)
    assert group.rates["student"] == Rate(expected.value, expected.low, expected.high)
    counts = report.errors_and_lengths
    assert rate_interval(counts) == expected
    few = score({f"c{n}": ("A",) for n in range(4)}, {}, "raw")
    assert by_length({"student": few}).groups[0].rates["student"] == Rate(1.0)


def test_a_group_without_a_gloss_has_no_rate() -> None:
    report = score({"a": ("A",), "b": ()}, {"a": ("A",), "b": ()}, "raw")
    found = by_length({"student": report})
    assert [(one.label, one.rates["student"]) for one in found.groups] == [("0", None), ("1", Rate(0.0))]


def test_confused_pairs_are_those_of_the_last_network_first() -> None:
    references = {"a": ("A", "B", "C", "D")}
    reports = {
        "teacher": score(references, {"a": ("X", "Y", "C", "D")}, "raw"),
        "student": score(references, {"a": ("A", "Y", "Z", "D")}, "raw"),
    }
    assert confused_pairs(reports, 10) == [
        ConfusedPair("B", "Y", {"teacher": 1, "student": 1}),
        ConfusedPair("C", "Z", {"teacher": 0, "student": 1}),
        ConfusedPair("A", "X", {"teacher": 1, "student": 0}),
    ]
    assert len(confused_pairs(reports, 2)) == 2


@pytest.mark.parametrize(
    ("numbers", "bins"),
    [
        ([], []),
        ([4], [(4, 4)]),
        ([1, 1, 1, 9], [(1, 1), (9, 9)]),
        (list(range(10)), [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]),
        ([1] * 50 + [2, 3, 4], [(1, 1), (2, 4)]),
    ],
)
def test_bins_share_out_the_numbers(numbers: list[int], bins: list[tuple[int, int]]) -> None:
    assert number_bins(numbers) == bins


def test_bins_hold_every_number_once() -> None:
    numbers = [n * n % 37 for n in range(200)]
    bins = number_bins(numbers)
    assert len(bins) <= 5
    assert all(sum(low <= number <= high for low, high in bins) == 1 for number in numbers)
