"""Run folders made up: as a run leaves them, with hypotheses of our choice and nothing trained."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from slr.files import write_text
from slr.scoring import Transcript, read_transcripts, score, write_ctm, write_stm
from tests.workbench.running import MAIN_CONFIG
from workbench.config import config_hash, write_config
from workbench.measure import SPLITS, hypotheses_file, references_file
from workbench.schema import DistillConfig
from workbench.study.grid import Cell, Grid, PlannedRun, plan
from workbench.yaml_text import dump_yaml

CORPUS = "simulated corpus (tiny, seed 0), keypoints very-high"
GLOSSES = ("RAIN", "SUN", "WIND", "NORTH", "SOUTH")
Sentences = Mapping[str, Sequence[str]]

# Three rows: what the student alone reads, and two losses apart.
STUDY: dict[str, Any] = {
    "title": "Two losses",
    "config": str(MAIN_CONFIG),
    "set": {"data.corpus.profile": "tiny"},
    "seeds": [0, 1, 2],
    "reference": "alone",
    "columns": ["dev_wer", "test_wer", "test_ci95", "difference", "p", "gap_closed"],
    "rows": [
        {"name": "alone", "label": "no distillation", "runs_of": "kd", "network": "baseline"},
        {"name": "kd", "label": "KD", "set": {"distillation.losses.crd.weight": 0}},
        {"name": "crd", "label": "CRD", "set": {"distillation.losses.kd.weight": 0}},
    ],
}


def write_study(folder: Path, study: Mapping[str, Any] | None = None, name: str = "losses") -> Path:
    """A study file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(dump_yaml(dict(study or STUDY)), encoding="utf-8")
    return path


def planned(folder: Path, study: Mapping[str, Any] | None = None, **options: Any) -> Grid:
    """The grid of a study file below a folder, its runs below ``runs``."""
    return plan(write_study(folder, study), folder / "runs", **options)


def sentences(clips: int = 30, seed: int = 0) -> dict[str, list[str]]:
    """What is signed."""
    chosen = random.Random(seed)
    return {f"clip-{number:03d}": chosen.choices(GLOSSES, k=chosen.randint(3, 6)) for number in range(clips)}


def misread(wanted: Sentences, rate: float, seed: int | str) -> dict[str, list[str]]:
    """What a network reads that takes a share of the glosses for others."""
    chosen = random.Random(seed)
    return {
        clip: ["OTHER" if chosen.random() < rate else gloss for gloss in glosses] for clip, glosses in wanted.items()
    }


def make_run(
    run: PlannedRun,
    rates: Mapping[str, float],
    *,
    folder: Path | None = None,
    wanted: Mapping[str, Sentences] | None = None,
    corpus: str = CORPUS,
    seconds: float = 60.0,
) -> Path:
    """The folder of a finished run.

    Args:
        run: what was asked for.
        rates: word error rate of every network, about.
        folder: where, its own place when left out.
        wanted: references by split.
        corpus: its name.
        seconds: that every network took.
    """
    folder = folder or Path(run.config.run.out) / run.name
    folder.mkdir(parents=True)
    wanted = wanted or {split: sentences(seed=number) for number, split in enumerate(SPLITS)}
    write_config(run.config, folder / "config.yaml")
    main = "student" if isinstance(run.config, DistillConfig) else "network"
    for split in SPLITS:
        write_stm(
            folder / references_file(split), {clip: Transcript(tuple(found)) for clip, found in wanted[split].items()}
        )
        for role, rate in rates.items():
            read = misread(wanted[split], rate, seed=f"{run.cell} {role} {split}")
            write_ctm(
                folder / hypotheses_file(role, split, main), {clip: _timed(found) for clip, found in read.items()}
            )
    write_record(folder, run, list(rates), main, corpus, seconds)
    return folder


def write_record(folder: Path, run: PlannedRun, roles: Sequence[str], main: str, corpus: str, seconds: float) -> None:
    """What was measured, and the result, from the files that are there; the run took five seconds beside training."""
    started = (datetime(2026, 1, 1, tzinfo=timezone.utc) - timedelta(seconds=seconds + 5)).isoformat()
    counts = {role: {split: _counts(folder, role, split, main, run) for split in SPLITS} for role in roles}
    shares = {"all": 0.5, "non_blank": 0.4, "dense": 0.6}
    measured: dict[str, Any] = {
        "corpus": corpus,
        "decoder": "beam-10",
        "names": dict.fromkeys(roles, "STGT"),
        "params": dict.fromkeys(roles, 1000),
        "macs": dict.fromkeys(roles, 2000),
        "seconds": dict.fromkeys(roles, seconds),
        "pseudo_label_accuracy": {**shares, "labels": "0123", "clips_left_out": 0},
    }
    if main == "student":
        of_networks = {role: shares for role in roles if role != "teacher"}
        measured["pseudo_label_accuracy"] = {**of_networks, "labels": "0123", "clips_left_out": 0}
        measured["seconds"] |= {"cache": 1.0}
        measured["splits"] = {role: list(SPLITS) for role in roles}
    files = [hypotheses_file(role, split, main) for role in roles for split in SPLITS]
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    step = {"inputs": "", "outputs": hashes, "result": measured, "seconds": 0, "finished": "2026-01-01T00:00:00+00:00"}
    step_name = "networks" if main == "student" else "network"
    write_text(folder / "steps.json", json.dumps({step_name: step}))
    rows = [{"network": role, "epoch": epoch, "seconds": 2.0 + epoch} for role in roles for epoch in (1, 2)]
    write_text(folder / "metrics.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    write_text(folder / "environment.json", json.dumps({"commit": "0123456789abcdef", "started": started}))
    entries = {role: {"name": "STGT", **counts[role], "params": 1000, "macs": 2000} for role in roles}
    result = {
        "name": run.name,
        "config_hash": config_hash(run.config),
        "seed": run.cell.seed,
        "corpus": corpus,
        "protocol": run.config.data.protocol,
        "decoder": "beam-10",
        **entries,
        "seconds": measured["seconds"],
        "pseudo_label_accuracy": {**shares, "labels": "0123", "clips_left_out": 0},
    }
    if main == "student":
        result["pseudo_label_accuracy"]["baseline"] = shares
    write_text(folder / "result.json", json.dumps(result))


def make_all(grid: Grid, rates: Callable[[Cell], Mapping[str, float]], **options: Any) -> None:
    """The folders of all runs of a grid."""
    for cell, run in grid.runs.items():
        make_run(run, rates(cell), **options)


def usual(cell: Cell) -> dict[str, float]:
    """A teacher that is good, a student that is better for it, by KD more than by CRD."""
    return {"teacher": 0.05, "baseline": 0.5, "student": 0.2 if cell.row == "kd" else 0.35}


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file by hand."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _timed(glosses: Sequence[str]) -> Transcript:
    return Transcript(tuple(glosses), times=tuple((float(at), at + 0.5) for at in range(len(glosses))))


def _counts(folder: Path, role: str, split: str, main: str, run: PlannedRun) -> dict[str, Any]:
    names = (references_file(split), hypotheses_file(role, split, main))
    sides = [{clip: one.glosses for clip, one in read_transcripts(folder / name).items()} for name in names]
    return score(*sides, run.config.data.protocol).counts.as_dict()
