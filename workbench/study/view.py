"""How a study shows itself while it runs: a live grid on a terminal, plain lines anywhere else."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from workbench.study.collect import Found
from workbench.study.estimate import estimate
from workbench.study.grid import Cell, Grid
from workbench.study.grid_view import render_grid
from workbench.training_lines import duration

ENDED_BADLY = ("failed", "refused")
_WORDS = {"missing": "to do", "unfinished": "to finish", "refused": "failed", "failed": "failed"}
_LINE_BYTES = 2000


class View(Protocol):
    """Where a study says how it goes."""

    def following(self, cells: Mapping[Cell, Found]) -> AbstractContextManager[None]:
        """The time during which runs are under way."""
        ...

    def started(self, cell: Cell, log: Path) -> None:
        """A run was started."""
        ...

    def waits(self, cell: Cell, folder: Path) -> None:
        """A run is left to another process."""
        ...

    def ended(self, cell: Cell, found: Found, seconds: float) -> None:
        """A run ended."""
        ...

    def show(self, cells: Mapping[Cell, Found], running: Mapping[Cell, Path]) -> None:
        """How things are; called often."""
        ...


def make_view(grid: Grid, jobs: int, stream: TextIO | None = None) -> View:
    """A live grid when ``stream`` (standard error when left out) is a terminal that can draw it, else lines."""
    stream = stream if stream is not None else sys.stderr
    console = Console(file=stream, highlight=False)
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveView(grid, jobs, console) if live else PlainView(grid, jobs, stream)


class _Times:
    """How long what is left will take."""

    def __init__(self, grid: Grid, jobs: int) -> None:
        self._grid = grid
        self._jobs = jobs

    def left(self, cells: Mapping[Cell, Found], begun: Mapping[Cell, float]) -> str:
        """``12 of 18 done, 2 running, about 20 min left``."""
        done = sum(found.status == "done" for found in cells.values())
        failed = sum(found.status in ENDED_BADLY for found in cells.values())
        parts = [f"{done} of {len(cells)} done"]
        parts += [f"{len(begun)} running"] if begun else []
        parts += [f"{failed} failed"] if failed else []
        finished = {cell: found.run for cell, found in cells.items() if found.run is not None}
        over = {"done", *ENDED_BADLY}
        pending = [*begun, *(cell for cell, found in cells.items() if found.status not in over and cell not in begun)]
        left = estimate(self._grid, finished, pending)
        now = time.monotonic()
        for cell, since in begun.items():
            known = left.seconds[cell]
            left.seconds[cell] = None if known is None else max(0.0, known - (now - since))
        rest = left.total(self._jobs)
        if pending and rest is not None:
            parts.append(f"about {duration(rest)} left")
        return ", ".join(parts)


class PlainView:
    """A line per event."""

    def __init__(self, grid: Grid, jobs: int, stream: TextIO) -> None:
        self._stream = stream
        self._times = _Times(grid, jobs)
        self._cells: dict[Cell, Found] = {}
        self._begun: dict[Cell, float] = {}
        self._waiting: set[Cell] = set()

    @contextlib.contextmanager
    def following(self, cells: Mapping[Cell, Found]) -> Iterator[None]:
        """Say how much there is."""
        self._cells = dict(cells)
        self._line(self._times.left(self._cells, self._begun))
        yield

    def started(self, cell: Cell, log: Path) -> None:
        """Say where it writes to."""
        self._begun[cell] = time.monotonic()
        self._line(f"{cell}  started (log: {log})")

    def waits(self, cell: Cell, folder: Path) -> None:
        """Said once."""
        if cell not in self._waiting:
            self._waiting.add(cell)
            self._line(f"{cell}  is being done by another process: waiting for {folder}")

    def ended(self, cell: Cell, found: Found, seconds: float) -> None:
        """Say how, and how far the study has come."""
        self._cells[cell] = found
        self._begun.pop(cell, None)
        how = outcome(found) if found.run is not None else f"FAILED: {found.reason}"
        self._line(f"{cell}  {how} ({duration(seconds)})")
        self._line(self._times.left(self._cells, self._begun))

    def show(self, cells: Mapping[Cell, Found], running: Mapping[Cell, Path]) -> None:
        """Nothing: what happens is said when it happens."""

    def _line(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class LiveView:
    """The grid, the last line of every run under way, and the time left; failures stay above it."""

    def __init__(self, grid: Grid, jobs: int, console: Console) -> None:
        self._grid = grid
        self._console = console
        self._times = _Times(grid, jobs)
        self._begun: dict[Cell, float] = {}
        self._waiting: set[Cell] = set()
        self._live: Live | None = None
        self._footer = (0.0, "")

    @contextlib.contextmanager
    def following(self, cells: Mapping[Cell, Found]) -> Iterator[None]:
        """Draw until the end; the last grid stays."""
        with Live(console=self._console, auto_refresh=False) as live:
            self._live = live
            self.show(cells, {})
            yield
            self._footer = (0.0, "")

    def started(self, cell: Cell, log: Path) -> None:
        """Its time begins."""
        self._begun[cell] = time.monotonic()
        self._waiting.discard(cell)
        self._footer = (0.0, "")

    def waits(self, cell: Cell, folder: Path) -> None:
        """Shown in its cell."""
        self._waiting.add(cell)

    def ended(self, cell: Cell, found: Found, seconds: float) -> None:
        """A failure is said above the grid."""
        self._begun.pop(cell, None)
        self._footer = (0.0, "")
        if found.run is None:
            self._console.print(Text(f"{cell}  FAILED: {found.reason}", style="bold red"))

    def show(self, cells: Mapping[Cell, Found], running: Mapping[Cell, Path]) -> None:
        """Draw anew."""
        statuses = {cell: "running" if cell in running else found.status for cell, found in cells.items()}
        words = {cell: self._word(cell, found, cell in running) for cell, found in cells.items()}
        lines = [Text(f"{cell}  {last_line(log)}", style="cyan", no_wrap=True) for cell, log in running.items()]
        if time.monotonic() - self._footer[0] > 5:
            self._footer = (time.monotonic(), self._times.left(cells, self._begun))
        assert self._live is not None, "shown while it is followed"
        # What changes stands above: a terminal of few lines shows the top.
        self._live.update(Group(Text(self._footer[1]), *lines, render_grid(self._grid, words, statuses)), refresh=True)

    def _word(self, cell: Cell, found: Found, running: bool) -> str:
        if running:
            return duration(time.monotonic() - self._begun[cell])
        if cell in self._waiting and found.run is None:
            return "elsewhere"
        return _WORDS.get(found.status) or outcome(found)


def outcome(found: Found) -> str:
    """The test WER of what a finished run was for, or its accuracy."""
    assert found.run is not None
    report = found.run.report(found.run.main, "test")
    if report is None:
        return "done"
    rate = 1 - report.wer if found.run.task == "class" else report.wer
    return f"{100 * rate:.1f} %"


def last_line(log: Path) -> str:
    """The last line that a run has written."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _LINE_BYTES))
        lines = file.read().decode("utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
