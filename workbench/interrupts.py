"""Ending in good order when the system asks for it."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any


class Interrupted(SystemExit):
    """The work was asked to end, has been saved, and can be continued; the exit code is the usual one of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class TerminationRequest:
    """Within its ``with`` block a SIGTERM, as a cluster sends before it kills, only raises a flag.

    Outside the main thread Python delivers no signals, and nothing changes.
    """

    def __init__(self) -> None:
        self.received = False
        self.number = int(signal.SIGTERM)
        self._before: Any = None
        self._process = os.getpid()
        self._installed = False

    def __enter__(self) -> TerminationRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._raise_flag)
            self._installed = True
        return self

    def __exit__(self, *error: object) -> None:
        if self._installed:
            signal.signal(signal.SIGTERM, self._before if self._before is not None else signal.SIG_DFL)

    def _raise_flag(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() == self._process:
            self.received = True
            return
        # A worker process inherits this handler; it has nothing to save and ends as it would without it.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
