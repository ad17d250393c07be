"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; when the block ends well, it becomes ``path`` in one step.

    A reader therefore sees the old file or the new one, never half of either, whoever is killed when. Missing parent
    folders are made. When the block raises, the temporary file is removed and ``path`` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        # mkstemp makes files private; what we leave behind follows the user's umask like any other file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path | str) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; when the block ends well, it becomes ``path`` in one step.

    When the block raises, the temporary folder is removed with all that is in it.

    Raises:
        FileExistsError: before the block, when there is something at ``path`` already.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(errno.EEXIST, "is there already: remove it, or name another folder", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    try:
        yield temporary
        for file in sorted(temporary.rglob("*")):
            _sync(file)
        temporary.chmod(0o777 & ~_umask())
        temporary.rename(path)  # fails where something was put there meanwhile
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def copy_whole(source: Path | str, path: Path | str) -> None:
    """Copy a file, whole or not at all."""
    with whole_file(path) as temporary:
        shutil.copyfile(source, temporary)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
