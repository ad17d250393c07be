"""Work on a corpus, its making or its checking, shown as one bar after the other."""

from __future__ import annotations

import contextlib
from types import TracebackType

from workbench.progress import Bar, Progress


class Making:
    """Told what is being worked on, how many clips are done, and of how many; nothing is shown when nothing is done.

    ``label`` stands before what is worked on.
    """

    def __init__(self, progress: Progress, label: str = "making the corpus") -> None:
        self._progress = progress
        self._label = label
        self._what = ""
        self._stack = contextlib.ExitStack()
        self._bar: Bar | None = None

    def __enter__(self) -> Making:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __call__(self, what: str, done: int, total: int) -> None:
        """One more clip of ``what`` is done."""
        if what != self._what or self._bar is None:
            self._stack.close()
            self._what = what
            self._bar = self._stack.enter_context(self._progress.bar(f"{self._label}, {what}", total, done - 1))
        self._bar.advance()
