"""One process per run folder, and one at a time for files that several change."""

from __future__ import annotations

import contextlib
import errno
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 0.2  # more than any look at whether a folder is busy takes
_HELD = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


class FolderBusyError(ValueError):
    """Another process works in a folder."""


def lock_folder(folder: Path) -> IO[bytes]:
    """Claim a folder until the returned file is closed or the process ends, however it ends.

    Raises:
        FolderBusyError: when another process holds the folder.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    file = (folder / ".lock").open("ab")
    while True:
        try:
            _take(file)
            return file
        except OSError as error:
            if time.monotonic() >= until:
                file.close()
                raise FolderBusyError(
                    f"another process is working in {folder}: wait for it, or give this run another run.name"
                ) from error
        time.sleep(_POLL_SECONDS)


def is_busy(folder: Path) -> bool:
    """Whether another process holds a folder."""
    with (folder / ".lock").open("ab") as file:
        try:
            _take(file)
        except OSError:
            return True
    return False


@contextlib.contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Hold off all other processes that come to change a file in this way, from reading it until it is written.

    Waits where one is at it. The lock is an empty file beside it, which stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("ab") as file:
        while True:
            try:
                _take(file)
                break
            except OSError as error:
                if error.errno not in _HELD:
                    raise
            time.sleep(_POLL_SECONDS)
        yield
