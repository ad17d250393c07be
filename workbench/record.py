"""The run folder: what was asked for, where it ran, what was measured, and which steps are finished."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from workbench.config import Section, content_hash, write_config
from workbench.disk import saying_when_full, write_text
from workbench.environment import describe_environment
from workbench.lock import lock_folder

_LEDGERS = ("steps.json", "metrics.jsonl", "environment.json", "result.json")
_STATE = ".state.safetensors"


class MetricsFile:
    """Measurements as JSON lines, one row per line, safe against a writer that is killed.

    Opening drops a last line that was cut off half-way; a damaged line anywhere else is no such accident.

    Raises:
        ValueError: when a line that is not the last is not JSON.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._drop_half_line()

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row; it is on the disk when this returns.

        Raises:
            OSError: when there is no room, in one sentence; opening the file again drops what was half written.
        """
        line = json.dumps(row, ensure_ascii=False) + "\n"
        with saying_when_full(self.path), self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[dict[str, Any]]:
        """All rows, the oldest first."""
        if not self.path.is_file():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")  # splitlines() would cut at other signs too
        return [self._parsed(line, number) for number, line in enumerate(lines[:-1], start=1)]

    def keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Drop the rows that are not ``wanted``, such as those of epochs that are about to be done again."""
        rows = self.rows()
        kept = [row for row in rows if wanted(row)]
        if len(kept) < len(rows):
            write_text(self.path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))

    def _parsed(self, line: str, number: int) -> dict[str, Any]:
        try:
            return json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{self.path} is damaged in line {number} ({error}): repair or remove the file") from error

    def _drop_half_line(self) -> None:
        if not self.path.is_file():
            return
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self.path.open("rb+") as file:
                file.truncate(len(whole))
        self.rows()


@dataclass(frozen=True)
class StepRecord:
    """A finished step of a run.

    Attributes:
        inputs: content hash of everything the step depends on.
        outputs: SHA-256 of every file it left, by path below the run folder.
        result: what it found, as plain JSON values.
        seconds: how long it took.
        finished: when, UTC.
    """

    inputs: str
    outputs: Mapping[str, str]
    result: Any
    seconds: float
    finished: str


class RunRecord:
    """The folder of one run.

    Args:
        folder: made when it is missing.
        config: the resolved configuration, written as ``config.yaml``.
        fresh: forget finished steps and measurements of an earlier run in this folder.

    Raises:
        ValueError: when another process works in the folder, or a file in it is damaged.
    """

    def __init__(self, folder: Path | str, config: Section, *, fresh: bool = False) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(self.folder)
        if fresh:
            self._forget()
        write_config(config, self.folder / "config.yaml")
        self.metrics = MetricsFile(self.folder / "metrics.jsonl")

    def close(self) -> None:
        """Let other processes work in the folder."""
        self._lock.close()

    def __enter__(self) -> RunRecord:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def state_file(self, step: str) -> Path:
        """Where the state of an unfinished training step is kept."""
        return self.folder / f"{step}{_STATE}"

    def finished(self, step: str, inputs: Any) -> StepRecord | None:
        """The record of a step that was finished with the same inputs and whose files are as it left them."""
        found = self.steps().get(step)
        if found is None or found.inputs != content_hash(inputs):
            return None
        unchanged = all(_file_hash(self.folder / path) == digest for path, digest in found.outputs.items())
        return found if unchanged else None

    def finish(
        self, step: str, inputs: Any, *, outputs: Iterable[str] = (), result: Any = None, seconds: float = 0
    ) -> StepRecord:
        """Mark a step as finished.

        Args:
            step: name of the step.
            inputs: everything that decides its outcome, as plain JSON values: settings, hashes of weights and data.
            outputs: the files it left, below the run folder.
            result: what a later run is told instead of doing the step again, as plain JSON values.
            seconds: how long it took.

        Raises:
            ValueError: when an output does not exist.
        """
        hashes = {}
        for path in outputs:
            digest = _file_hash(self.folder / path)
            if digest is None:
                raise ValueError(f"the step {step!r} should have left {self.folder / path}, which is not there")
            hashes[path] = digest
        record = StepRecord(content_hash(inputs), hashes, result, round(seconds, 3), _now())
        steps = {**self.steps(), step: record}
        content = {name: vars(entry) for name, entry in steps.items()}
        write_text(self.folder / "steps.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        return record

    def steps(self) -> dict[str, StepRecord]:
        """All finished steps by name, whatever their inputs were."""
        return read_steps(self.folder / "steps.json")

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write ``result.json``."""
        text = json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
        write_text(self.folder / "result.json", text + "\n")

    def begin(self) -> None:
        """Say that something is done now, and where: a start that finds all finished leaves no trace.

        The result of an earlier run in this folder goes, which the configuration now here did not give.
        """
        (self.folder / "result.json").unlink(missing_ok=True)
        self._write_environment()

    def _forget(self) -> None:
        for path in (*(self.folder / name for name in _LEDGERS), *self.folder.glob(f"*{_STATE}")):
            path.unlink(missing_ok=True)

    def _write_environment(self) -> None:
        path = self.folder / "environment.json"
        here = {"started": _now(), **describe_environment()}
        before = _read_json(path)
        # What an earlier start found stays on record: a run may be continued on another machine.
        earlier = [] if before is None else [*before.pop("earlier_starts", []), before]
        write_text(path, json.dumps({**here, "earlier_starts": earlier}, indent=2, ensure_ascii=False) + "\n")


def read_steps(path: Path) -> dict[str, StepRecord]:
    """The finished steps that a file records, by name; none where there is no file.

    Raises:
        ValueError: when the file is damaged.
    """
    content = _read_json(path) or {}
    return {name: StepRecord(**entry) for name, entry in content.items()}


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}): remove it, and what it recorded is done again") from error


def _file_hash(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return _sha256(file)


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
