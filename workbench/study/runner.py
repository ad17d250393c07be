"""Doing what is left of a study."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from workbench.interrupts import Interrupted, TerminationRequest
from workbench.lock import is_busy
from workbench.study.collect import Found, find_run
from workbench.study.finished import FinishedRun
from workbench.study.grid import Cell, Grid, PlannedRun
from workbench.study.launch import Job, Launcher
from workbench.study.state import StudyState
from workbench.study.view import View

_POLL_SECONDS = 0.2
_SECONDS_TO_SAVE = 120  # that a stopped training gets to finish a batch and write its state


@dataclass
class Running:
    """A run under way."""

    job: Job
    since: float = field(default_factory=time.monotonic)


class StudyRunner:
    """Starts what is left, follows it, and says how each run ended.

    A run that fails is remembered with its reason, and the others go on. A run folder in which another process works is
    left to it, and looked at again when it is free.

    Args:
        grid: the study.
        launcher: starts runs.
        view: shows how it goes.
        state: what failed, and which jobs are out.
        ended: called with every run that has ended well, at once.
    """

    def __init__(
        self,
        grid: Grid,
        launcher: Launcher,
        view: View,
        state: StudyState,
        ended: Callable[[Cell, FinishedRun], None] = lambda cell, run: None,
    ) -> None:
        self._grid = grid
        self._launcher = launcher
        self._view = view
        self._state = state
        self._ended_well = ended
        self._queue: deque[Cell] = deque()
        self._running: dict[Cell, Running] = {}

    def run(self, found: Mapping[Cell, Found]) -> dict[Cell, Found]:
        """Do all that is not done.

        Returns:
            every run of the grid as it is now.

        Raises:
            KeyboardInterrupt: on Ctrl-C, when the runs under way have saved and ended.
            Interrupted: on SIGTERM, likewise.
        """
        self._queue = deque(cell for cell, one in found.items() if one.status != "done")
        # Whatever was wrong with a run: it has another chance.
        again = {cell: one for cell, one in found.items() if one.status in ("failed", "refused")}
        cells = {**found, **{cell: Found("unfinished", reason=one.reason) for cell, one in again.items()}}
        with TerminationRequest() as request, self._view.following(cells):
            try:
                while self._queue or self._running:
                    self._start()
                    time.sleep(_POLL_SECONDS)
                    for cell in self._ended():
                        cells[cell] = self._judged(cell) or cells[cell]
                    self._view.show(cells, {cell: self._log(cell) for cell in self._running})
                    if request.received:
                        raise Interrupted(request.number)
            except (KeyboardInterrupt, Interrupted):
                self._stop()
                raise
        return cells

    def _start(self) -> None:
        """Start what there is room for, except where another process is at work."""
        for _ in range(len(self._queue)):
            if len(self._running) >= self._launcher.capacity:
                return
            cell = self._queue.popleft()
            run = self._grid.runs[cell]
            if self._busy(run):
                self._view.waits(cell, self._grid.out / run.name)
                self._queue.append(cell)
                continue
            self._state.start(run.name, partial(self._launch, cell))
            self._view.started(cell, self._log(cell))

    def _launch(self, cell: Cell, ticket: str | None) -> str | None:
        """Start a run, or follow the job of this ticket where it is still there."""
        found = None if ticket is None else self._launcher.find(ticket)
        job = found or self._launcher.start(self._grid.runs[cell], self._log(cell))
        self._running[cell] = Running(job)
        return job.ticket

    def _busy(self, run: PlannedRun) -> bool:
        folder = self._grid.out / run.name
        if not folder.is_dir() or run.name in self._state.tickets:
            return False
        return is_busy(folder)

    def _ended(self) -> list[Cell]:
        return [cell for cell, running in self._running.items() if running.job.poll() is not None]

    def _judged(self, cell: Cell) -> Found | None:
        """What became of a run that ended; None where another process took its folder first."""
        run, running = self._grid.runs[cell], self._running.pop(cell)
        code = running.job.poll()
        assert code is not None, "it was asked and had ended"
        seconds = time.monotonic() - running.since
        if code != 0 and self._busy(run):
            self._queue.append(cell)
            return None
        if code != 0:
            found = Found("failed", reason=_reason(code, self._log(cell), running.job.failure))
        else:
            found = find_run(run, self._grid.out / run.name)
        self._state.ended(run.name, found.reason if found.run is None else None)
        self._view.ended(cell, found, seconds)
        if found.run is not None:
            self._ended_well(cell, found.run)
        return found

    def _log(self, cell: Cell) -> Path:
        return self._grid.out / "logs" / f"{self._grid.runs[cell].name}.log"

    def _stop(self) -> None:
        """Let every run save and end."""
        for running in self._running.values():
            running.job.stop()
        deadline = time.monotonic() + _SECONDS_TO_SAVE
        while any(self._must_end(running.job) for running in self._running.values()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    @staticmethod
    def _must_end(job: Job) -> bool:
        return job.ticket is None and job.poll() is None


def _reason(code: int, log: Path, failure: str | None) -> str:
    """Why a run failed, in a sentence: why its job did, the last thing that it said, or the signal that killed it."""
    if failure is not None:
        return f"its job gave no result: {failure} (log: {log})"
    if code < 0:
        name = signal.Signals(-code).name if -code in {int(one) for one in signal.Signals} else str(-code)
        hint = "; the machine may have run out of memory" if -code == signal.SIGKILL else ""
        return f"it was killed by {name}{hint} (log: {log})"
    lines = [line.strip() for line in _tail(log).splitlines() if line.strip()]
    last = lines[-1] if lines else f"it ended with exit code {code} and said nothing"
    prefix, _, rest = last.partition(".py: ")
    return f"{rest if prefix in ('distill', 'train') else last} (log: {log})"


def _tail(log: Path, size: int = 20_000) -> str:
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - size))
        return file.read().decode("utf-8", errors="replace")
