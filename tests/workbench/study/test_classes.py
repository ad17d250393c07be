"""Studies of isolated clips: accuracies, comparisons, fusions and folds, derived a second time from the score files."""

from __future__ import annotations

import copy
import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest

from slr.scoring import accuracy, compare_classifiers, fuse, holm, search_weights
from tests.workbench.isolated.test_distill import config as distillation
from tests.workbench.isolated.waving import waving_config
from tests.workbench.running import here
from tests.workbench.study.made import edit_json, write_study
from tests.workbench.study.made_classes import CORPUS, STUDY, make_all, make_class_run, planned
from workbench.faults import ConfigError
from workbench.isolated.scores import ClipScores
from workbench.study.collect import Collected, collect
from workbench.study.estimate import estimate
from workbench.study.folder_files import read_config
from workbench.study.formats import as_markdown
from workbench.study.grid import Cell, Grid, plan
from workbench.study.grid_view import render_grid
from workbench.study.kept_file import check_kept, keep_runs, read_kept
from workbench.study.reading import read_finished
from workbench.study.records import as_csv, as_plain
from workbench.study.sheet import make_sheet
from workbench.study.summary import RowSummary, Summary, summarise
from workbench.study.table import write_table
from workbench.study.view import outcome

JOINT = Cell("joint", 0)
SEEDS = (0, 1, 2)


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    """A study whose runs are done."""
    grid = planned(tmp_path)
    make_all(grid)
    return grid


def folder_of(grid: Grid, cell: Cell = JOINT) -> Path:
    return grid.out / grid.runs[cell].name


def scores(grid: Grid, cell: Cell, split: str = "test") -> ClipScores:
    return ClipScores.read(folder_of(grid, cell) / f"scores.{split}")


def shown(row: RowSummary, summary: Summary) -> dict[str, str]:
    sheet = make_sheet(summary)
    index = [one.row.name for one in summary.rows].index(row.row.name)
    headings = [heading.text for heading in sheet.headings]
    return dict(zip(headings, (cell.text for cell in sheet.rows[index]), strict=True))


def test_accuracies_are_means_over_the_seeds(grid: Grid) -> None:
    summary = summarise(grid, collect(grid))
    row = summary.row("wide")
    reports = [scores(grid, Cell("wide", seed)).report() for seed in SEEDS]
    rates = [float((one.best == one.labels).mean()) for one in reports]
    assert row.figures["top1"].mean == pytest.approx(fmean(rates))
    assert row.figures["top1"].deviation == pytest.approx(stdev(rates))
    by_class = [
        [(one.best == one.labels)[one.labels == name].mean() for name in np.unique(one.labels)] for one in reports
    ]
    assert row.figures["top1_per_class"].mean == pytest.approx(fmean(fmean(shares) for shares in by_class))
    assert row.figures["top5"].mean == 1.0, "there are five classes"
    dev = [scores(grid, Cell("wide", seed), "dev").report().per_instance() for seed in SEEDS]
    assert row.figures["dev_top1"].mean == pytest.approx(fmean(dev))
    assert row.figures["params"].mean == 1000
    assert row.figures["epoch_seconds"].mean == 3.5
    assert "test_wer" not in row.figures
    assert shown(row, summary)["top-1"] == f"{100 * fmean(rates):.1f} ± {100 * stdev(rates):.1f}"


def test_a_better_row_has_a_positive_difference_and_an_interval_around_its_accuracy(grid: Grid) -> None:
    summary = summarise(grid, collect(grid))
    plain = {row["name"]: row for row in as_plain(summary)["rows"]}
    wide = plain["wide"]
    means = {name: plain[name]["figures"]["top1"]["mean"] for name in ("joint", "wide")}
    assert wide["against_reference"]["difference"] == pytest.approx(means["wide"] - means["joint"])
    assert wide["against_reference"]["difference"] > 0.1
    low, high = wide["against_reference"]["difference_ci95"]
    assert low < wide["against_reference"]["difference"] < high
    low, high = wide["test_ci95"]
    assert low < means["wide"] < high
    p_values = [plain[name]["against_reference"]["p"] for name in ("bone", "wide", "two")]
    assert [plain[name]["against_reference"]["p_holm"] for name in ("bone", "wide", "two")] == holm(p_values)
    assert shown(summary.row("wide"), summary)["difference"].startswith("+")


def test_of_one_seed_the_difference_is_that_of_two_classifiers(tmp_path: Path) -> None:
    grid = planned(tmp_path, seeds=[0])
    make_all(grid)
    comparison = as_plain(summarise(grid, collect(grid)))["rows"][2]["against_reference"]
    found = compare_classifiers(scores(grid, JOINT).report(), scores(grid, Cell("wide", 0)).report())
    assert comparison["difference"] == pytest.approx(found.difference.value)
    assert comparison["difference_ci95"] == pytest.approx([found.difference.low, found.difference.high])
    assert (comparison["p"] < 0.05) == (found.p_value < 0.05)


def test_a_fusion_is_that_of_the_scores_of_its_rows_run_by_run(grid: Grid) -> None:
    row = summarise(grid, collect(grid)).row("two")
    assert [cell.seed for cell in row.runs] == [0, 1, 2]
    for seed in SEEDS:
        both = [scores(grid, Cell(name, seed)) for name in ("joint", "bone")]
        made = accuracy(fuse([one.scores for one in both], [1, 1]), both[0].labels)
        assert row.figures["top1"].values[Cell("two", seed)] == made.per_instance()
        dev = [scores(grid, Cell(name, seed), "dev") for name in ("joint", "bone")]
        on_dev = accuracy(fuse([one.scores for one in dev], [1, 1]), dev[0].labels)
        assert row.figures["dev_top1"].values[Cell("two", seed)] == on_dev.per_instance()
    assert (row.figures["params"].mean, row.figures["train_seconds"].mean) == (2000, 120)
    assert row.comparison is not None
    assert "weights joint 1, bone 1: equal" in row.notes


def test_weights_are_searched_on_what_was_held_out_of_each_run(tmp_path: Path) -> None:
    study = copy.deepcopy(STUDY)
    study["rows"][3]["fuse"]["search"] = True
    grid = planned(tmp_path, study, seeds=[0, 1])
    make_all(grid)
    row = summarise(grid, collect(grid)).row("two")
    for seed in (0, 1):
        dev, test = ([scores(grid, Cell(name, seed), split) for name in ("joint", "bone")] for split in ("dev", "test"))
        weights = search_weights([one.scores for one in dev], dev[0].labels).weights
        made = accuracy(fuse([one.scores for one in test], weights), test[0].labels)
        assert row.figures["top1"].values[Cell("two", seed)] == made.per_instance()
    assert "dev_top1" not in row.figures, "the clips on which weights were found say nothing more"
    assert all("found on dev" in note for note in row.notes)


def test_a_fusion_without_one_of_its_runs_is_none(grid: Grid) -> None:
    shutil.rmtree(folder_of(grid, Cell("bone", 1)))
    row = summarise(grid, collect(grid)).row("two")
    assert [cell.seed for cell in row.runs] == [0, 2]
    assert any("2 of 3 runs" in note for note in row.notes)


def test_streams_that_do_not_fit_are_a_note_and_no_figure(tmp_path: Path) -> None:
    study = copy.deepcopy(STUDY)
    study["rows"][3]["fuse"] = {"rows": ["bone", "joint"], "preset": "ctr-gcn-2"}
    grid = planned(tmp_path, study, seeds=[0])
    make_all(grid)
    row = summarise(grid, collect(grid)).row("two")
    assert not row.runs
    assert any("not fused: the preset ctr-gcn-2 weighs joint, bone in this order" in note for note in row.notes)


def test_weights_that_were_published_are_named(tmp_path: Path) -> None:
    study = copy.deepcopy(STUDY)
    study["rows"][3]["fuse"]["preset"] = "ctr-gcn-2"
    grid = planned(tmp_path, study, seeds=[0])
    make_all(grid)
    text = as_markdown(make_sheet(summarise(grid, collect(grid))))
    assert "weights joint 1, bone 1: preset ctr-gcn-2 (CTR-GCN (Chen et al., ICCV 2021), code)" in text


def test_folds_weigh_alike_and_are_compared_each_with_itself(tmp_path: Path) -> None:
    folds = [f"fold-{number}" for number in range(3)]
    grid = planned(tmp_path, {**STUDY, "splits": folds}, seeds=[0])
    assert len(grid.runs) == 9
    config = grid.runs[Cell("joint", 0, None, "fold-1")].config
    assert config.data.corpus["split"] == "fold-1"
    assert config.run.name.startswith("joint-fold-1-seed0-")
    make_all(grid)
    summary = summarise(grid, collect(grid))
    cells = [Cell("wide", 0, None, fold) for fold in folds]
    rates = [scores(grid, cell).report().per_instance() for cell in cells]
    assert summary.row("wide").figures["top1"].mean == pytest.approx(fmean(rates))
    test = summary.row("wide").test
    assert test is not None
    assert 1 - test.rate.value == pytest.approx(fmean(rates))
    comparison = summary.row("wide").comparison
    assert comparison is not None
    assert comparison.difference.value < -0.1
    assert len(summary.row("two").runs) == 3
    text = as_markdown(make_sheet(summary))
    assert "Seed 0 on fold-0, fold-1, fold-2." in text
    assert "On these 180 test clips in 3 splits and 3 runs of each row" in text
    assert [run["split"] for run in as_plain(summary)["rows"][0]["runs"]] == folds


def test_the_grid_shows_every_split_and_says_what_is_fused(tmp_path: Path) -> None:
    grid = planned(tmp_path, {**STUDY, "splits": ["fold-0", "fold-1"]}, seeds=[0, 1])
    words = {cell: f"{cell.row[0]}{(cell.split or '')[-1]}{cell.seed}" for cell in grid.runs}
    table = render_grid(grid, words, dict.fromkeys(grid.runs, "missing"))
    headings = [str(column.header) for column in table.columns[2:]]
    assert headings == ["fold-0\nseed 0", "fold-0\nseed 1", "fold-1\nseed 0", "fold-1\nseed 1"]
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    rows = dict(zip(columns[0], zip(*columns[1:], strict=True), strict=True))
    assert rows["joint"][1:] == ("j00", "j01", "j10", "j11")
    assert "fused of joint, bone" in [row[0] for row in rows.values()]


def test_other_splits_than_those_of_the_study_can_be_asked_for(tmp_path: Path) -> None:
    path = write_study(tmp_path, {**STUDY, "splits": ["fold-0"]})
    grid = plan(path, tmp_path / "runs", seeds=[0], splits=["x-sub", "x-view"])
    assert [cell.split for cell in grid.runs if cell.row == "joint"] == ["x-sub", "x-view"]
    with pytest.raises(ConfigError, match="x-sub stands twice"):
        plan(path, tmp_path / "runs", splits=["x-sub", "x-sub"])
    done = here("ablation", path, "--dry-run", "--seeds", "0", "--splits", "x-sub,x-view")
    assert done.code == 0, done.err
    assert "data.corpus.split=x-view" in done.out


def test_the_table_speaks_of_accuracy(grid: Grid) -> None:
    summary = summarise(grid, collect(grid))
    text = as_markdown(make_sheet(summary))
    assert "Accuracy in % (mean and standard deviation over seeds)" in text
    assert f"Ours: {CORPUS}. One view of a clip. Seeds 0, 1, 2." in text
    assert "WER" not in text
    write_table(summary, make_sheet(summary))
    line = next(csv.DictReader(io.StringIO(as_csv(summary))))
    assert float(line["top1"]) == summary.row("joint").figures["top1"].mean
    assert "test_wer" not in line
    assert json.loads((grid.out / "table.json").read_text())["task"] == "class"
    found = collect(grid).cells[JOINT]
    assert outcome(found) == f"{100 * scores(grid, JOINT).report().per_instance():.1f} %"


def test_a_clip_is_what_multiply_adds_are_counted_for(tmp_path: Path) -> None:
    grid = planned(tmp_path, {**STUDY, "columns": ["top1", "macs"]}, seeds=[0])
    make_all(grid)
    assert [heading.text for heading in make_sheet(summarise(grid, collect(grid))).headings] == [
        "",
        "top-1",
        "MAC/clip",
    ]


def test_published_figures_stand_beside_ours(tmp_path: Path) -> None:
    study = {**copy.deepcopy(STUDY), "paper": {"source": "Table 4", "corpus": "NW-UCLA"}}
    study["rows"][0]["paper"] = {"top1": 94.6}
    study["rows"].append({"name": "four", "label": "four", "paper_only": True, "paper": {"top1": 96.5}})
    grid = planned(tmp_path, study, seeds=[0])
    make_all(grid)
    text = as_markdown(make_sheet(summarise(grid, collect(grid))))
    assert "paper top-1" in text
    assert "| 96.5 |" in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda result: result["network"]["test"].update(top1=0.99), "it says network.test is "),
        (lambda result: result["network"]["dev"].update(hits=20), "it says network.dev is "),
        (lambda result: result["network"].update(params=1), "it says network.params is 1"),
        (lambda result: result.update(corpus="NW-UCLA"), 'it says corpus is "NW-UCLA"'),
        (lambda result: result.update(stream="bone"), 'it says stream is "bone"'),
        (lambda result: result.update(views=10), "it says views is 10"),
        (lambda result: result.update(seed=7), "it says seed is 7"),
        (lambda result: result.update(seconds={"network": 1}), "it says seconds is "),
        (lambda result: result.pop("network"), "it says network.name is null"),
    ],
)
def test_an_edited_result_is_refused(grid: Grid, change: Callable[[dict[str, Any]], None], told: str) -> None:
    edit_json(folder_of(grid) / "result.json", change)
    found = collect(grid).cells[JOINT]
    assert found.status == "refused"
    assert f"{folder_of(grid) / 'result.json'} was edited: {told}" in found.reason


@pytest.mark.parametrize("name", ["scores.test.safetensors", "scores.dev.json", "steps.json", "config.yaml"])
def test_a_run_that_was_copied_by_halves_is_refused(grid: Grid, name: str) -> None:
    (folder_of(grid) / name).unlink()
    found = collect(grid).cells[JOINT]
    assert found.status == "refused"
    assert f"was copied by halves: it lacks {name}" in found.reason


def test_edited_scores_are_refused(grid: Grid) -> None:
    path = folder_of(grid) / "scores.test.json"
    path.write_text(path.read_text().replace("action 1", "action one"))
    assert f"{path} is not as the run left it" in collect(grid).cells[JOINT].reason


def test_a_run_that_held_nothing_out_has_no_dev(tmp_path: Path) -> None:
    study = copy.deepcopy(STUDY)
    study["set"] = {"data.corpus.held_out": 0}
    grid = planned(tmp_path, study, seeds=[0])
    make_all(grid, splits=("test",))
    collected = collect(grid)
    assert all(found.status == "done" for found in collected.cells.values())
    row = summarise(grid, collected).row("two")
    assert row.figures.keys() >= {"top1"}
    assert "dev_top1" not in row.figures
    study["rows"][3]["fuse"]["search"] = True
    grid = planned(tmp_path, study, seeds=[0])
    assert any("these runs held none out" in note for note in summarise(grid, collect(grid)).row("two").notes)


def test_a_run_of_other_clips_is_refused(grid: Grid) -> None:
    odd = Cell("joint", 2)
    shutil.rmtree(folder_of(grid, odd))
    other = replace(grid.runs[odd], cell=Cell("joint", 2, None, "elsewhere"))
    make_class_run(other, 0.6)
    found = collect(grid).cells[odd]
    assert f"read other clips of {CORPUS} than" in found.reason


def test_a_folder_that_training_left_is_read(run: Path) -> None:
    """A real one, from the workbench itself."""
    found = read_finished(run, read_config(run))
    assert found is not None
    result = json.loads((run / "result.json").read_text())
    assert found.counts("network", "test") == result["network"]["test"]
    assert found.corpus == "waving (made up)"
    report = found.report("network", "test")
    assert report is not None
    assert 1 - report.wer == pytest.approx(result["network"]["test"]["top1"])
    assert (found.epoch_seconds("network") or 0) > 0


def without_folders(grid: Grid, file: Path) -> Collected:
    shutil.rmtree(grid.out)
    return collect(grid, records=[read_kept(file)])


@pytest.fixture
def file(grid: Grid, tmp_path: Path) -> Path:
    """The records of its runs and of their fusions."""
    path = tmp_path / "records.json"
    collected = collect(grid)
    keep_runs(path, collected.finished, summarise(grid, collected).fusions)
    return path


def told(summary: Summary) -> dict[str, Any]:
    """All that a table says, but for where its runs are."""
    plain = as_plain(summary)
    for row in plain["rows"]:
        for one in row["runs"]:
            one.update(folder=None, record=None, fused=None)
    return plain


def test_the_table_of_the_records_is_that_of_the_folders(grid: Grid, file: Path) -> None:
    whole = told(summarise(grid, collect(grid)))
    summary = summarise(grid, without_folders(grid, file))
    assert told(summary) == whole
    assert len(summary.row("two").runs) == 3
    assert "9 of 9 runs are known from records alone." in make_sheet(summary).remarks
    assert file.stat().st_size < 25_000


def test_records_are_kept_again_from_records_with_their_fusions(grid: Grid, file: Path, tmp_path: Path) -> None:
    collected = without_folders(grid, file)
    keep_runs(tmp_path / "again.json", collected.finished, summarise(grid, collected).fusions)
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_a_fusion_of_other_networks_than_these_is_not_taken(grid: Grid, file: Path) -> None:
    """One of the runs was done again and found something else; its stream has to be fused anew."""
    shutil.rmtree(grid.out)
    make_class_run(replace(grid.runs[JOINT], cell=Cell("joint", 0)), 0.9)
    row = summarise(grid, collect(grid, records=[read_kept(file)])).row("two")
    assert [cell.seed for cell in row.runs] == [1, 2]
    assert "not fused: the score files of runs that are known from records alone are not here" in row.notes


def test_runs_without_a_record_of_their_fusion_cannot_be_fused(grid: Grid, tmp_path: Path) -> None:
    keep_runs(tmp_path / "runs.json", collect(grid).finished)
    row = summarise(grid, without_folders(grid, tmp_path / "runs.json")).row("two")
    assert not row.runs
    assert any("not fused: the score files" in note for note in row.notes)


def _entry(content: dict[str, Any], section: str, row: str) -> dict[str, Any]:
    return next(entry for entry in content[section].values() if (entry["row"], entry["seed"]) == (row, 0))


@pytest.mark.parametrize(("section", "row"), [("runs", "joint"), ("fusions", "two")])
def test_an_edited_record_of_classes_is_named(file: Path, section: str, row: str) -> None:
    edit_json(file, lambda content: _entry(content, section, row)["counts"].clear())
    (sentence,) = read_kept(file).refused.values()
    assert f"the record of {row}, seed 0 in {file} was edited" in sentence
    with pytest.raises(ValueError, match="was edited"):
        check_kept(file)


@pytest.mark.parametrize(("section", "row"), [("runs", "joint"), ("fusions", "two")])
def test_edited_outcomes_are_named(file: Path, section: str, row: str) -> None:
    def better(content: dict[str, Any]) -> None:
        network = content["networks"][_entry(content, section, row)["networks"]["network"]]
        network["test"]["ranks"] = " ".join("0" for _ in network["test"]["ranks"].split())

    edit_json(file, better)
    sentences = [*read_kept(file).refused.values()]
    assert any(f"the record of {row}, seed 0 in {file} was edited, in " in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"fuse": {"rows": ["joint"]}}, "at least 2"),
        ({"fuse": {"rows": ["joint", "bonee"]}}, "no row that is run is called 'bonee'; did you mean bone?"),
        ({"fuse": {"rows": ["joint", "bone"], "weights": [1]}}, "1 weights for 2 rows"),
        ({"fuse": {"rows": ["joint", "bone"], "weights": [1, 2], "search": True}}, "weights and search name several"),
        ({"fuse": {"rows": ["joint", "bone"], "preset": "ctr-gcn-4"}}, "weighs 4 streams, and there are 2 rows"),
        ({"fuse": {"rows": ["joint", "bone"], "preset": "ctr-gcn"}}, "no published weights called 'ctr-gcn'"),
        ({"fuse": {"rows": ["joint", "bone"]}, "set": {"run.seed": 1}}, "a row that fuses others is not run itself"),
        ({"config": "configs/stsg_to_stgt.yaml"}, "is about sentences, and rows before it about isolated clips"),
    ],
)
def test_a_row_that_cannot_be_is_refused(tmp_path: Path, row: dict[str, Any], what: str) -> None:
    study = copy.deepcopy(STUDY)
    study["rows"].append({"name": "odd", "label": "odd", **row})
    if "config" in row:
        study["rows"][-1]["config"] = str(Path(STUDY["config"]).parents[2] / row["config"])
    with pytest.raises(ConfigError) as refused:
        planned(tmp_path, study)
    assert what in str(refused.value)


def test_columns_of_sentences_are_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="test_wer is about sentences, and these rows are about isolated clips: there"
    ):
        planned(tmp_path, {**STUDY, "columns": ["top1", "test_wer"]})


def test_a_fusion_costs_no_time_of_its_own(grid: Grid) -> None:
    finished = {cell: run for cell, run in collect(grid).finished.items() if cell != Cell("bone", 2)}
    left = estimate(grid, finished, [Cell("bone", 2)])
    assert left.seconds[Cell("bone", 2)] == pytest.approx(60 + 5)


@pytest.mark.slow
def test_a_chain_of_distillations_and_a_fusion_from_end_to_end(store: Path, tmp_path: Path) -> None:
    """Real runs: a teacher, assistants, the student alone and distilled; another stream, a fusion; their records."""
    columns = ["dev_top1", "top1", "top5", "top1_per_class", "difference", "p", "gap_closed", "params", "train_seconds"]
    bones = {"config": str(waving_config(tmp_path, store)), "set": {"data.stream": "bone"}}
    study = {
        "title": "A chain",
        "config": str(distillation(tmp_path, store)),
        "seeds": [0, 1],
        "reference": "alone",
        "columns": columns,
        "rows": [
            {"name": "alone", "label": "alone", "runs_of": "chain", "network": "baseline"},
            {"name": "chain", "label": "by way of two assistants"},
            {"name": "assistant", "label": "the last assistant", "runs_of": "chain", "network": "assistant-again"},
            {"name": "teacher", "label": "the teacher", "runs_of": "chain", "network": "teacher"},
            {"name": "bone", "label": "bones", **bones},
            {"name": "two", "label": "both", "fuse": {"rows": ["alone", "bone"]}},
        ],
    }
    path, file = write_study(tmp_path, study, "links"), tmp_path / "records.json"
    done = here("ablation", path, "--out", tmp_path / "runs", "--keep", file)
    assert done.code == 0, done.err
    table = json.loads((done.folder / "table.json").read_text())
    rows = {row["name"]: row for row in table["rows"]}
    assert [len(row["runs"]) for row in table["rows"]] == [2] * 6
    chain = json.loads((Path(rows["chain"]["runs"][0]["folder"]) / "result.json").read_text())
    for name, entry in (("alone", chain["baseline"]), ("chain", chain["student"]), ("teacher", chain["teacher"])):
        assert rows[name]["runs"][0]["top1"] == entry["test"]["top1"]
    assert rows["assistant"]["runs"][0]["top1"] == chain["assistants"]["again"]["test"]["top1"]
    assert rows["two"]["figures"]["params"]["mean"] == sum(
        rows[name]["figures"]["params"]["mean"] for name in ("alone", "bone")
    )
    shutil.rmtree(tmp_path / "runs")
    again = here("ablation", path, "--out", tmp_path / "runs", "--table-only", "--records", file)
    assert again.code == 0, again.err
    after = json.loads((done.folder / "table.json").read_text())
    assert [row["figures"] for row in after["rows"]] == [row["figures"] for row in table["rows"]]
    assert [row["gap_closed"] for row in after["rows"]] == [row["gap_closed"] for row in table["rows"]]


def test_the_page_of_a_study_shows_accuracies(grid: Grid, tmp_path: Path) -> None:
    summary = summarise(grid, collect(grid))
    write_table(summary, make_sheet(summary))
    done = here("report", grid.out, "--html", tmp_path / "page.html")
    assert done.code == 0, done.err
    assert "there are no clips on the page" in done.out + done.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "test top-1, %" in page
    assert "dev top-1, %" in page
    assert page.count("fused from the runs of other rows") == 3
    assert "WER" not in page
    assert (grid.out / "figures" / "rows.png").is_file()
