"""A table's numbers, derived a second time from the run folders."""

from __future__ import annotations

import copy
import csv
import html.parser
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from rich.console import Console

from slr.scoring import RecipeGap, compare_recipes, holm, recipe_gap, recipe_rate, seed_spread
from tests.workbench.study.made import CORPUS, STUDY, make_all, make_run, planned, sentences, usual
from workbench.study.collect import collect
from workbench.study.formats import as_html, as_latex, as_markdown, render_sheet
from workbench.study.grid import Cell, Grid, plan
from workbench.study.records import as_csv, as_json
from workbench.study.sheet import make_sheet
from workbench.study.summary import Summary, summarise
from workbench.study.table import write_table

PAPER = "RWTH-PHOENIX-Weather 2014"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Grid:
    study = copy.deepcopy(STUDY)
    study["columns"] = ["dev_wer", "test_wer", "test_ci95", "test_sdi", "difference", "p", "gap_closed", "pla_all"]
    study["columns"] += ["pla_non_blank", "pla_dense", "teacher_wer", "alone_wer", "params", "macs"]
    study["columns"] += ["epoch_seconds", "train_seconds"]
    study["paper"] = {"source": "Table 2 & more", "corpus": PAPER}
    study["rows"][1] |= {"paper": {"pla": 50.9, "test_wer": 40.4}, "flags": {"pla": "unsure: 50_9 or 50.4"}}
    study["rows"].append({"name": "i3d", "label": "I3D <RGB> | 100 %", "paper_only": True, "paper": {"test_wer": 35.3}})
    study["rows"].append({"name": "teacher", "label": "teacher", "runs_of": "kd", "network": "teacher"})
    study["lines_after"] = ["alone"]
    grid = planned(tmp_path_factory.mktemp("study"), study)
    make_all(grid, usual)
    return grid


@pytest.fixture(scope="module")
def summary(grid: Grid) -> Summary:
    return summarise(grid, collect(grid))


def reports(grid: Grid, row: str, role: str, split: str = "test") -> list[list[Any]]:
    finished = collect(grid).finished
    return [[finished[Cell(row, seed)].report(role, split) for seed in (0, 1, 2)]]


def test_means_and_deviations_are_those_over_seeds(grid: Grid, summary: Summary) -> None:
    rates = [report.wer for report in reports(grid, "crd", "student")[0]]
    figure = summary.row("crd").figures["test_wer"]
    assert figure.mean == pytest.approx(fmean(rates))
    assert figure.deviation == pytest.approx(stdev(rates))
    assert summary.row("crd").test == recipe_rate(reports(grid, "crd", "student"))
    assert summary.row("crd").dev == recipe_rate(reports(grid, "crd", "student", "dev"))
    assert summary.row("alone").test == recipe_rate(reports(grid, "kd", "baseline"))
    assert summary.row("alone").figures["pla_dense"].mean == 0.6
    assert summary.row("kd").figures["epoch_seconds"].mean == 3.5


def test_rows_are_compared_with_the_reference_by_the_spread_of_all_rows(grid: Grid, summary: Summary) -> None:
    alone = reports(grid, "kd", "baseline")
    rows = {row: reports(grid, row, "student") for row in ("kd", "crd")}
    spread = seed_spread([alone, *rows.values()])
    assert spread is not None
    assert spread.freedom == 4
    found = {row: compare_recipes(alone, runs, spread=spread) for row, runs in rows.items()}
    corrected = holm([one.p_value for one in found.values()])
    for (row, comparison), p_value in zip(found.items(), corrected, strict=True):
        assert summary.row(row).comparison == comparison
        assert summary.row(row).holm == p_value
        assert summary.row(row).p_own_spread == compare_recipes(alone, rows[row]).p_value
    assert summary.row("alone").comparison is None
    assert summary.row("teacher").comparison is None, "a teacher is not compared unless asked for"


def test_rows_can_be_held_against_another_row_than_that_of_the_file(grid: Grid) -> None:
    other = plan(grid.out.parent.parent / "losses.yaml", grid.out.parent, reference="kd")
    rows = summarise(other, collect(other))
    found = {name: rows.row(name).comparison for name in ("alone", "crd")}
    assert found["alone"] is not None
    kd = reports(grid, "kd", "student")
    spread = seed_spread([kd, reports(grid, "kd", "baseline"), reports(grid, "crd", "student")])
    assert found["crd"] == compare_recipes(kd, reports(grid, "crd", "student"), spread=spread)
    assert found["alone"].difference.value > 0, "the student alone reads worse"
    assert rows.row("kd").comparison is None


def test_the_gap_is_that_of_the_same_runs(grid: Grid, summary: Summary) -> None:
    networks = [reports(grid, "kd", role) for role in ("baseline", "student", "teacher")]
    assert summary.row("kd").gap == recipe_gap(*networks)
    assert summary.row("alone").gap is None


@pytest.mark.parametrize(("errors", "shown"), [(None, 0.5), (3.5, 0.5), (2.5, None)])
def test_a_share_of_the_gap_is_shown_where_the_gap_is_certain(
    summary: Summary, errors: float | None, shown: float | None
) -> None:
    """Without a standard error every resample shows the same gap."""
    row = replace(summary.row("kd"), gap=RecipeGap(0.5, (0.4, 0.6), errors))
    assert row.shown_gap == shown


def test_a_run_that_is_not_there_is_in_no_mean_and_is_told(tmp_path: Path) -> None:
    grid = planned(tmp_path)
    make_all(grid, usual)
    for name in ("result.json", "config.yaml"):
        (grid.out / grid.runs[Cell("crd", 1)].name / name).unlink()
    summary = summarise(grid, collect(grid, {grid.runs[Cell("crd", 1)].name: "no memory"}))
    row = summary.row("crd")
    assert [cell.seed for cell in row.runs] == [0, 2]
    assert row.comparison is not None
    assert row.comparison.seeds == 2
    assert any("2 of 3 runs" in note for note in row.notes)
    assert any("on the 2 runs that both have" in note for note in row.notes)
    assert summary.problems == ("crd, seed 1: no memory",)
    assert "Not in the table: crd, seed 1: no memory." in as_markdown(make_sheet(summary))


def test_rows_of_other_clips_are_not_compared(tmp_path: Path) -> None:
    study = copy.deepcopy(STUDY)
    study["rows"][2]["set"]["data.corpus.profile"] = "small"
    grid = planned(tmp_path, study, seeds=[0])
    for cell, run in grid.runs.items():
        clips = 20 if cell.row == "kd" else 25
        make_run(run, usual(cell), wanted={split: sentences(clips, seed=1) for split in ("dev", "test")})
    row = summarise(grid, collect(grid)).row("crd")
    assert row.comparison is None
    assert any("not compared with no distillation: only systems scored on the same clips" in note for note in row.notes)


def test_rows_may_each_be_compared_with_the_student_alone_of_their_runs(tmp_path: Path) -> None:
    study = {**STUDY, "compare_with": "alone", "rows": STUDY["rows"][1:]}
    del study["reference"]
    grid = planned(tmp_path, study)
    make_all(grid, usual)
    summary = summarise(grid, collect(grid))
    for row in ("kd", "crd"):
        assert summary.row(row).comparison == compare_recipes(
            *(reports(grid, row, of) for of in ("baseline", "student"))
        )
    text = as_markdown(make_sheet(summary))
    assert "Differences and p are against the student alone of the same runs" in text


def test_every_corpus_has_its_own_clips_and_the_same_weight(tmp_path: Path) -> None:
    grid = planned(tmp_path, {**STUDY, "corpus_seeds": [0, 5]}, seeds=[0, 1])
    for cell, run in grid.runs.items():
        clips = {
            split: sentences(20 + 10 * (cell.corpus_seed or 0), seed=cell.corpus_seed or 0) for split in ("dev", "test")
        }
        make_run(run, usual(cell), wanted=clips, corpus=f"simulated corpus (tiny, seed {cell.corpus_seed})")
    summary = summarise(grid, collect(grid))
    found = collect(grid).finished
    runs = [[found[Cell("kd", seed, corpus)].report("student", "test") for seed in (0, 1)] for corpus in (0, 5)]
    row = summary.row("kd")
    assert row.test is not None
    assert row.test.rate.value == pytest.approx(fmean(fmean(one.wer for one in corpus) for corpus in runs))
    assert row.corpora == ("simulated corpus (tiny, seed 0)", "simulated corpus (tiny, seed 5)")
    text = as_markdown(make_sheet(summary))
    assert "Seeds 0, 1 on the corpora of seeds 0, 5." in text
    assert text.count("simulated corpus (tiny, seed 5)") == 1 + 3
    assert "WER in % (mean and standard deviation over runs)" in text


@pytest.mark.parametrize(
    ("corpus", "another"),
    [
        (PAPER, False),
        (f"{PAPER}, multi-signer", False),
        (f"{PAPER}, multi-signer, keypoints high", False),
        (f"{PAPER}, signer-independent SI5", True),
        (f"{PAPER}-T", True),
        (CORPUS, True),
    ],
)
def test_the_corpus_of_the_paper_is_called_another_only_where_it_is(
    corpus: str, another: bool, grid: Grid, tmp_path: Path
) -> None:
    study = {**grid.study.model_dump(mode="json"), "seeds": [0]}
    study["paper"]["corpus"] = f"{PAPER} (recorded)"
    same = planned(tmp_path, study)
    make_all(same, usual, corpus=corpus)
    assert ("another corpus than ours" in as_markdown(make_sheet(summarise(same, collect(same))))) == another


def test_every_format_names_the_corpora_of_both(summary: Summary) -> None:
    sheet = make_sheet(summary)
    for text in (as_markdown(sheet), as_html(sheet), as_latex(sheet, "t"), as_json(summary, sheet)):
        assert CORPUS in text
        assert PAPER in text
    assert as_csv(summary).count(CORPUS) == 4
    console = Console(width=100, record=True)
    console.print(render_sheet(sheet, console))
    assert CORPUS in console.export_text()


def test_the_line_of_what_can_be_resolved_is_the_middle_of_the_rows(summary: Summary) -> None:
    found = sorted(
        row.comparison.resolvable for row in summary.rows if row.comparison is not None and row.comparison.resolvable
    )
    remark = next(line for line in make_sheet(summary).remarks if "true difference" in line)
    assert f"a true difference of {100 * found[1]:.1f} points" in remark
    assert "30 test clips" in remark
    assert "3 runs of each row" in remark


def test_the_json_can_be_read_and_says_everything(summary: Summary) -> None:
    found = json.loads(as_json(summary, make_sheet(summary)))
    assert found["corpora"] == [CORPUS]
    rows = {row["name"]: row for row in found["rows"]}
    assert [run["seed"] for run in rows["kd"]["runs"]] == [0, 1, 2]
    assert Path(rows["kd"]["runs"][0]["folder"]).is_dir()
    kd = summary.row("kd")
    assert kd.comparison is not None
    against = rows["kd"]["against_reference"]
    assert against["p_holm"] == kd.holm
    assert against["p_clips_alone"] == kd.comparison.p_value_clips
    assert rows["kd"]["paper"] == {"pla": 50.9, "test_wer": 40.4}
    assert rows["i3d"]["runs"] == []


def test_the_csv_has_a_line_per_row(summary: Summary) -> None:
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(as_csv(summary)))}
    assert list(lines) == ["alone", "kd", "crd", "i3d", "teacher"]
    assert float(lines["kd"]["test_wer"]) == summary.row("kd").figures["test_wer"].mean
    assert lines["i3d"]["test_wer"] == ""
    assert lines["i3d"]["paper_test_wer"] == "35.3"


def test_the_markdown_table_is_rectangular_and_escaped(summary: Summary) -> None:
    lines = [line for line in as_markdown(make_sheet(summary)).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 5
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert r"I3D &lt;RGB&gt; \| 100 %" in lines[-2]
    assert "50.9<sup>a</sup>" in lines[3]


def test_the_latex_is_balanced_and_escaped(summary: Summary) -> None:
    text = as_latex(make_sheet(summary), "losses")
    assert text.count(r"\begin{") == text.count(r"\end{")
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in rows} == {18}
    assert r"I3D \textless{}RGB\textgreater{} | 100 \%" in text
    assert r"Table 2 \& more" in text
    assert r"50\_9" in text
    assert "±" not in text
    assert r"\cmidrule(lr){2-17}\cmidrule(lr){18-19}" in text
    depth = text.replace(r"\{", "").replace(r"\}", "")
    assert depth.count("{") == depth.count("}")


def test_the_page_is_well_formed_and_asks_for_nothing(summary: Summary) -> None:
    class Reader(html.parser.HTMLParser):
        open: list[str]
        cells = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta", "br"):
                self.open.append(tag)
            self.cells += tag in ("td", "th")

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    page = as_html(make_sheet(summary))
    reader = Reader()
    reader.open = []
    reader.feed(page.removeprefix("<!DOCTYPE html>"))
    assert reader.open == []
    assert reader.cells == 3 + 19 + 5 * 19
    assert "http" not in page
    assert "I3D &lt;RGB&gt; | 100 %" in page


def test_a_narrow_terminal_gets_the_columns_that_fit(summary: Summary) -> None:
    console = Console(width=80, record=True)
    console.print(render_sheet(make_sheet(summary), console))
    text = console.export_text()
    assert "…" not in text
    assert "Not shown for want of room: " in text
    assert "40.4" in text, "what was published is shown before more of ours"
    assert "no distillation" in text


def test_the_files_of_a_table_lie_in_the_folder_of_the_study(summary: Summary) -> None:
    write_table(summary, make_sheet(summary))
    sizes = {path.name: path.stat().st_size for path in summary.grid.out.glob("table.*")}
    assert sizes.keys() == {"table.md", "table.csv", "table.tex", "table.json", "table.html"}
    assert all(sizes.values())
