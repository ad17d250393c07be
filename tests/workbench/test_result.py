from __future__ import annotations

import io
import random
from typing import Any

import pytest
from rich.console import Console

from slr.scoring import GapClosed, WerReport, score
from workbench.result import ROLES, NetworkResult, gap_as_dict, render_distillation, render_networks, trustworthy

CORPUS = "simulated corpus (small, seed 0), keypoints very-high"


def report(wrong: int, clips: int = 100, length: int = 10) -> WerReport:
    """The first ``wrong`` of ten glosses of every clip are taken for another; every fifth clip has one error more."""
    references = {f"c{number:03d}": tuple(f"G{i}" for i in range(length)) for number in range(clips)}
    hypotheses = {}
    for number, (clip, glosses) in enumerate(references.items()):
        errors = min(length, wrong + (number % 5 == 0))
        hypotheses[clip] = ("X",) * errors + glosses[errors:]
    return score(references, hypotheses, "raw")


def network(
    wrong: int, name: str = "STGT", params: int = 1_040_916, macs: int = 22_507_445, **more: int
) -> NetworkResult:
    return NetworkResult(name, {"dev": report(wrong, **more), "test": report(wrong, **more)}, params, macs)


def networks(baseline: int, student: int, teacher: int, **more: int) -> dict[str, NetworkResult]:
    return {
        "teacher": network(teacher, "CNN2DCNN1D", 34_512_345, 125_512_522_000, **more),
        "baseline": network(baseline, **more),
        "student": network(student, **more),
    }


def result(found: dict[str, NetworkResult]) -> dict[str, Any]:
    gap = gap_as_dict(found["baseline"], found["student"], found["teacher"])
    return {"name": "stsg_to_stgt", "seed": 0, "protocol": "raw", "decoder": "beam-10", "gap_closed": gap}


def rendered(found: dict[str, NetworkResult], width: int = 120) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(render_distillation(result(found), found, CORPUS))
    return out.getvalue().splitlines()


def noisy(base: int, clips: int, seed: int) -> NetworkResult:
    chance = random.Random(seed)
    references = {f"c{number}": tuple(f"G{i}" for i in range(10)) for number in range(clips)}
    hypotheses = {}
    for clip, glosses in references.items():
        errors = max(0, min(10, base + chance.choice([-4, -2, 0, 2, 4])))
        hypotheses[clip] = ("X",) * errors + glosses[errors:]
    scores = score(references, hypotheses, "raw")
    return NetworkResult("STGT", {"dev": scores, "test": scores}, 1, 1)


def test_the_entries_of_a_network_are_those_of_the_design() -> None:
    assert network(3).as_dict() == {
        "name": "STGT",
        "dev": {"wer": 0.32, "sub": 320, "del": 0, "ins": 0, "ref": 1000},
        "test": {"wer": 0.32, "sub": 320, "del": 0, "ins": 0, "ref": 1000},
        "params": 1_040_916,
        "macs": 22_507_445,
    }


def test_a_clear_gap_gives_a_share_with_an_interval() -> None:
    gap = gap_as_dict(noisy(8, 200, 1), noisy(6, 200, 2), noisy(4, 200, 3))
    for split in ("dev", "test"):
        assert gap[split] == pytest.approx(gap[f"{split}_gain"] / gap[f"{split}_gap"])
        low, high = gap[f"{split}_ci95"]
        assert low < gap[split] < high
        assert gap[f"{split}_gap_in_standard_errors"] > 3
    assert gap["p_value"] < 0.001


def test_a_gap_within_three_standard_errors_gives_no_share_but_always_the_gain() -> None:
    baseline, student, teacher = noisy(6, 6, 1), noisy(4, 6, 2), noisy(5, 6, 7)
    gap = gap_as_dict(baseline, student, teacher)
    assert 0 < gap["test_gap_in_standard_errors"] < 3
    for split in ("dev", "test"):
        assert gap[split] is None
        assert gap[f"{split}_ci95"] is None
        reports = [one.reports[split].wer for one in (baseline, student, teacher)]
        assert gap[f"{split}_gain"] == reports[0] - reports[1]
        assert gap[f"{split}_gap"] == reports[0] - reports[2]


@pytest.mark.parametrize(
    ("value", "errors", "expected"),
    [(0.5, 3.01, True), (0.5, 3.0, False), (0.5, None, True), (None, None, False), (None, 5.0, False)],
)
def test_the_limit_is_three_standard_errors(value: float | None, errors: float | None, expected: bool) -> None:
    # No standard error: all resamples agree, and so there is nothing to doubt.
    assert trustworthy(GapClosed(value, None, 0.5, errors)) == expected


def test_the_verdict_on_a_distillation_that_helped() -> None:
    lines = rendered(networks(baseline=5, student=4, teacher=3))
    assert lines[-2] == "Distillation helped: 10.0 points of test WER gained (paired bootstrap p < 0.001)."
    assert lines[-1] == "It closed 50 % of the gap of 20.0 points to the teacher, 95 % interval 50 to 50 %."


def test_the_verdict_on_a_distillation_that_hurt() -> None:
    lines = rendered(networks(baseline=4, student=5, teacher=2))
    assert lines[-2] == "Distillation hurt: 10.0 points of test WER lost (paired bootstrap p < 0.001)."
    assert lines[-1] == "It closed -50 % of the gap of 20.0 points to the teacher, 95 % interval -50 to -50 %."


def test_the_verdict_on_no_difference() -> None:
    lines = rendered(networks(baseline=4, student=4, teacher=2))
    assert lines[-2] == (
        "Distillation made no difference that this test set shows: 0.0 points of test WER gained "
        "(paired bootstrap p = 1.000)."
    )
    assert lines[-1].startswith("It closed 0 % of the gap of 20.0 points")


def test_the_verdict_where_a_difference_may_be_chance() -> None:
    found = {"teacher": noisy(3, 8, 1), "baseline": noisy(6, 8, 2), "student": noisy(5, 8, 3)}
    first = next(line for line in rendered(found) if line.startswith("Distillation"))
    assert first.startswith("Distillation made no difference that this test set shows: ")
    assert result(found)["gap_closed"]["p_value"] > 0.05
    assert result(found)["gap_closed"]["test_gain"] != 0


@pytest.mark.parametrize(
    ("teacher", "says"),
    [
        (6, "The teacher is 20.0 points worse than the student alone on test: there is no gap to close."),
        (4, "The teacher is as good as the student alone on test: there is no gap to close."),
    ],
)
def test_the_verdict_without_a_gap(teacher: int, says: str) -> None:
    assert rendered(networks(baseline=4, student=3, teacher=teacher))[-1] == says


def test_the_verdict_on_a_gap_too_small_to_share() -> None:
    found = {"teacher": noisy(5, 6, 7), "baseline": noisy(6, 6, 1), "student": noisy(4, 6, 2)}
    gap = result(found)["gap_closed"]
    points, errors = 100 * gap["test_gap"], gap["test_gap_in_standard_errors"]
    assert rendered(found, width=200)[-1] == (
        f"The teacher is {points:.1f} points better than the student alone on test, {errors:.1f} standard errors of "
        "that difference: too little to speak of a share of it."
    )


@pytest.mark.parametrize("width", [80, 100, 120])
def test_every_cell_of_the_table_can_be_read_at_any_width(width: int) -> None:
    found = networks(baseline=6, student=5, teacher=3, clips=640)
    lines = rendered(found, width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    cells = {"CNN2DCNN1D": "32.0 32.0 31.7 to 32.3 2048/0/0 34.5 M 126 G", "STGT": "62.0 62.0 61.7 to 62.3 3968/0/0"}
    for name, row in cells.items():
        line = next(line for line in lines if name in line)
        assert f" {name} {row}" in " ".join(line.split())
    text = " ".join(" ".join(lines).split())
    assert f"{CORPUS}; protocol raw, decoder beam-10" in text
    if width >= 100:
        for label in ("teacher", "student alone", "student distilled"):
            assert sum(line.startswith(f" {label} ") for line in lines) == 1


def test_a_teacher_that_was_not_measured_has_no_figure_and_leaves_no_gap() -> None:
    found = networks(baseline=5, student=4, teacher=3)
    found["teacher"] = NetworkResult("CorrNet", {"dev": report(3)}, None, None)
    assert found["teacher"].as_dict() == {
        "name": "CorrNet",
        "dev": {"wer": 0.32, "sub": 320, "del": 0, "ins": 0, "ref": 1000},
        "test": None,
        "params": None,
        "macs": None,
    }
    gap = gap_as_dict(found["baseline"], found["student"], found["teacher"])
    assert gap["dev"] == pytest.approx(0.5)
    assert {key: value for key, value in gap.items() if key.startswith("test")} == {
        "test": None,
        "test_ci95": None,
        "test_gap": None,
        "test_gap_in_standard_errors": None,
        "test_gain": pytest.approx(0.1),
    }
    lines = rendered(found)
    assert lines[-2].startswith("Distillation helped: 10.0 points of test WER gained")
    assert lines[-1] == "The teacher was not measured on test, so there is no gap to speak of."
    assert next(line for line in lines if "CorrNet" in line).split() == ["teacher", "CorrNet", "32.0", *["-"] * 5]


def test_further_teachers_have_rows_of_their_own_and_notes_come_before_the_verdict() -> None:
    found = {**networks(baseline=5, student=4, teacher=3), "teacher-cnn": network(6, "CNN2DCNN1D")}
    roles = {"teacher-cnn": "teacher cnn", **ROLES}
    out = io.StringIO()
    shown = render_distillation(result(found), found, CORPUS, roles=roles, notes=["Two teachers."])
    Console(file=out, width=120).print(shown)
    lines = out.getvalue().splitlines()
    rows = [next((title for title in roles.values() if line.startswith(f" {title} ")), None) for line in lines]
    assert [title for title in rows if title] == list(roles.values())
    assert lines[-3] == "Two teachers."


def test_a_single_network_is_shown_without_a_verdict() -> None:
    out = io.StringIO()
    shown = {"name": "train_stsg", "seed": 3, "protocol": "raw", "decoder": "greedy"}
    Console(file=out, width=100).print(render_networks(shown, {"": network(2)}, CORPUS))
    assert "train_stsg, seed 3" in out.getvalue()
    assert "22.0  22.0" in out.getvalue()
    assert "istill" not in out.getvalue()


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (999, "999"),
        (1000, "1.00 k"),
        (45_678, "45.7 k"),
        (1_040_916, "1.04 M"),
        (125_512_522_000, "126 G"),
        (2e12, "2.00 T"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(number: float, shown: str) -> None:
    out = io.StringIO()
    about = {"name": "n", "seed": 0, "protocol": "raw", "decoder": "greedy"}
    Console(file=out, width=100).print(render_networks(about, {"": network(2, params=int(number))}, CORPUS))
    assert f"  {shown}  22.5 M" in out.getvalue()
