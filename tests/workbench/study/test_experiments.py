"""Every study of the project: it opens with its command, all its runs can be made, and it shows what it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workbench.running import ROOT
from workbench.preflight import check_distillation, check_training
from workbench.schema import DistillConfig
from workbench.study.grid import Grid, plan

STUDIES = sorted((ROOT / "experiments").glob("*.yaml"))


def planned(path: Path) -> Grid:
    return plan(path, Path("runs"), seeds=[0])


def test_studies_were_found() -> None:
    assert {path.stem for path in STUDIES} >= {"losses"}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_opens_with_its_own_command(path: Path) -> None:
    head = [line.removeprefix("#").strip() for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    commands = [line for line in head if line.startswith("python scripts/ablation.py")]
    assert commands
    assert all(f"experiments/{path.name}" in command for command in commands)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_run_of_a_study_passes_the_preflight(path: Path) -> None:
    grid = planned(path)
    assert grid.runs
    for run in grid.runs.values():
        if isinstance(run.config, DistillConfig):
            check_distillation(run.config)
        else:
            check_training(run.config)


def test_the_loss_zoo_has_every_loss_that_compares_a_student_with_its_teacher() -> None:
    import kd.losses

    grid = planned(ROOT / "experiments" / "losses.yaml")
    alone = set()
    for run in grid.runs.values():
        if isinstance(run.config, DistillConfig):
            named = {term.loss["_target_"].rpartition(".")[2] for term in run.config.distillation.losses.values()}
            alone |= named if len(named) == 1 else set()
    assert alone == {name for name in kd.losses.__all__ if getattr(kd.losses, name).needs_teacher}
