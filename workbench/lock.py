"""One process per run folder."""

from __future__ import annotations

import sys
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


class FolderBusyError(ValueError):
    """Another process works in a folder."""


def lock_folder(folder: Path) -> IO[bytes]:
    """Claim a folder until the returned file is closed or the process ends, however it ends.

    Raises:
        FolderBusyError: when another process holds the folder.
    """
    file = (folder / ".lock").open("ab")
    try:
        _take(file)
    except OSError as error:
        file.close()
        raise FolderBusyError(
            f"another process is working in {folder}: wait for it, or give this run another run.name"
        ) from error
    return file
