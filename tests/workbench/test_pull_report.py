from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from workbench.pull_report import alarms_of, render_diagnostics, summary_of


def rows() -> list[dict[str, Any]]:
    first = {
        "terms": {"ctc": {"weight": 1.0, "gradient": 3.0, "cosine": 1.0}},
        "teacher": {"entropy": 0.5, "wer": 0.02},
        "student": {"wer": 0.9},
        "pseudo_labels": {"all": 0.5, "non_blank": 0.1, "dense": 0.2},
    }
    last = {
        "terms": {
            "ctc": {"weight": 1.0, "gradient": 1.0, "cosine": 0.8},
            "crd": {"weight": 3.0, "gradient": 6.0, "cosine": -0.25, "contrast_accuracy": 0.75},
        },
        "teacher": {"entropy": 0.3, "wer": 0.04},
        "student": {"wer": 0.5},
        "pseudo_labels": {"all": 0.8, "non_blank": 0.6, "dense": 0.7},
    }
    return [
        {"network": "student", "stage": "s", "epoch": 1, "diagnostics": first},
        {"network": "student", "stage": "s", "epoch": 2, "alarms": ["one", "two"]},
        {"network": "student", "stage": "s", "epoch": 3, "diagnostics": last, "alarms": ["three"]},
    ]


def test_a_summary_is_the_mean_over_the_epochs_where_something_was_measured_and_the_last() -> None:
    found = summary_of(rows())
    assert found is not None
    assert found["epochs"] == 2
    assert found["mean"]["terms"]["ctc"] == {"weight": 1.0, "gradient": 2.0, "cosine": pytest.approx(0.9)}
    assert found["mean"]["terms"]["crd"] == rows()[2]["diagnostics"]["terms"]["crd"]
    assert found["mean"]["teacher"] == {"entropy": pytest.approx(0.4), "wer": pytest.approx(0.03)}
    assert found["last"] == rows()[2]["diagnostics"]


def test_where_nothing_was_diagnosed_there_is_no_summary() -> None:
    assert summary_of(rows()[1:2]) is None
    assert summary_of([]) is None


def test_alarms_are_listed_with_their_network_stage_and_epoch() -> None:
    found = alarms_of(rows())
    assert [(each["epoch"], each["message"]) for each in found] == [(2, "one"), (2, "two"), (3, "three")]
    assert all(each["network"] == "student" and each["stage"] == "s" for each in found)


def shown(found: list[dict[str, Any]], width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(render_diagnostics(summary_of(found) or {}))
    return out.getvalue().splitlines()


def test_the_table_has_a_row_per_loss_and_says_how_well_both_read() -> None:
    lines = shown(rows(), width=200)
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.strip().startswith(("ctc", "crd"))}
    assert cells["ctc"] == ["1", "2", "25", "%", "0.90", "(0.80)"]
    assert cells["crd"] == ["3", "6", "75", "%", "-0.25", "(-0.25)", "0.75", "(0.75)"]
    assert "means over 2 epochs" in lines[0]
    assert "teacher WER 3.0 % (4.0 %), student WER 70.0 % (50.0 %), entropy of the teacher 0.40 nats" in lines[-2]
    assert "all 80.0%, non-blank 60.0%, dense 70.0%" in lines[-1]


def test_what_was_not_measured_is_not_shown() -> None:
    bare = [{"network": "student", "diagnostics": {"terms": {"kd": {"weight": 2.0}}}}]
    assert [line.split() for line in shown(bare) if "kd" in line] == [["kd", "2"]]
    entropy = [{"diagnostics": {"terms": {}, "teacher": {"entropy": 1.0}, "student": {"wer": 0.5}}}]
    text = " ".join(" ".join(shown(entropy)).split())
    assert "student WER 50.0 % (50.0 %), entropy of the teacher 1.00 nats" in text
    assert "teacher WER" not in text
