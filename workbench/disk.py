"""Writing where there may be no room left."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from slr.files import whole_file

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your quota is used up", errno.EFBIG: "the file may not grow"}


@contextlib.contextmanager
def saying_when_full(path: Path | str) -> Iterator[None]:
    """Turn the system's word for a full disk into a sentence that names the file and the remedy.

    Raises:
        OSError: with the same ``errno``; every other OSError passes as it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(
            error.errno,
            f"{path} could not be written: {_FULL[error.errno]}; what was there before is untouched, so make room and "
            "start again to continue",
        ) from error


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        OSError: when there is no room, in one sentence.
    """
    with saying_when_full(path), whole_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text whole or not at all; raises as :func:`write_bytes` does."""
    write_bytes(path, text.encode())
