"""The files of a download, whether it was unpacked or not."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path


def files_of(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name (without folders) and content of every wanted file below a folder, or in a tar or zip archive.

    A folder is read in the order of its files' names, an archive in its own. Nothing is unpacked to the disk, and links
    in an archive are not followed.

    Raises:
        ValueError: when there is nothing at ``source``, or it is neither a folder nor an archive that can be read.
    """
    if source.is_dir():
        for path in sorted_files(source, wanted):
            yield path.name, path.read_bytes()
        return
    if not source.is_file():
        raise ValueError(f"there is nothing at {source}: name the folder or the archive of the download")
    try:
        if zipfile.is_zipfile(source):
            yield from _zipped(source, wanted)
        else:
            yield from _tarred(source, wanted)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as fault:
        raise ValueError(f"{source} is no archive that can be read ({fault}): download it again") from fault


def sorted_files(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """The wanted files below a folder by name, wherever they lie."""
    found = (path for path in folder.rglob("*") if wanted(path.name) and path.is_file())
    return sorted(found, key=lambda path: (path.name, path))


def names_of(source: Path) -> list[str]:
    """Names (without folders) of all files below a folder or in a zip archive, without reading them.

    Raises:
        ValueError: when there is nothing at ``source``, or it is neither.
    """
    if source.is_dir():
        return [path.name for path in source.rglob("*") if path.is_file()]
    if not source.is_file():
        raise ValueError(f"there is nothing at {source}: name the folder or the archive of the download")
    if not zipfile.is_zipfile(source):
        raise ValueError(f"{source} is neither a folder nor a zip archive: unpack it and name the folder")
    with zipfile.ZipFile(source) as archive:
        return [member.filename.rpartition("/")[2] for member in archive.infolist() if not member.is_dir()]


def _zipped(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            name = member.filename.rpartition("/")[2]
            if not member.is_dir() and wanted(name):
                yield name, archive.read(member)


def _tarred(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(source) as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if member.isfile() and wanted(name):
                file = archive.extractfile(member)
                assert file is not None, "a file of an archive has content"
                yield name, file.read()
