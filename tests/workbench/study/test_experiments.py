"""Every study of the project: it opens with its command, all its runs can be made, and it shows what it should."""

from __future__ import annotations

from pathlib import Path

import pytest

import kd.losses
from tests.losses import ROWS
from tests.workbench.running import ROOT
from workbench.preflight import check_distillation, check_training
from workbench.schema import DistillConfig
from workbench.study.grid import Grid, plan

STUDIES = sorted((ROOT / "experiments").glob("*.yaml"))
ISOLATED = sorted((ROOT / "experiments" / "isolated").glob("*.yaml"))


def planned(path: Path) -> Grid:
    return plan(path, Path("runs"), seeds=[0])


def test_studies_were_found() -> None:
    tables = {f"table{number}" for number in range(1, 7)}
    assert {path.stem for path in STUDIES} >= {*tables, "losses", "controls", "noise", "pairs", "quick"}


@pytest.mark.parametrize("path", [*STUDIES, *ISOLATED], ids=lambda path: path.stem)
def test_a_study_opens_with_its_own_command(path: Path) -> None:
    head = [line.removeprefix("#").strip() for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    commands = [line for line in head if line.startswith("python scripts/ablation.py")]
    assert commands
    own = path.relative_to(ROOT).as_posix()
    assert all(command.split()[2] == own for command in commands)


@pytest.mark.slow
@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_run_of_a_study_passes_the_preflight(path: Path) -> None:
    grid = planned(path)
    assert grid.runs
    for run in grid.runs.values():
        if isinstance(run.config, DistillConfig):
            check_distillation(run.config)
        else:
            check_training(run.config)


def paper(table: int, row: str) -> dict[str, float]:
    return dict(planned(ROOT / "experiments" / f"table{table}.yaml").row(row).paper)


def test_the_terms_of_table_2_are_switched_as_the_paper_does() -> None:
    terms = {"alpha": ("kd", "kd_conv"), "beta": ("crd", "crd_frame"), "gamma": ("trkd",)}
    switched = {}
    for run in planned(ROOT / "experiments" / "table2.yaml").runs.values():
        assert isinstance(run.config, DistillConfig)
        losses = run.config.distillation.losses
        assert set(losses) == {name for names in terms.values() for name in names}
        on = {term: {losses[name].weight > 0 for name in names} for term, names in terms.items()}
        assert all(len(states) == 1 for states in on.values())
        switched[run.cell.row] = tuple(int(states.pop()) for states in on.values())
    assert switched == {"kd": (1, 0, 0), "crd": (0, 1, 0), "tr": (0, 0, 1), "crd_tr": (0, 1, 1), "full": (1, 1, 1)}


def test_table_2_on_phoenix_2014_has_the_same_rows_with_networks_for_it() -> None:
    here, there = (planned(ROOT / "experiments" / f"{name}.yaml") for name in ("phoenix2014", "table2"))
    assert {cell.row for cell in here.runs} == {cell.row for cell in there.runs}
    for run in here.runs.values():
        assert isinstance(run.config, DistillConfig)
        assert run.config.data.corpus["_target_"] == "slr.data.Phoenix2014"
        assert run.config.student.network["width"] == 512
        assert run.config.distillation == there.runs[run.cell].config.distillation  # type: ignore[union-attr]


def test_the_adjacencies_of_table_1_are_on_top_of_contrast_alone() -> None:
    found = {}
    for run in planned(ROOT / "experiments" / "table1.yaml").runs.values():
        assert isinstance(run.config, DistillConfig)
        losses = run.config.distillation.losses
        assert (losses["kd"].weight, losses["kd_conv"].weight) == (0, 0)
        assert losses["crd"].weight > 0
        found[run.cell.row] = losses["trkd"].loss["adjacency"] if losses["trkd"].weight else None
    assert found == {"crd": None, "features": "P", "distances": "L", "both": "P+L"}


@pytest.mark.parametrize(
    ("table", "teacher", "student"),
    [(3, "STSGNet", "STGT"), (4, "CNN2DCNN1D", "STGT"), (5, "STSGNet", "STGCN"), (6, "CNN2DCNN1D", "STGCN")],
)
def test_a_table_of_methods_has_its_teacher_and_student(table: int, teacher: str, student: str) -> None:
    grid = planned(ROOT / "experiments" / f"table{table}.yaml")
    configs = [run.config for run in grid.runs.values() if isinstance(run.config, DistillConfig)]
    assert len(configs) == 4
    for config in configs:
        assert config.teacher.network is not None
        assert config.teacher.network["_target_"] == f"teachers.{teacher}"
        assert config.student.network["_target_"] == f"students.{student}"


def test_the_same_runs_of_two_tables_are_the_same_runs() -> None:
    """What is done for one is not done again for the other."""
    tables = [planned(ROOT / "experiments" / f"table{number}.yaml").runs for number in (1, 2, 3)]
    runs = [{cell.row: run.content for cell, run in table.items()} for table in tables]
    assert runs[0]["crd"] == runs[1]["crd"] == runs[2]["crd"]
    assert runs[0]["both"] == runs[1]["crd_tr"]
    assert runs[1]["kd"] == runs[2]["kd"]
    assert runs[1]["full"] == runs[2]["trkd"]


def test_published_rows_that_stand_in_two_tables_agree_but_for_the_cell_that_is_flagged() -> None:
    for ours, theirs in (("none", "none"), ("kd", "kd"), ("full", "trkd"), ("teacher", "teacher")):
        assert paper(2, ours) == paper(3, theirs)
    two, three = paper(2, "crd"), paper(3, "crd")
    assert {key for key in two if two[key] != three[key]} == {"pla"}
    for table in (2, 3):
        assert "pla" in planned(ROOT / "experiments" / f"table{table}.yaml").row("crd").flags
    assert paper(1, "crd") == two
    assert paper(1, "both") == paper(2, "crd_tr")


@pytest.mark.parametrize(
    ("table", "dev", "test"), [(3, 56, 54), (4, 68, 67), (5, 37, 38), (6, 44, 45)]
)  # computed by hand from the printed tables
def test_the_published_gaps_come_out(table: int, dev: int, test: int) -> None:
    none, trkd, teacher = (paper(table, row) for row in ("none", "trkd", "teacher"))
    for key, share in (("dev_wer", dev), ("test_wer", test)):
        assert round(100 * (none[key] - trkd[key]) / (none[key] - teacher[key])) == share


def test_published_cells_that_are_uncertain_are_flagged() -> None:
    flagged = {(path.stem, row.name, key) for path in STUDIES for row in planned(path).study.rows for key in row.flags}
    assert {("table5", "augment_rgb", "test_wer"), ("table5", "trkd", "pla"), ("table4", "crd", "dev_wer")} <= flagged
    assert len(flagged) >= 12


def test_the_loss_zoo_has_every_loss_that_compares_a_student_with_its_teacher_on_sentences() -> None:
    grid = planned(ROOT / "experiments" / "losses.yaml")
    alone = set()
    for run in grid.runs.values():
        if isinstance(run.config, DistillConfig):
            named = {term.loss["_target_"].rpartition(".")[2] for term in run.config.distillation.losses.values()}
            alone |= named if len(named) == 1 else set()
    of_sentences = {name for name, cases in ROWS.items() if not all(case.of_a_class for case in cases)}
    assert alone == {name for name in of_sentences if getattr(kd.losses, name).needs_teacher}
