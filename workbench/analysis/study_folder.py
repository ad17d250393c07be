"""The folder of a study: its table, and the runs that it is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.analysis.run_folder import RunFolder
from workbench.study.table import TABLE

FUSION, RECORD = "fused from the runs of other rows", "known from a record alone"
_KEYS = {"study", "title", "rows", "sheet", "corpora", "protocols", "decoders", "commits"}


@dataclass(frozen=True)
class Measure:
    """What a study counts: what it is called, where the table has its figures, and what training calls it."""

    name: str
    dev: str
    test: str
    trained_for: str


# By what the networks of a study are for.
MEASURES = {
    "glosses": Measure("WER", "dev_wer", "test_wer", "WER"),
    "class": Measure("top-1", "dev_top1", "top1", "top-1"),
}


@dataclass(frozen=True)
class StudyRun:
    """A run of a row: the seed of the training, seed or split of the corpus where there are several, and the folder.

    ``dev`` and ``test`` are what the study counts, as shares. ``folder`` is None where only a record of the run is at
    hand, and for a fusion of runs.
    """

    seed: int
    corpus_seed: int | None
    split: str | None
    folder: Path | None
    origin: str
    dev: float | None
    test: float | None


@dataclass(frozen=True)
class StudyRow:
    """A row of the table; ``network`` is the one of its runs that it shows, None for published figures alone."""

    name: str
    label: str
    network: str | None
    runs: Sequence[StudyRun]
    found: Mapping[str, Any]
    measure: Measure

    @property
    def test(self) -> float | None:
        """Mean over its runs, None without one that was measured on test."""
        figure = self.found["figures"].get(self.measure.test)
        return None if figure is None else float(figure["mean"])

    @property
    def is_reference(self) -> bool:
        """Whether the others are compared with it."""
        return bool(self.found["is_reference"])


@dataclass(frozen=True)
class StudyFolder:
    """A study as ``table.json`` tells it."""

    path: Path
    table: Mapping[str, Any]
    rows: Sequence[StudyRow]

    @property
    def task(self) -> str:
        """What its networks are for: ``glosses`` or a ``class``."""
        return str(self.table.get("task", "glosses"))

    @property
    def measure(self) -> Measure:
        """What it counts."""
        return MEASURES[self.task]

    @classmethod
    def holds(cls, path: Path) -> bool:
        """Whether a folder is that of a study."""
        return (path / f"{TABLE}.json").is_file()

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """Read a folder.

        Raises:
            ValueError: when the table in it is damaged or of another version.
        """
        file = path / f"{TABLE}.json"
        again = "write it again with scripts/ablation.py STUDY --table-only"
        try:
            table = json.loads(file.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"{file} is damaged ({error}): {again}") from error
        if not isinstance(table, dict) or not table.keys() >= _KEYS:
            raise ValueError(f"{file} is no table of this version: {again}")
        measure = MEASURES[table.get("task", "glosses")]
        return cls(path, table, [_row(path, row, measure) for row in table["rows"]])

    @property
    def known_from_records(self) -> list[str]:
        """The labels of rows that have runs and no run folder among them."""
        return [row.label for row in self.rows if row.runs and all(run.origin == RECORD for run in row.runs)]

    def open_runs(self, words: Sequence[str]) -> dict[str, RunFolder]:
        """One finished run of every row that has a run folder, by the name of the row: the first that the table names.

        Rows that show networks of the same runs share one. ``words`` change settings of the runs.

        Raises:
            ValueError: when a run folder is missing, or its files do not agree with each other.
        """
        opened: dict[Path, RunFolder] = {}
        found = {}
        for row in self.rows:
            folder = next((run.folder for run in row.runs if run.folder is not None), None)
            if folder is not None:
                opened[folder] = opened[folder] if folder in opened else RunFolder.open(folder, words)
                found[row.name] = opened[folder]
        return found


def _row(study: Path, row: Mapping[str, Any], measure: Measure) -> StudyRow:
    runs = [_run(study, run, measure) for run in row["runs"]]
    return StudyRow(row["name"], row["label"], row["network"], runs, row, measure)


def _run(study: Path, run: Mapping[str, Any], measure: Measure) -> StudyRun:
    folder = _placed(study, run["folder"])
    origin = FUSION if run.get("fused") else RECORD if folder is None else str(folder)
    rates = run[measure.dev], run[measure.test]
    return StudyRun(run["seed"], run["corpus_seed"], run.get("split"), folder, origin, *rates)


def _placed(study: Path, folder: str | None) -> Path | None:
    """A run folder where the table says, or inside that of the study when all of it was moved."""
    if folder is None:
        return None
    beside = study / Path(folder).name
    return beside if beside.is_dir() else Path(folder)
