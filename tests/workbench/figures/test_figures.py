"""Figures are files of a known size that are drawn the same every time, whatever names are in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tests.workbench.analysis.made_up import MadeUpCorpus, made_up
from workbench.analysis.breakdown import ConfusedPair
from workbench.analysis.training_rows import curve_of, last_stages, spans_decades, terms_of
from workbench.figures import draw_curves, draw_losses, draw_training
from workbench.figures.errors import draw_confusions
from workbench.figures.of_run import draw_figures
from workbench.figures.style import looks


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    files = draw_figures(made_up(MadeUpCorpus(8)), folder)
    assert sorted(files) == sorted(folder.iterdir())
    return folder


def test_there_is_a_figure_for_everything(drawn: Path) -> None:
    names = {"adjacency", "confusions", "curves", "errors", "losses", "spikes", "timelines"}
    assert {path.name for path in drawn.iterdir()} == {f"{name}.{end}" for name in names for end in ("png", "svg")}


@pytest.mark.parametrize("name", ["adjacency", "confusions", "curves", "errors", "losses", "spikes", "timelines"])
def test_it_is_not_blank_and_fits_a_page(drawn: Path, name: str) -> None:
    with Image.open(drawn / f"{name}.png") as image:
        assert image.size[0] == 1400  # 7 inches at 200 dots
        assert 300 < image.size[1] < 2200
        pixels = np.asarray(image.convert("L"), float)
    assert pixels.std() > 5
    assert (drawn / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_figures_are_the_same_every_time(drawn: Path, tmp_path: Path) -> None:
    findings = made_up(MadeUpCorpus(8))
    draw_losses(findings.run.rows, f"{findings.run.name}: {findings.place.corpus.name}", tmp_path)
    draw_confusions(findings.confusions, findings.titles, findings.title, tmp_path)
    again = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(again) == 4
    assert again == {name: (drawn / name).read_bytes() for name in again}


def test_names_are_written_as_they_are(tmp_path: Path) -> None:
    """A dollar begins no formula, and nothing in a name is markup of the SVG."""
    pair = ConfusedPair("$a_b$", "</text><script>", {"student": 2})
    draw_confusions([pair], {"student": "student"}, "$c$ <b>", tmp_path)
    shown = re.findall(r"<!-- (.*?) -->", (tmp_path / "confusions.svg").read_text(encoding="utf-8"))
    assert "$a_b$ as &lt;/text&gt;&lt;script&gt;" in shown
    assert "$c$ &lt;b&gt;" in shown


def rows() -> list[dict[str, Any]]:
    return [
        {"network": "teacher", "stage": "warm-start", "epoch": 1, "terms": {"keypoints": 1.0}},
        {"network": "teacher", "stage": "glosses", "epoch": 1, "terms": {"ctc": 9.0}, "dev": {"WER": 0.5}},
        {"network": "student", "stage": "glosses", "epoch": 1, "terms": {"ctc": 8.0, "kd": 1.0}},
        {"network": "student", "stage": "glosses", "epoch": 2, "terms": {"ctc": 4.0, "kd": float("nan")}},
    ]


def test_a_curve_is_of_the_last_stage_and_skips_what_is_no_number() -> None:
    last = last_stages(rows())
    assert terms_of(last) == ["ctc", "kd"]
    assert curve_of(last, "student", "ctc") == [(1, 8.0), (2, 4.0)]
    assert curve_of(last, "student", "kd") == [(1, 1.0)]
    assert curve_of(last, "teacher", "kd") == []


def curves(rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[float, float]]]:
    """The points of every line that ``draw_curves`` draws, by the label of its axis and its colour."""
    found = {}

    def look_at(figure: Figure, folder: Path, name: str) -> list[Path]:
        for axes in figure.axes:
            for line in axes.get_lines():
                found[f"{axes.get_ylabel()}, {line.get_color()}"] = [*map(tuple, line.get_xydata())]
        return []

    monkeypatch.setattr("workbench.figures.curves.save", look_at)
    draw_curves(rows, "curves", Path())
    return found


def stages(**terms: float) -> list[dict[str, Any]]:
    """Two stages of a teacher, of which the first is judged, too, and one of a student with these ``terms``."""
    first = [
        {"network": "teacher", "stage": "warm-start", "epoch": epoch, "loss": 7.0, "terms": {"ctc": 7.0},
         "dev": {"WER": 0.9}}
        for epoch in (1, 2)
    ]  # fmt: skip
    last = {"network": "teacher", "stage": "glosses", "epoch": 1, "loss": 5.0, "terms": {"ctc": 4.0}}
    student = {"network": "student", "stage": "glosses", "epoch": 1, "loss": 3.0, "terms": terms}
    return [*first, {**last, "dev": {"WER": 0.5}}, {**student, "dev": {"WER": 0.25}}]


def test_curves_are_those_of_the_last_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier ones count their epochs from 1, too, and a line through both would run backwards."""
    found = curves(stages(ctc=2.0), monkeypatch)
    assert found["dev WER in %, greedy, #0072B2"] == [(1, 50.0)]
    assert found["CTC loss per training clip, #0072B2"] == [(1, 4.0)]
    assert found["CTC loss per training clip, #009E73"] == [(1, 2.0)]


def test_a_network_without_the_term_of_the_curves_is_drawn_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert curves(stages(gold=2.0), monkeypatch) == {
        "dev WER in %, greedy, #0072B2": [(1, 50.0)],
        "dev WER in %, greedy, #009E73": [(1, 25.0)],
        "training loss, #0072B2": [(1, 5.0)],
        "training loss, #009E73": [(1, 3.0)],
    }


def test_an_axis_is_logarithmic_where_that_shows_more() -> None:
    assert spans_decades([0.01, 1.0])
    assert not spans_decades([0.1, 1.0])
    assert not spans_decades([0.0, 100.0])
    assert not spans_decades([])


def test_without_anything_to_draw_there_is_no_file(tmp_path: Path) -> None:
    assert draw_training([], "nothing", tmp_path) == []
    without_dev = [row for row in rows() if "dev" not in row]
    assert draw_curves(without_dev, "no dev", tmp_path) == []
    assert [path.name for path in draw_losses(without_dev, "no dev", tmp_path)] == ["losses.png", "losses.svg"]


def test_every_network_looks_different_in_colour_and_without_it() -> None:
    roles = ["teacher-a", "teacher-b", "teacher-c", "teacher", "baseline", "student"]
    found = looks(roles)
    for part in ("colour", "line", "marker"):
        assert len({json.dumps(getattr(look, part)) for look in found.values()}) == len(roles)
    assert all(re.fullmatch("#[0-9A-F]{6}", look.colour) for look in found.values())
