from __future__ import annotations

from typing import Any

import pytest

from workbench.pull_watch import PullWatch, worse_on_dev


def row(
    epoch: int, *, teacher: float = 0.1, student: float = 0.5, **terms: tuple[float, float | None]
) -> dict[str, Any]:
    """A diagnosed epoch; ``terms`` are (gradient, cosine)."""
    found = {
        name: {"weight": 1.0, "gradient": gradient, **({} if cosine is None else {"cosine": cosine})}
        for name, (gradient, cosine) in terms.items()
    }
    return {"epoch": epoch, "diagnostics": {"terms": found, "teacher": {"wer": teacher}, "student": {"wer": student}}}


def causes(rows: list[dict[str, Any]]) -> list[str]:
    return [alarm.cause for alarm in PullWatch().alarms(rows)]


def test_a_sound_row_gives_no_alarm() -> None:
    assert causes([row(epoch, ctc=(2.0, 1.0), kd=(3.0, 0.4)) for epoch in (1, 6, 11)]) == []


@pytest.mark.parametrize(
    ("ratios", "drowns"),
    [((101, 150, 1e9), True), ((99, 150, 150), False), ((150, 150, 99), False), ((150, 150), False)],
)
def test_a_term_drowns_the_rest_when_it_does_so_in_three_diagnosed_epochs_in_a_row(
    ratios: tuple[float, ...], drowns: bool
) -> None:
    rows = [
        row(epoch, ctc=(1.0, 1.0), kd=(ratio * 2, 0.1), crd=(1.0, 0.1)) for epoch, ratio in enumerate(ratios, start=1)
    ]
    assert causes(rows) == (["kd drowns"] if drowns else [])


def test_epochs_between_that_were_not_diagnosed_do_not_break_a_row() -> None:
    rows = [
        row(1, ctc=(1.0, 1.0), kd=(500.0, 0.1)),
        {"epoch": 2},
        row(3, ctc=(1.0, 1.0), kd=(600.0, 0.1)),
        {"epoch": 4},
    ]
    rows.append(row(5, ctc=(1.0, 1.0), kd=(400.0, 0.1)))
    (alarm,) = PullWatch().alarms(rows)
    assert alarm.message.startswith(
        "the loss 'kd' pulls at the student 400 times as hard as all others together (epochs 1, 3, 5)"
    )


def test_a_term_that_is_alone_or_pulls_at_nothing_drowns_nothing() -> None:
    assert causes([row(epoch, kd=(1.0, None)) for epoch in (1, 2, 3)]) == []
    assert causes([row(epoch, ctc=(0.0, None), kd=(0.0, None)) for epoch in (1, 2, 3)]) == []


def test_terms_that_do_not_pull_at_all_are_drowned_by_any_other() -> None:
    assert causes([row(epoch, ctc=(1.0, 1.0), kd=(0.0, None)) for epoch in (1, 2, 3)]) == ["ctc drowns"]


@pytest.mark.parametrize(
    ("cosines", "fights"), [((-0.2, -0.9, -0.11), True), ((-0.2, -0.09, -0.2), False), ((-0.2, None, -0.2), False)]
)
def test_a_term_fights_ctc_when_its_cosine_stays_below_zero(cosines: tuple[float | None, ...], fights: bool) -> None:
    rows = [row(epoch, ctc=(1.0, 1.0), kd=(1.0, cosine)) for epoch, cosine in enumerate(cosines, start=1)]
    assert causes(rows) == (["kd fights"] if fights else [])


def test_a_term_that_began_later_is_not_judged_too_early() -> None:
    rows = [row(1, ctc=(1.0, 1.0)), *(row(epoch, ctc=(1.0, 1.0), kd=(900.0, -0.5)) for epoch in (2, 3))]
    assert causes(rows) == []


@pytest.mark.parametrize(("teachers", "worse"), [((0.6, 0.7, 0.53), True), ((0.6, 0.51, 0.6), False)])
def test_a_teacher_is_worse_when_it_reads_worse_by_more_than_chance(teachers: tuple[float, ...], worse: bool) -> None:
    rows = [row(epoch, teacher=wer, student=0.5, ctc=(1.0, 1.0)) for epoch, wer in enumerate(teachers, start=1)]
    assert causes(rows) == (["worse teacher"] if worse else [])


def test_without_a_word_error_rate_no_teacher_is_worse() -> None:
    rows = [row(epoch, teacher=0.9, ctc=(1.0, 1.0)) for epoch in (1, 2, 3)]
    del rows[1]["diagnostics"]["teacher"]["wer"]
    assert causes(rows) == []


def test_a_teacher_is_held_against_the_student_alone_on_dev() -> None:
    assert worse_on_dev(0.20, 0.30) is None
    assert worse_on_dev(0.31, 0.30) is None
    alarm = worse_on_dev(0.35, 0.30)
    assert alarm is not None
    assert "(WER 35.0 % against 30.0 %)" in alarm.message
