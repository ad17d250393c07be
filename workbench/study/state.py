"""What has to be remembered of a study beside its run folders: why runs failed, and which jobs a cluster has."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workbench.disk import write_text


@dataclass
class StudyState:
    """Kept in the folder of the study, by name of the run; written at every change.

    Attributes:
        path: of the file.
        failures: the reason, of runs that failed when they were started last.
        tickets: what finds jobs of a cluster again.
        fresh: whether the study was begun anew, so that its networks lie in a store of its own.
    """

    path: Path
    failures: dict[str, str] = field(default_factory=dict)
    tickets: dict[str, str] = field(default_factory=dict)
    fresh: bool = False

    @classmethod
    def open(cls, folder: Path) -> StudyState:
        """The state of a study; a new one where there is none.

        Raises:
            ValueError: when the file is damaged.
        """
        path = folder / "state.json"
        if not path.is_file():
            return cls(path)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, dict(found["failures"]), dict(found["tickets"]), bool(found.get("fresh")))
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is damaged: remove it, and nothing is forgotten but why runs failed") from error

    @property
    def store(self) -> Path:
        """Where networks lie when the study was begun anew."""
        return self.path.parent / "fresh"

    def begin_anew(self, names: Iterable[str]) -> None:
        """Forget what the runs of these ``names`` found, and all networks that were trained since the last time."""
        for name in names:
            for ledger in ("result.json", "steps.json"):
                (self.path.parent / name / ledger).unlink(missing_ok=True)
        if self.store.is_dir():
            shutil.rmtree(self.store)
        self.failures, self.tickets, self.fresh = {}, {}, True
        self._write()

    def started(self, name: str, ticket: str | None) -> None:
        """A run was started."""
        self.failures.pop(name, None)
        self.tickets.pop(name, None)
        if ticket is not None:
            self.tickets[name] = ticket
        self._write()

    def ended(self, name: str, failure: str | None = None) -> None:
        """A run ended, well or with a reason."""
        self.tickets.pop(name, None)
        self.failures.pop(name, None)
        if failure is not None:
            self.failures[name] = failure
        self._write()

    def _write(self) -> None:
        content = {key: value for key, value in asdict(self).items() if key != "path"}
        write_text(self.path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
