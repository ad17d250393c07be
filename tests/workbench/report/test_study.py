"""The page of a study, from run folders that nobody ran."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.report.conftest import Browser
from tests.workbench.report.test_page import Outline
from tests.workbench.running import here
from tests.workbench.study.made import STUDY, edit_json, make_all, planned, usual
from workbench.analysis.forest import ForestRow
from workbench.analysis.study_folder import StudyFolder
from workbench.measure import SPLITS
from workbench.report.forest import forest_chart
from workbench.report.study_sections import PAGE_OF_A_RUN, runs_section
from workbench.study.collect import collect
from workbench.study.grid import Cell
from workbench.study.kept_file import keep_runs, read_kept
from workbench.study.sheet import make_sheet
from workbench.study.summary import summarise
from workbench.study.table import write_table

PAPER = "RWTH-PHOENIX-Weather 2014"


@pytest.fixture(scope="module")
def folder(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study on the tiny corpus, three rows of three runs, with the rates of a paper beside them."""
    study: dict[str, Any] = copy.deepcopy(STUDY)
    study["set"]["data.root"] = str(simulated_root)
    study["title"] = "Two losses <b>& a row</b>"
    study["paper"] = {"source": "Table 2", "corpus": PAPER}
    study["rows"][1] |= {"paper": {"test_wer": 40.4}, "flags": {"test_wer": "unsure: 40.4 <or> 10.4"}}
    study["rows"].append({"name": "i3d", "label": "I3D", "paper_only": True, "paper": {"test_wer": 35.3}})
    study["lines_after"] = ["alone"]
    grid = planned(tmp_path_factory.mktemp("study"), study)
    from workbench.assemble import open_corpus

    corpus = open_corpus(next(iter(grid.runs.values())).config.data)
    wanted = {split: {clip.id: clip.glosses for clip in corpus.clips(split)} for split in SPLITS}
    make_all(grid, usual, wanted=wanted)
    summary = summarise(grid, collect(grid))
    write_table(summary, make_sheet(summary))
    return grid.out


def page_of(folder: Path, tmp_path: Path, *words: str) -> str:
    done = here("report", folder, "--html", tmp_path / "study.html", *words)
    assert done.code == 0, done.err
    assert done.folder == tmp_path / "study.html"
    return done.folder.read_text(encoding="utf-8")


def test_the_table_is_the_one_of_the_study(folder: Path, tmp_path: Path) -> None:
    content = page_of(folder, tmp_path, "--no-clips")
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    outline = Outline(content)
    assert "b" not in outline.tags
    assert "Two losses &lt;b&gt;&amp; a row&lt;/b&gt;" in content
    for row in table["sheet"]["rows"]:
        for cell in row:
            assert f">{cell['text'].replace('<', '&lt;').replace('>', '&gt;')}" in content
    assert "unsure: 40.4 &lt;or&gt; 10.4" in content
    assert f"paper, {PAPER}" in content
    assert outline.tags.count("sup") >= 2
    assert "clips" not in outline.ids
    assert content.count("seed 2</td>") == 3
    assert page_of(folder, tmp_path, "--no-clips") == content


def test_its_figure_lies_in_its_folder(folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "copied"))
    done = here("report", copied)
    assert done.code == 0, done.err
    assert done.folder == copied / "figures"
    assert {path.name for path in done.folder.iterdir()} == {"rows.png", "rows.svg"}
    shown = re.findall(r"<!-- (.*?) -->", (done.folder / "rows.svg").read_text(encoding="utf-8"))
    assert {"no distillation", "KD", "CRD"} <= set(shown)
    assert "I3D" not in shown


def test_rates_of_a_paper_are_not_drawn_beside_ours(folder: Path, tmp_path: Path) -> None:
    """They were measured on another corpus."""
    content = page_of(folder, tmp_path, "--no-clips")
    chart = content[content.index("Rows side by side") :]
    chart = chart[: chart.index("</svg>")]
    assert "I3D" not in chart
    assert chart.count('class="seed"') == 9
    assert chart.count('class="against"') == 1


def test_the_page_without_clips_is_clean_in_a_browser(folder: Path, tmp_path: Path, browser: Browser) -> None:
    path = tmp_path / "study.html"
    page_of(folder, tmp_path, "--no-clips")
    browser.driver.get(path.as_uri())
    assert browser.ask("document.querySelectorAll('#result tbody tr').length") == 4
    browser.find("#theme").click()
    assert browser.find("#theme").text == "Theme: light"


def test_rows_stand_beside_each_other_over_every_clip(folder: Path, tmp_path: Path, browser: Browser) -> None:
    browser.open(page_of(folder, tmp_path))
    assert browser.ask("data.networks.map((network) => network.title)") == ["no distillation", "KD", "CRD"]
    assert (browser.ask("data.main"), browser.ask("data.before")) == ("kd", "alone")
    assert browser.ask("data.clips.length") == 8
    browser.until("player.motion !== null")
    rows = browser.ask("[...document.querySelectorAll('#timeline .name')].map((name) => name.textContent)")
    assert rows == ["reference", "no distillation", "KD", "CRD"]
    assert browser.find("#timeline .absent").get_attribute("textContent").startswith("not known in time")
    sorts = browser.ask("[...document.querySelectorAll('#sort option')].map((option) => option.textContent)")
    assert "most gained over no distillation" in sorts


def test_a_run_that_has_a_page_is_a_link_to_it(folder: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    study = StudyFolder.open(moved)
    runs = [run.folder for row in study.rows for run in row.runs]
    assert all(run.parent == moved for run in runs)  # where the table was moved to, not where it was made
    (runs[0] / PAGE_OF_A_RUN).write_text("a page")
    content = runs_section(study, tmp_path / "pages" / "study.html")
    assert content.count("<a ") == sum(run == runs[0] for run in runs)
    assert f'href="../moved/{runs[0].name}/{PAGE_OF_A_RUN}"' in content


def test_runs_that_are_known_from_records_stand_in_the_table_and_have_no_clips(
    folder: Path, tmp_path: Path, simulated_root: Path
) -> None:
    """All runs of one row, and the first of another whose second is shown instead."""
    study = copy.deepcopy(STUDY)
    study["set"]["data.root"] = str(simulated_root)
    grid = planned(tmp_path, study)
    shutil.copytree(folder, grid.out)
    keep_runs(tmp_path / "records.json", collect(grid).finished)
    for cell, run in grid.runs.items():
        if cell.row == "crd" or cell.seed == 0:
            shutil.rmtree(grid.out / run.name)
    summary = summarise(grid, collect(grid, records=[read_kept(tmp_path / "records.json")]))
    write_table(summary, make_sheet(summary))
    opened = StudyFolder.open(grid.out)
    assert opened.known_from_records == ["CRD"]
    assert {name: run.path.name for name, run in opened.open_runs([]).items()} == dict.fromkeys(
        ["alone", "kd"], grid.runs[Cell("kd", 1)].name
    )
    done = here("report", grid.out, "--html", tmp_path / "study.html")
    assert done.code == 0, done.err
    assert "these rows are known from records alone: CRD" in done.err + done.out
    content = (tmp_path / "study.html").read_text(encoding="utf-8")
    assert content.count("known from a record alone") == 3 + 2
    assert "4 of 6 runs are known from records alone." in content


def test_what_cannot_be_shown_is_refused_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    run = next(path for path in broken.iterdir() if path.is_dir() and path.name.startswith("kd"))
    edit_json(run / "result.json", lambda result: result["student"]["test"].update(wer=0.0))
    said = here("report", broken, "--html", tmp_path / "x.html").sentence
    assert "result.json was edited" in said
    edit_json(broken / "table.json", lambda table: table.pop("sheet"))
    said = here("report", broken, "--html", tmp_path / "x.html").sentence
    assert "is no table of this version: write it again with scripts/ablation.py STUDY --table-only" in said
    (broken / "table.json").write_text("{")
    assert "table.json is damaged" in here("report", broken, "--html", tmp_path / "x.html").sentence
    assert not (tmp_path / "x.html").exists()


def test_a_forest_has_a_place_for_every_run() -> None:
    rows = [ForestRow("a<b", (0.2, 0.4), 0.3, (0.25, 0.35), True), ForestRow("c", (0.5,), 0.5, None)]
    chart = forest_chart(rows)
    assert chart.count('class="seed"') == 2  # a single run is its own mean
    assert chart.count('class="whisker"') == 1
    assert chart.count('class="against"') == 1
    assert "a&lt;b: 30.0 %, 95 % interval 25.0 to 35.0, 2 runs" in chart
    assert "c: 50.0 %, 1 run" in chart
    with pytest.raises(ValueError, match="a chart needs rows"):
        forest_chart([])
