"""The studies of isolated clips: runs that can be made, commands that plan them, published figures as published."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from slr.data.isolated import WLASL50, write_store
from slr.scoring import PRESETS
from tests.slr.data.isolated.test_wlasl50 import written
from tests.workbench.isolated.stores import SPECS, store_like
from tests.workbench.running import ROOT
from workbench.isolated.distill_preflight import check_isolated_distillation
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.preflight import check_isolated
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.progress import NoProgress
from workbench.study.grid import Grid, PlannedRun, plan

FOLDER = ROOT / "experiments" / "isolated"
STUDIES = sorted(FOLDER.glob("*.yaml"))
FOLDS = tuple(f"fold-{number}" for number in range(5))


def planned(name: str, words: tuple[str, ...] = ()) -> Grid:
    return plan(FOLDER / f"{name}.yaml", Path("runs"), words=words)


def first_runs(grid: Grid) -> list[PlannedRun]:
    """A run of every row: its others differ in seed and fold."""
    return list({run.cell.row: run for run in reversed(grid.runs.values())}.values())


def check(run: PlannedRun, folder: Path) -> None:
    corpus = Path(run.config.data.root).name.replace("-", "_")
    root = folder / f"{run.cell.row}-{run.cell.split}"
    root.mkdir()
    if run.config.data.frames is None:
        places: dict[str, object] = {"root": str(store_like(SPECS[corpus], root, run.config.data))}
    else:
        source = written(root / "made_up.npz", clips=10)
        places = {"root": str(write_store(root / "store", WLASL50(source)))}
        places["frames"] = {**run.config.data.frames, "source": str(source)}
    data = run.config.data.model_copy(update=places)
    config = run.config.model_copy(update={"data": data})
    place = IsolatedPlace.open(config.run, config.data, config.evaluate, NoProgress())
    if isinstance(config, IsolatedDistillConfig):
        check_isolated_distillation(config, place)
    else:
        assert isinstance(config, IsolatedTrainConfig)
        check_isolated(config, place)


def test_studies_were_found() -> None:
    named = {"nw_ucla", "wlasl50", "ctr_gcn", "dg_stgcn", "dke_gcn", "dsta_slr", "landmark_transformer"}
    assert {path.stem for path in STUDIES} >= named


@pytest.mark.slow
@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_run_of_every_row_passes_the_preflight(path: Path, tmp_path: Path) -> None:
    runs = first_runs(planned(path.stem))
    assert runs
    for run in runs:
        check(run, tmp_path)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_command_of_a_study_plans_its_runs(path: Path) -> None:
    lines = [
        line.removeprefix("#").strip() for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"
    ]
    for line in (line for line in lines if line.startswith("python scripts/ablation.py")):
        _, _, study, *words = shlex.split(line)
        splits = words[words.index("--splits") + 1].split(",") if "--splits" in words else None
        keys = [word for word in words if "=" in word]
        assert plan(ROOT / study, Path("runs"), splits=splits, words=keys).runs, line


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_figures_of_wlasl_50_are_means_over_its_five_folds(path: Path) -> None:
    grid = planned(path.stem)
    corpora = {Path(run.config.data.root).name for run in grid.runs.values()}
    assert len(corpora) == 1
    if corpora == {"wlasl50"}:
        assert grid.study.splits == FOLDS


@pytest.mark.parametrize("name", ["ctr_gcn", "dg_stgcn", "dsta_slr"])
def test_four_streams_are_run_and_fused_in_the_order_of_published_weights(name: str) -> None:
    grid = planned(name)
    streams = {run.cell.row: run.config.data.stream for run in grid.runs.values()}
    assert list(streams.values()) == ["joint", "bone", "joint-motion", "bone-motion"]
    fused = {row.name: row.fuse for row in grid.study.rows if row.fuse is not None}
    assert any(len(fusion.rows) == 4 for fusion in fused.values())
    assert any(len(fusion.rows) == 2 for fusion in fused.values())
    for fusion in fused.values():
        assert list(fusion.rows) == list(streams)[: len(fusion.rows)]
        if fusion.preset is not None:
            quantity = PRESETS[fusion.preset].quantity
            assert {run.config.evaluate.average for run in grid.runs.values()} == {quantity}
        if fusion.search:
            assert all(run.config.data.corpus["held_out"] > 0 for run in grid.runs.values())


def test_the_chain_shows_every_link_on_both_streams() -> None:
    grid = planned("dke_gcn")
    shown = {(grid.source[row.name], grid.network(row.name)) for row in grid.study.rows}
    links = ("teacher", "assistant-first", "assistant-again", "baseline", "student")
    assert shown == {(stream, link) for stream in ("light_js", "light_bs") for link in links}
    for run in grid.runs.values():
        config = run.config
        assert isinstance(config, IsolatedDistillConfig)
        assert config.teacher.network is not None
        chain = [config.teacher.network, *(one.network for one in config.assistants), config.student.network]
        names = [node["_target_"] for node in chain]
        assert names == ["students.CTRGCN", "students.DKEGCN", "students.DKEGCN", "students.LightDKEGCN"]


def test_students_alone_and_distilled_are_trained_on_the_same_clips_by_the_same_stages() -> None:
    for name in ("nw_ucla", "wlasl50_distillation"):
        grid = planned(name)
        assert grid.study.reference == "alone"
        assert grid.network("alone") == "baseline"
        assert grid.network("distilled") == "student"
        assert grid.source["alone"] == grid.source["distilled"] == grid.source["teacher"]
    assert planned("nw_ucla").study.seeds == (0, 1, 2)


def published(name: str) -> dict[str, float]:
    return {row.name: row.paper["top1"] for row in planned(name).study.rows if "top1" in row.paper}


def test_published_figures_are_those_of_their_sources() -> None:
    names = ("joint", "bone", "joint_motion", "bone_motion", "two", "four")
    assert published("dg_stgcn") == dict(zip(names, (91.2, 91.6, 88.5, 88.1, 92.9, 93.2), strict=True))
    found = published("dke_gcn")
    assert {found[name] for name in ("dke_js", "dke_bs")} == {91.78, 92.02}
    assert {found[name] for name in ("light_js", "light_bs")} == {90.96, 91.67}
    assert published("ctr_gcn") == {"four": 96.5}
    assert published("dsta_slr")["published"] == 53.68


def test_uncertain_figures_are_flagged() -> None:
    flagged = {(path.stem, row.name) for path in STUDIES for row in planned(path.stem).study.rows if row.flags}
    assert flagged >= {("ctr_gcn", "four"), ("dke_gcn", "dke_js"), ("dke_gcn", "teacher_js"), ("dsta_slr", "published")}
    assert flagged >= {("dsta_slr", "signbert"), ("nw_ucla", "four"), ("landmark_transformer", "rgb")}
