"""What all run folders have in common, whatever their networks were for: settings, ledger, environment, result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.config import content_hash, essential
from workbench.faults import ConfigError
from workbench.record import MetricsFile, StepRecord, read_steps
from workbench.settings import load_any
from workbench.study.finished import machine_of
from workbench.study.grid import RunConfig, contents
from workbench.yaml_text import read_yaml


class RefusedRunError(ValueError):
    """A run folder that no figure may be taken from; the message is a sentence that names it."""


@dataclass(frozen=True)
class FinishedFolder:
    """The folder of a finished run.

    ``measured`` is what its steps found, ``result`` the content of ``result.json``, ``finished`` when that was, UTC.
    """

    folder: Path
    result: Mapping[str, Any]
    measured: Mapping[str, Any]
    finished: str

    config: RunConfig

    @property
    def corpus(self) -> str:
        """The name of its corpus, which says so when this is simulated or rendered."""
        return str(self.result["corpus"])

    @cached_property
    def content(self) -> str:
        """Hash of what was asked for, by which it is found."""
        return contents(self.config)

    @property
    def place(self) -> str:
        """What a message calls it."""
        return str(self.folder)

    @property
    def commit(self) -> str | None:
        """The commit of the workbench that finished it, where that is known."""
        return self.environment.get("commit")

    @property
    def uncommitted_changes(self) -> bool | None:
        """Whether the workbench differed from that commit, where that is known."""
        return self.environment.get("uncommitted_changes")

    @property
    def machine(self) -> Mapping[str, Any] | None:
        """The kind of machine that finished it, where that is known."""
        return machine_of(self.environment, self.config.run.device) if self.environment else None

    @property
    def wall_seconds(self) -> float | None:
        """From the start that finished it to its end, where that is known."""
        started = self.environment.get("started")
        if started is None:
            return None
        return (datetime.fromisoformat(self.finished) - datetime.fromisoformat(started)).total_seconds()

    def epoch_seconds(self, role: str) -> float | None:
        """Mean seconds of an epoch of training; None for a network that was not trained in this run."""
        rows = [row["seconds"] for row in MetricsFile(self.folder / "metrics.jsonl").rows() if row["network"] == role]
        return sum(rows) / len(rows) if rows else None

    @cached_property
    def environment(self) -> Mapping[str, Any]:
        """What it ran on when it was finished; empty where that is not known."""
        path = self.folder / "environment.json"
        last = read_json(path) if path.is_file() else {}
        # Earlier versions recorded starts that found nothing left to do, and so came after the end.
        starts = [last, *reversed(last.get("earlier_starts", []))]
        return next((start for start in starts if start and not self._follows(start)), {})

    def _follows(self, start: Mapping[str, Any]) -> bool:
        """Whether a start came after the end."""
        started = start.get("started")
        return started is not None and datetime.fromisoformat(started) > datetime.fromisoformat(self.finished)


def read_config(folder: Path) -> RunConfig:
    """What a run folder says was asked for.

    Raises:
        RefusedRunError: when there is no such file, or it cannot be used.
    """
    path = folder / "config.yaml"
    if not path.is_file():
        raise RefusedRunError(f"{folder} was copied by halves: it lacks config.yaml")
    try:
        return load_any(path)
    except ConfigError as error:
        raise RefusedRunError(f"{path} cannot be used: {error.faults[0]}") from error


def read_step(folder: Path, step: str) -> tuple[dict[str, Any], StepRecord] | None:
    """The result of a run, and the record of the step that it was made from; None where the run is not finished.

    Raises:
        RefusedRunError: when a file is missing or damaged.
    """
    path = folder / "result.json"
    if not path.is_file():
        return None
    result = read_json(path)
    if not (folder / "steps.json").is_file():
        raise RefusedRunError(f"{folder} was copied by halves: it lacks steps.json")
    done = read_steps(folder / "steps.json").get(step)
    return None if done is None else (result, done)  # None: begun anew, and the result is that of an earlier run


def check_outputs(folder: Path, outputs: Mapping[str, str], needed: Iterable[str], beside: Iterable[str] = ()) -> None:
    """Whether files that a table reads are there, and as the run left them; ``beside`` are files without a hash.

    Raises:
        RefusedRunError: naming them.
    """
    needed = list(needed)
    missing = [name for name in (*needed, *beside) if not (folder / name).is_file()]
    if missing:
        raise RefusedRunError(f"{folder} was copied by halves: it lacks {', '.join(missing)}")
    for name in needed:
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != outputs[name]:
            raise RefusedRunError(f"{folder / name} is not as the run left it: remove the folder, or copy it again")


def check_settings(folder: Path, config: RunConfig, result: Mapping[str, Any]) -> None:
    """Whether a result was made by the configuration beside it.

    Raises:
        RefusedRunError: when it was not.
    """
    if result.get("config_hash") != _recorded_hash(folder / "config.yaml", config):
        raise RefusedRunError(
            f"{folder / 'result.json'} was not made by the config.yaml beside it: one of them was changed"
        )


def must_be(path: Path, key: str, found: Any, expected: Any) -> None:
    """Whether a result says what follows from the files beside it.

    Raises:
        RefusedRunError: when it does not.
    """
    if found != expected:
        raise RefusedRunError(
            f"{path} was edited: it says {key} is {json.dumps(found)}, and by the files beside it that is "
            f"{json.dumps(expected)}"
        )


def read_json(path: Path) -> dict[str, Any]:
    """A mapping from a file.

    Raises:
        RefusedRunError: when it is damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RefusedRunError(f"{path} is damaged ({error}): copy it again, or start the run again") from error
    if not isinstance(found, dict):
        raise RefusedRunError(f"{path} is damaged: it should hold a mapping")
    return found


def _recorded_hash(path: Path, config: RunConfig) -> str:
    """The hash of a configuration as it was when the file was written.

    Settings that the workbench has learned since then are in ``config`` with their defaults; they were not in the hash.
    """
    root = read_yaml(path, [])
    assert root is not None, "it was read before"
    return content_hash(_common(essential(config), root.plain()))


def _common(now: Any, then: Any) -> Any:
    """``now`` without what ``then`` does not have."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {key: _common(value, then[key]) for key, value in now.items() if key in then}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [_common(mine, theirs) for mine, theirs in zip(now, then, strict=True)]
    return now
