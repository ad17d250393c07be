"""What has to be remembered of a study beside its run folders: why runs failed, and which jobs a cluster has."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workbench.disk import write_text
from workbench.lock import alone_with


@dataclass
class StudyState:
    """Kept in the folder of the study, by name of the run; written at every change.

    Several processes may work on a study: a change is made to what the file says by then.

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
        state = cls(folder / "state.json")
        state._read()
        return state

    @property
    def store(self) -> Path:
        """Where networks lie when the study was begun anew."""
        return self.path.parent / "fresh"

    def begin_anew(self, names: Iterable[str]) -> None:
        """Forget what the runs of these ``names`` found, and all networks that were trained since the last time."""
        with self._changed():
            for name in names:
                for ledger in ("result.json", "steps.json"):
                    (self.path.parent / name / ledger).unlink(missing_ok=True)
            if self.store.is_dir():
                shutil.rmtree(self.store)
            self.failures, self.tickets, self.fresh = {}, {}, True

    def start(self, name: str, start: Callable[[str | None], str | None]) -> None:
        """Start a run, while no other process starts one.

        Args:
            name: of the run.
            start: given the ticket of the job that has it already, if one has; gives that of the job that has it now.
        """
        with self._changed():
            ticket = start(self.tickets.get(name))
            self._forget(name)
            if ticket is not None:
                self.tickets[name] = ticket

    def ended(self, name: str, failure: str | None = None) -> None:
        """A run ended, well or with a reason."""
        with self._changed():
            self._forget(name)
            if failure is not None:
                self.failures[name] = failure

    def _forget(self, name: str) -> None:
        self.tickets.pop(name, None)
        self.failures.pop(name, None)

    @contextlib.contextmanager
    def _changed(self) -> Iterator[None]:
        """Read what others wrote meanwhile, and write what the block leaves."""
        with alone_with(self.path):
            self._read()
            yield
            self._write()

    def _read(self) -> None:
        if not self.path.is_file():
            return
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            failures, tickets = dict(found["failures"]), dict(found["tickets"])
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self.path} is damaged: remove it, and nothing is forgotten but why runs failed"
            ) from error
        self.failures, self.tickets, self.fresh = failures, tickets, bool(found.get("fresh"))

    def _write(self) -> None:
        content = {key: value for key, value in asdict(self).items() if key != "path"}
        write_text(self.path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
