"""Tables of a corpus whose columns are parted by ``|``, with or without a header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def read_pipe_table(path: Path, header: Sequence[str], needed: int = 1) -> list[list[str]]:
    """The rows of a table, blanks around columns taken away; the first column names a clip.

    Args:
        path: the file, UTF-8.
        header: names of the columns; a line of exactly these, or an empty one, is no row.
        needed: so many columns from the left may not be empty.

    Raises:
        ValueError: when the file is not UTF-8, a row has another number of columns or lacks a needed one, a clip
            stands twice, or there is no row.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as fault:
        raise ValueError(f"{path} is not UTF-8 text (byte {fault.start}): save it as UTF-8") from fault
    rows: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        columns = [column.strip() for column in line.split("|")]
        if columns == list(header) or not line.strip():
            continue
        if len(columns) != len(header) or not all(columns[:needed]):
            raise ValueError(f"line {number} of {path} is not {'|'.join(header)}: {line[:60]!r}")
        if columns[0] in rows:
            raise ValueError(f"line {number} of {path} repeats clip {columns[0]!r}: every clip stands once")
        rows[columns[0]] = columns
    if not rows:
        raise ValueError(f"{path} lists no clip: is the file complete?")
    return list(rows.values())
