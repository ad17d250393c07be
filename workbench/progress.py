"""What a long piece of work tells whoever waits for it: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress


class Bar(Protocol):
    """A piece of work with a known number of parts."""

    def advance(self, note: str = "") -> None:
        """One more part is done; ``note`` says how it goes."""
        ...


class Progress(Protocol):
    """Where a run talks to."""

    def line(self, text: str) -> None:
        """Say something that stays."""
        ...

    def warn(self, text: str) -> None:
        """Say something that must not be overlooked."""
        ...

    def bar(self, label: str, total: int, done: int = 0) -> AbstractContextManager[Bar]:
        """Follow a piece of work of ``total`` parts, of which ``done`` are done."""
        ...


def make_progress(stream: TextIO | None = None) -> Progress:
    """Bars when ``stream`` (standard error when left out) is a terminal that can draw them, else plain lines."""
    stream = stream if stream is not None else sys.stderr
    console = Console(file=stream, highlight=False, soft_wrap=True)
    return TerminalProgress(console) if console.is_terminal and not console.is_dumb_terminal else PlainProgress(stream)


class TerminalProgress:
    """Lines that stay, and below them one bar that disappears when its work is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._busy = False

    def line(self, text: str) -> None:
        """Print above the bar."""
        self._console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Print in bold yellow above the bar."""
        self._console.print(f"WARNING: {text}", markup=False, style="bold yellow")

    @contextlib.contextmanager
    def bar(self, label: str, total: int, done: int = 0) -> Iterator[Bar]:
        """A bar with a count, the time that remains and the last note; work within other work shows none."""
        if self._busy:
            yield _NoBar()
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24, complete_style="cyan", finished_style="cyan"),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._busy = True
        try:
            with RichProgress(*columns, console=self._console, transient=True) as progress:
                yield _RichBar(progress, label, total, done)
        finally:
            self._busy = False


class _RichBar:
    def __init__(self, progress: RichProgress, label: str, total: int, done: int) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=total, completed=done, note="")

    def advance(self, note: str = "") -> None:
        self._progress.update(self._task, advance=1, note=note)


class PlainProgress:
    """One line per event, and within long work a line now and then.

    Args:
        stream: where the lines go.
        every: seconds between two lines of one piece of work.
    """

    def __init__(self, stream: TextIO, every: float = 30.0) -> None:
        self._stream = stream
        self._every = every

    def line(self, text: str) -> None:
        """Print and flush, so that a log can be followed."""
        print(text, file=self._stream, flush=True)

    def warn(self, text: str) -> None:
        """Print in capitals at the start of a line."""
        self.line(f"WARNING: {text}")

    @contextlib.contextmanager
    def bar(self, label: str, total: int, done: int = 0) -> Iterator[Bar]:
        """Lines such as ``teacher  epoch 3/40: 120/500  loss 3.2``."""
        yield _PlainBar(self, label, total, done, self._every)


class _PlainBar:
    def __init__(self, progress: PlainProgress, label: str, total: int, done: int, every: float) -> None:
        self._progress = progress
        self._label = label
        self._total = total
        self._done = done
        self._every = every
        self._last = time.monotonic()

    def advance(self, note: str = "") -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._last >= self._every and self._done < self._total:
            self._last = now
            self._progress.line(f"{self._label}: {self._done}/{self._total}  {note}".rstrip())


class NoProgress:
    """Says nothing."""

    def line(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    @contextlib.contextmanager
    def bar(self, label: str, total: int, done: int = 0) -> Iterator[Bar]:
        """A bar nobody sees."""
        yield _NoBar()


class _NoBar:
    def advance(self, note: str = "") -> None:
        pass
