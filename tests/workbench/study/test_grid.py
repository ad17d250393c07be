from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.running import ROOT
from tests.workbench.study.made import STUDY, planned, write_study
from workbench.config import load_config
from workbench.faults import ConfigError
from workbench.schema import DistillConfig
from workbench.study.grid import Cell, plan
from workbench.study.invocation import arguments_of, command_line
from workbench.study.schema import Study


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    study = copy.deepcopy(STUDY)
    change(study)
    return study


def faults(tmp_path: Path, change: Callable[[dict[str, Any]], Any], **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        planned(tmp_path, changed(change), **options)
    return str(caught.value)


def test_a_study_has_a_run_for_every_row_that_runs_and_every_seed(tmp_path: Path) -> None:
    grid = planned(tmp_path)
    assert list(grid.runs) == [Cell(row, seed) for row in ("kd", "crd") for seed in (0, 1, 2)]
    for cell, run in grid.runs.items():
        assert run.config.run.seed == cell.seed
        assert run.name.startswith(f"{cell.row}-seed{cell.seed}-")
        assert run.config.data.corpus["profile"] == "tiny"
        assert isinstance(run.config, DistillConfig)
        assert run.config.distillation.losses["crd"].weight == (0 if cell.row == "kd" else 3)
    assert len({run.content for run in grid.runs.values()}) == 6
    assert grid.cells("alone") == grid.cells("kd")
    assert [grid.network(row) for row in ("alone", "kd", "crd")] == ["baseline", "student", "student"]


def test_seeds_and_overrides_of_the_command_line_are_those_of_every_row(tmp_path: Path) -> None:
    grid = planned(tmp_path, seeds=[7], words=["data.corpus.level=high", "run.threads=1"])
    assert [cell.seed for cell in grid.runs] == [7, 7]
    assert {run.config.data.corpus["level"] for run in grid.runs.values()} == {"high"}


def test_every_corpus_seed_has_its_runs(tmp_path: Path) -> None:
    grid = planned(tmp_path, changed(lambda study: study.update(corpus_seeds=[0, 5])))
    assert len(grid.runs) == 12
    run = grid.runs[Cell("kd", 1, 5)]
    assert run.config.data.corpus["seed"] == 5
    assert run.name.startswith("kd-corpus5-seed1-")


def test_a_section_that_a_row_sets_replaces_what_the_study_sets_within_it(tmp_path: Path) -> None:
    def change(study: dict[str, Any]) -> None:
        study["set"]["distillation.losses.kd.weight"] = 7
        study["rows"][2]["set"] = {"distillation.losses": {"it": {"loss": {"_target_": "kd.losses.FitNet"}}}}
        config = str(ROOT / "configs" / "control_skeleton_teacher.yaml")
        study["rows"].append({"name": "own", "label": "of a configuration of its own", "config": config})

    grid = planned(tmp_path, changed(change), seeds=[0])
    losses = {}
    for cell, run in grid.runs.items():
        assert isinstance(run.config, DistillConfig)
        losses[cell.row] = {name: term.weight for name, term in run.config.distillation.losses.items()}
    assert losses["kd"]["kd"] == 7
    assert losses["crd"] == {"it": 1}
    assert losses["own"]["kd"] == 5
    assert grid.runs[Cell("own", 0)].config.data.corpus["profile"] == "small"


def test_the_content_of_a_run_is_the_same_wherever_it_and_its_corpus_lie(tmp_path: Path) -> None:
    here, there = planned(tmp_path), planned(tmp_path, words=["data.root=/elsewhere", "run.threads=3"])
    assert [run.content for run in here.runs.values()] == [run.content for run in there.runs.values()]
    elsewhere = plan(write_study(tmp_path), tmp_path / "other")
    assert [run.name for run in here.runs.values()] == [run.name for run in elsewhere.runs.values()]


def test_the_command_of_a_run_makes_the_very_same_configuration(tmp_path: Path) -> None:
    grid = planned(tmp_path)
    for run in grid.runs.values():
        config, *words = arguments_of(run, grid, threads=1)
        made = load_config(config, words, schema=DistillConfig)
        assert made == run.config.model_copy(update={"run": run.config.run.model_copy(update={"threads": 1})})
    line = command_line(next(iter(grid.runs.values())), grid, threads=None)
    assert line.startswith("python scripts/distill.py ")
    assert f"run.out={grid.out}" in line
    assert "run.threads" not in line


def test_a_row_may_train_a_network_without_a_teacher(tmp_path: Path) -> None:
    config = str(ROOT / "configs" / "train_stgt.yaml")
    study = changed(lambda study: study["rows"].append({"name": "more", "label": "longer", "config": config}))
    grid = planned(tmp_path, study)
    assert grid.runs[Cell("more", 0)].script == "train"
    assert grid.network("more") == "network"


def test_a_key_that_a_study_does_not_have_is_named_with_its_line(tmp_path: Path) -> None:
    said = faults(tmp_path, lambda study: study.update(corpus_seed=[1]))
    assert "corpus_seed (" in said
    assert "did you mean corpus_seeds" in said
    assert f"{tmp_path / 'losses.yaml'}:" in said
    assert "rows.0.lable" in faults(tmp_path, lambda study: study["rows"][0].update(lable="x"))


def test_an_unknown_override_is_named_with_its_row_and_the_nearest_key(tmp_path: Path) -> None:
    def change(study: dict[str, Any]) -> None:
        study["rows"][1]["set"] = {"distillation.losses.crdd.weight": 0}
        study["rows"][2]["set"] = {"student.network.widht": 3}

    said = faults(tmp_path, change)
    assert "rows.1" in said
    assert "kd: distillation.losses.crdd.weight" in said
    assert "did you mean crd" in said
    assert "crd: student.network.widht" in said
    assert "did you mean width" in said
    assert said.count(f"{tmp_path / 'losses.yaml'}:") == 2


def test_two_rows_of_the_same_configuration_are_named(tmp_path: Path) -> None:
    def change(study: dict[str, Any]) -> None:
        study["rows"].append({"name": "again", "label": "KD?", "set": {"distillation.losses.crd.weight": 0.0}})

    said = faults(tmp_path, change)
    assert "again is the same configuration as kd" in said
    assert "runs_of: kd" in said
    overridden = faults(tmp_path, lambda study: None, words=["distillation.losses={kd: {weight: 1, loss: "
                        "{_target_: kd.losses.FrameKL}}, crd: {weight: 1, loss: {_target_: kd.losses.CRD}}}",
                        "distillation.losses.kd.weight=2", "distillation.losses.crd.weight=1"])  # fmt: skip
    assert "crd is the same configuration as kd" in overridden
    twice = faults(tmp_path, lambda study: study["rows"].append({**study["rows"][0], "name": "alone2"}))
    assert "alone2 is the same configuration as alone" in twice


def test_a_missing_reference_row_is_named(tmp_path: Path) -> None:
    said = faults(tmp_path, lambda study: study.update(reference="alon"))
    assert "the reference row 'alon' is not there; did you mean alone?" in said
    with pytest.raises(ConfigError, match="the reference row 'kdd' is not there; did you mean kd"):
        planned(tmp_path, reference="kdd")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda study: study["rows"][0].update(runs_of="kdd"), "no row of its own is called 'kdd'; did you mean kd"),
        (lambda study: study["rows"][0].update(network=None), "says which network of them it shows"),
        (lambda study: study["rows"][0].update(set={"run.seed": 1}), "has no set of its own"),
        (lambda study: study["rows"][0].update(network="network"), "a distill run has no network 'network'"),
        (lambda study: study["rows"][2].update(name="kd"), "two rows are called 'kd'"),
        (lambda study: study["rows"][1].update(paper={"pla": 50.0}), "say in paper of the study whose figures"),
        (lambda study: study["rows"][1].update(flags={"pla": "unsure"}), "flags speak of pla"),
        (lambda study: study["rows"][1].update(paper_only=True), "a row of published figures alone is not run"),
        (lambda study: study.pop("reference"), "name the reference row, or compare_with: alone"),
        (lambda study: study.update(compare_with="alone"), "leave the reference row out"),
        (lambda study: study.update(seeds=[1, 1]), "1 stands twice"),
        (lambda study: study.update(columns=["test_were"]), "test_were"),
        (lambda study: study.update(lines_after=["kdd"]), "no row is called 'kdd'"),
        (lambda study: study.update(config="nowhere.yaml"), "nowhere.yaml does not exist"),
        (lambda study: study["rows"][1].update(set={"data": "nowhere"}), "no corpus is called 'nowhere'"),
    ],
)  # fmt: skip
def test_what_makes_no_table_is_said_in_a_sentence(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    assert expected in faults(tmp_path, change)


def test_published_figures_may_stand_in_a_row_of_their_own(tmp_path: Path) -> None:
    def change(study: dict[str, Any]) -> None:
        study["paper"] = {"source": "Table 1", "corpus": "RWTH-PHOENIX-Weather 2014"}
        study["rows"].append({"name": "i3d", "label": "I3D", "paper_only": True, "paper": {"test_wer": 35.3}})

    grid = planned(tmp_path, changed(change))
    assert grid.cells("i3d") == []
    assert len(grid.runs) == 6
    with pytest.raises(ConfigError, match="'i3d' holds published figures alone"):
        planned(tmp_path, changed(lambda study: (change(study), study.update(reference="i3d"))))


def test_a_study_is_frozen_plain_data(tmp_path: Path) -> None:
    study = load_config(write_study(tmp_path), schema=Study)
    assert load_config(write_study(tmp_path, study.model_dump(mode="json")), schema=Study) == study
