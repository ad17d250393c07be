"""Run folders from anywhere: found by what was asked for, and believed only where their files agree."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workbench.study.made import CORPUS, STUDY, edit_json, make_all, make_run, planned, sentences, usual
from workbench.config import content_hash
from workbench.study.collect import Collected, collect
from workbench.study.grid import Cell, Grid

KD = Cell("kd", 0)


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return planned(tmp_path, seeds=[0])


def folder_of(grid: Grid, cell: Cell = KD) -> Path:
    return grid.out / grid.runs[cell].name


def reason(collected: Collected, cell: Cell = KD) -> str:
    found = collected.cells[cell]
    assert found.run is None
    return found.reason


def test_finished_runs_are_found_with_their_figures(grid: Grid) -> None:
    make_all(grid, usual)
    collected = collect(grid)
    assert [found.status for found in collected.cells.values()] == ["done", "done"]
    run = collected.finished[KD]
    assert run.folder == folder_of(grid)
    result = json.loads((run.folder / "result.json").read_text())
    for role in ("teacher", "baseline", "student"):
        for split in ("dev", "test"):
            report = run.report(role, split)
            assert report is not None
            assert report.counts.as_dict() == result[role][split]
    assert run.epoch_seconds("student") == 3.5
    assert run.commit == "0123456789abcdef"
    assert "simulated" in run.corpus


def test_commit_and_times_are_those_of_the_start_that_finished_it(grid: Grid) -> None:
    """Earlier versions recorded later starts too, although nothing was left to do."""
    make_all(grid, usual)
    path = folder_of(grid) / "environment.json"
    before = json.loads(path.read_text())
    later = {"commit": "fedcba9876543210", "started": "2026-02-01T00:00:00+00:00", "uncommitted_changes": True}
    path.write_text(json.dumps({**later, "earlier_starts": [before, later]}))
    run = collect(grid).finished[KD]
    assert (run.commit, run.uncommitted_changes, run.wall_seconds) == ("0123456789abcdef", None, 65.0)
    path.write_text(json.dumps({**later, "earlier_starts": []}))
    run = collect(grid).finished[KD]
    assert (run.commit, run.machine, run.wall_seconds) == (None, None, None)


def test_a_run_is_found_under_any_name_and_with_its_corpus_anywhere(grid: Grid, tmp_path: Path) -> None:
    other = planned(tmp_path / "there", seeds=[0], words=["data.root=/another/machine"])
    make_run(other.runs[KD], usual(KD), folder=grid.out / "copied")
    assert collect(grid).finished[KD].folder == grid.out / "copied"


def test_a_run_of_another_study_is_reused(grid: Grid) -> None:
    make_run(grid.runs[KD], usual(KD), folder=grid.store / "table2" / grid.runs[KD].name)
    assert collect(grid).finished[KD].folder.parent.name == "table2"
    assert KD not in collect(grid, elsewhere=False).finished


def test_what_is_not_there_or_not_finished_is_said(grid: Grid) -> None:
    assert reason(collect(grid)) == "not run yet"
    (make_run(grid.runs[KD], usual(KD)) / "result.json").unlink()
    assert collect(grid).cells[KD].status == "unfinished"
    assert reason(collect(grid)) == "not finished"
    failed = collect(grid, {grid.runs[Cell("crd", 0)].name: "out of memory"})
    assert failed.cells[Cell("crd", 0)].status == "failed"
    assert reason(failed, Cell("crd", 0)) == "out of memory"


@pytest.mark.parametrize(
    "name",
    ["steps.json", "hypotheses.test.ctm", "hypotheses.teacher.dev.ctm", "references.test.stm", "config.yaml"],
)
def test_a_run_that_was_copied_by_halves_is_refused(grid: Grid, name: str) -> None:
    (make_run(grid.runs[KD], usual(KD)) / name).unlink()
    collected = collect(grid)
    assert collected.cells[KD].status == "refused"
    assert reason(collected) == f"{folder_of(grid)} was copied by halves: it lacks {name}"


def lower_wer(result: dict[str, Any]) -> None:
    result["student"]["test"]["wer"] -= 0.01


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lower_wer, "student.test"),
        (lambda result: result["teacher"]["dev"].update(ins=3), "teacher.dev"),
        (lambda result: result["student"].update(params=1), "student.params"),
        (lambda result: result["seconds"].update(student=1.0), "seconds"),
        (lambda result: result.update(seed=1), "seed"),
        (lambda result: result.update(protocol="phoenix2014"), "protocol"),
        (lambda result: result.update(decoder="greedy"), "decoder"),
        (lambda result: result["pseudo_label_accuracy"].update(dense=0.9), "pseudo_label_accuracy"),
    ],
)
def test_an_edited_result_is_refused_with_what_was_edited(
    grid: Grid, change: Callable[[dict[str, Any]], None], what: str
) -> None:
    edit_json(make_run(grid.runs[KD], usual(KD)) / "result.json", change)
    collected = collect(grid)
    assert collected.cells[KD].status == "refused"
    assert reason(collected).startswith(f"{folder_of(grid) / 'result.json'} was edited: it says {what} is ")
    assert KD not in collected.finished


def test_a_result_that_lacks_a_network_or_a_corpus_is_refused(grid: Grid) -> None:
    folder = make_run(grid.runs[KD], usual(KD))
    edit_json(folder / "result.json", lambda result: result.pop("corpus"))
    assert "does not name its corpus" in reason(collect(grid))
    edit_json(folder / "result.json", lambda result: result.pop("baseline"))
    assert "says nothing of the network baseline" in reason(collect(grid))


def test_edited_hypotheses_are_refused(grid: Grid) -> None:
    path = make_run(grid.runs[KD], usual(KD)) / "hypotheses.test.ctm"
    path.write_text(path.read_text().replace("OTHER", "RAIN"))
    assert reason(collect(grid)).startswith(f"{path} is not as the run left it")


def test_references_of_other_sentences_do_not_fit_the_scores(grid: Grid) -> None:
    path = make_run(grid.runs[KD], usual(KD)) / "references.test.stm"
    path.write_text(path.read_text().replace("RAIN", "SUN"))
    assert "was edited" in reason(collect(grid))


def test_a_configuration_that_was_changed_after_the_run_is_refused(grid: Grid, tmp_path: Path) -> None:
    """As when somebody makes a run of other settings fit the study by its config.yaml."""
    study = copy.deepcopy(STUDY)
    study["set"]["distillation.losses.kd.weight"] = 99
    other = planned(tmp_path / "other", study, seeds=[0])
    folder = make_run(other.runs[KD], usual(KD), folder=folder_of(grid))
    shutil.copy(make_run(grid.runs[KD], usual(KD), folder=tmp_path / "right") / "config.yaml", folder)
    assert (
        reason(collect(grid))
        == f"{folder / 'result.json'} was not made by the config.yaml beside it: one of them was changed"
    )


@pytest.mark.parametrize("name", ["result.json", "steps.json", "config.yaml"])
def test_a_damaged_file_is_named(grid: Grid, name: str) -> None:
    path = make_run(grid.runs[KD], usual(KD)) / name
    path.write_text("{")
    collected = collect(grid)
    assert collected.cells[KD].status == "refused"
    assert str(path) in reason(collected)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("data.corpus.level=low", "data.corpus.level: 'low' instead of 'very-high'"),
        ("data.protocol=phoenix2014", "data.protocol: 'phoenix2014' instead of 'raw'"),
        ("data.corpus.profile=small", "data.corpus.profile: 'small' instead of 'tiny'"),
    ],
)
def test_a_run_of_another_corpus_or_protocol_is_not_taken_and_told(
    grid: Grid, tmp_path: Path, word: str, told: str
) -> None:
    other = planned(tmp_path / "other", seeds=[0], words=[word])
    make_run(other.runs[KD], usual(KD), folder=grid.out / other.runs[KD].name)
    collected = collect(grid)
    folder = grid.out / other.runs[KD].name
    assert reason(collected) == f"not run yet; {folder} is another configuration, it has {told}"
    assert collected.strangers == [f"{folder} is no run of this study: from kd, seed 0 it differs in {told}"]


def test_a_run_of_other_clips_under_the_same_settings_is_refused(tmp_path: Path) -> None:
    """As from another machine whose copy of the corpus is another one."""
    grid = planned(tmp_path)
    odd = Cell("crd", 1)
    for cell, run in grid.runs.items():
        wanted = {split: sentences(seed=9 if cell == odd else 1) for split in ("dev", "test")}
        make_run(run, usual(cell), wanted=wanted)
    collected = collect(grid)
    assert [cell for cell, found in collected.cells.items() if found.status == "refused"] == [odd]
    first = grid.out / grid.runs[Cell("kd", 0)].name
    assert reason(collected, odd) == f"{folder_of(grid, odd)} read other clips of {CORPUS} than {first}"


def test_a_corpus_that_is_called_otherwise_is_refused(tmp_path: Path) -> None:
    """As where somebody takes the word simulated out of the results."""
    grid = planned(tmp_path)
    make_all(grid, usual)
    path = folder_of(grid, Cell("crd", 1)) / "result.json"
    edit_json(path, lambda result: result.update(corpus="RWTH-PHOENIX-Weather 2014"))
    assert reason(collect(grid), Cell("crd", 1)).startswith(f"{path} was edited: it says corpus is ")
    edit_json(path.with_name("steps.json"), lambda steps: steps["networks"]["result"].pop("corpus"))
    assert "is about RWTH-PHOENIX-Weather 2014 and " in reason(collect(grid), Cell("crd", 1))


def test_runs_of_other_seeds_are_nothing_to_speak_of(grid: Grid, tmp_path: Path) -> None:
    make_all(planned(tmp_path, seeds=[0, 1]), usual)
    assert collect(grid).strangers == []


def without_what_came_later(value: Any) -> Any:
    """A configuration without the settings that hashes leave out while they are null."""
    later = {"rate_clips", "layer_decay", "average", "patience", "taught_by"}
    later |= {"warmup_epochs", "period", "stretch", "low"}
    if isinstance(value, dict):
        kept = {key: child for key, child in value.items() if child is not None or key not in later}
        return {key: without_what_came_later(child) for key, child in kept.items()}
    return [without_what_came_later(child) for child in value] if isinstance(value, list) else value


def test_a_run_is_the_same_when_the_workbench_has_learned_new_settings(grid: Grid) -> None:
    """A setting that was not there yet had the value that is its default now."""
    folder = make_run(grid.runs[KD], usual(KD))
    config = yaml.safe_load((folder / "config.yaml").read_text())
    del config["data"]["max_padding"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    essential = without_what_came_later(config)
    for key in ("out", "store", "device", "threads", "diagnostics"):
        del essential["run"][key]
    for key in ("workers", "frame_cache_mb"):
        del essential["data"][key]
    del essential["evaluate"]["labels"]
    edit_json(folder / "result.json", lambda result: result.update(config_hash=content_hash(essential)))
    assert collect(grid).cells[KD].status == "done", collect(grid).cells[KD].reason
