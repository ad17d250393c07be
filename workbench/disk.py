"""Writing where there may be no room left."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from slr.files import whole_file

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "your quota is used up", errno.EFBIG: "the file may not grow"}


class NoRoomError(OSError):
    """There is no room to write a file; the message is a whole sentence."""


@contextlib.contextmanager
def saying_when_full(path: Path | str) -> Iterator[None]:
    """Turn the system's word for a full disk into a sentence that names the file or folder and the remedy.

    Raises:
        NoRoomError: with the same ``errno``; every other error passes as it is, and so does this one when it was said
            further within, where the file is known better.
    """
    try:
        yield
    except NoRoomError:
        raise
    except (OSError, SafetensorError) as error:
        code = error.errno if isinstance(error, OSError) else _code_within(str(error))
        if code not in _FULL:
            raise
        raise NoRoomError(
            code,
            f"{path} could not be written: {_FULL[code]}; what was there before is untouched, so make room and start "
            "again to continue",
        ) from error


def _code_within(text: str) -> int | None:
    """The number of the system's error in the text of one that safetensors raises."""
    found = re.search(r"os error (\d+)", text)
    return int(found[1]) if found else None


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        NoRoomError: when there is no room, in one sentence.
    """
    with saying_when_full(path), whole_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text whole or not at all; raises as :func:`write_bytes` does."""
    write_bytes(path, text.encode())
