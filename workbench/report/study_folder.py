"""The folder of a study: its table, and the runs that it is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.report.run_folder import RunFolder
from workbench.study.table import TABLE

_KEYS = {"study", "title", "rows", "sheet", "corpora", "protocols", "decoders", "commits"}


@dataclass(frozen=True)
class StudyRun:
    """A run of a row: the seed of the training, that of the corpus where there is one, and the folder.

    ``folder`` is None where only a record of the run is at hand.
    """

    seed: int
    corpus_seed: int | None
    folder: Path | None
    dev_wer: float | None
    test_wer: float | None


@dataclass(frozen=True)
class StudyRow:
    """A row of the table; ``network`` is the one of its runs that it shows, None for published figures alone."""

    name: str
    label: str
    network: str | None
    runs: Sequence[StudyRun]
    found: Mapping[str, Any]

    @property
    def test_wer(self) -> float | None:
        """Mean over its runs, None without one that was measured on test."""
        figure = self.found["figures"].get("test_wer")
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
        return cls(path, table, [_row(path, row) for row in table["rows"]])

    @property
    def known_from_records(self) -> list[str]:
        """The labels of rows that have runs and no run folder among them."""
        return [row.label for row in self.rows if row.runs and all(run.folder is None for run in row.runs)]

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


def _row(study: Path, row: Mapping[str, Any]) -> StudyRow:
    runs = [
        StudyRun(run["seed"], run["corpus_seed"], _placed(study, run["folder"]), run["dev_wer"], run["test_wer"])
        for run in row["runs"]
    ]
    return StudyRow(row["name"], row["label"], row["network"], runs, row)


def _placed(study: Path, folder: str | None) -> Path | None:
    """A run folder where the table says, or inside that of the study when all of it was moved."""
    if folder is None:
        return None
    beside = study / Path(folder).name
    return beside if beside.is_dir() else Path(folder)
