"""Folders of runs on isolated clips made up: scores of our choice, and nothing trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slr.files import write_text
from tests.workbench.running import ROOT
from tests.workbench.study.made import write_study
from workbench.config import config_hash, write_config
from workbench.isolated.measure import scored, scores_name
from workbench.isolated.result import SPLITS
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.isolated.scores import ClipScores
from workbench.isolated.single import MAIN
from workbench.study.grid import Cell, Grid, PlannedRun, plan

CORPUS = "NW-UCLA, made up"
CLASSES = tuple(f"action {number}" for number in range(5))
CLIPS = {"dev": 20, "test": 60}

# A network, its bones, another network; what is fused of them.
STUDY: dict[str, Any] = {
    "title": "Two networks",
    "config": str(ROOT / "configs" / "isolated" / "nw_ucla_light_dke_gcn.yaml"),
    "seeds": [0, 1, 2],
    "reference": "joint",
    "columns": ["dev_top1", "top1", "top1_ci95", "top5", "top1_per_class", "top5_per_class", "difference", "p"],
    "rows": [
        {"name": "joint", "label": "joint"},
        {"name": "bone", "label": "bone", "set": {"data.stream": "bone"}},
        {"name": "wide", "label": "wider", "set": {"network.dropout": 0.5}},
        {"name": "two", "label": "joint and bone", "fuse": {"rows": ["joint", "bone"]}},
    ],
}


def planned(folder: Path, study: Mapping[str, Any] | None = None, **options: Any) -> Grid:
    """The grid of a study file below a folder, its runs below ``runs``."""
    return plan(write_study(folder, study or STUDY, "classes"), folder / "runs", **options)


def labels_of(split: str, fold: str | None = None) -> np.ndarray:
    """Classes of the clips of a part, not all as often."""
    chances = np.random.default_rng([CLIPS[split], len(fold or ""), ord((fold or "0")[-1])])
    return np.sort(chances.integers(0, len(CLASSES), CLIPS[split]) // chances.integers(1, 3, CLIPS[split]))


def scores_of(
    split: str, rate: float, seed: int | str, about: Mapping[str, Any], fold: str | None = None
) -> ClipScores:
    """Scores that find about a share ``rate`` of the clips."""
    labels = labels_of(split, fold)
    chances = np.random.default_rng(list(f"{seed} {split} {fold}".encode()))
    scores = chances.normal(0, 1, (len(labels), len(CLASSES)))
    found = chances.random(len(labels)) < rate
    scores[np.arange(len(labels)), labels] += np.where(found, 4.0, -1.0)
    ids = tuple(f"{fold or 'clip'}-{split}-{number}" for number in range(len(labels)))
    return ClipScores(ids, scores.astype(np.float32), labels, CLASSES, "logits", {**about, "split": split})


def make_class_run(
    run: PlannedRun, rate: float, *, folder: Path | None = None, corpus: str = CORPUS, splits: tuple[str, ...] = SPLITS
) -> Path:
    """The folder of a finished run whose network finds about a share ``rate`` of the clips."""
    config = run.config
    assert isinstance(config, IsolatedTrainConfig)
    folder = folder or Path(config.run.out) / run.name
    folder.mkdir(parents=True)
    write_config(config, folder / "config.yaml")
    about = {
        "corpus": corpus,
        "stream": config.data.stream,
        "network": "LightDKEGCN",
        "weights_sha256": run.name,
        "views": 1,
    }
    found = {split: scores_of(split, rate, str(run.cell), about, run.cell.split) for split in splits}
    for split, scores in found.items():
        scores.write(folder / scores_name(MAIN, split, MAIN))
    names = sorted(path.name for path in folder.glob("scores.*"))
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    train = {"top1": 0.9}
    measured = {
        "names": {MAIN: "LightDKEGCN"}, "params": {MAIN: 1000}, "macs": {MAIN: 2000}, "clip_shape": [52, 1, 20, 3],
        "splits": {MAIN: list(splits)}, "train": {MAIN: train}, "best_epoch": {MAIN: 3}, "stages": {MAIN: []},
        "seconds": {MAIN: 60.0},
    }  # fmt: skip
    step = {"inputs": "", "outputs": hashes, "result": measured, "seconds": 0, "finished": "2026-01-01T00:00:00+00:00"}
    write_text(folder / "steps.json", json.dumps({MAIN: step}))
    rows = [{"network": MAIN, "epoch": epoch, "seconds": 2.0 + epoch, "dev": {"top-1": 0.5}} for epoch in (1, 2)]
    write_text(folder / "metrics.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    environment = {"commit": "0123456789abcdef", "started": "2025-12-31T23:58:55+00:00"}
    write_text(folder / "environment.json", json.dumps(environment))
    result = {
        "name": run.name,
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "task": "class",
        "corpus": corpus,
        "stream": config.data.stream,
        "views": config.evaluate.views,
        "average": config.evaluate.average,
        "network": scored(folder, MAIN, MAIN, measured).as_dict(),
        "seconds": {MAIN: 60.0},
    }
    write_text(folder / "result.json", json.dumps(result))
    return folder


def rate_of(cell: Cell) -> float:
    """Bones are a little worse than joints, the wider network is better than both."""
    return {"joint": 0.6, "bone": 0.55, "wide": 0.85}[cell.row]


def make_all(grid: Grid, **options: Any) -> None:
    """The folders of all runs of a grid."""
    for cell, run in grid.runs.items():
        make_class_run(run, rate_of(cell), **options)
