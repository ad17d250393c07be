"""Clips of one's own: a table that says what they show, and a file of keypoints for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr.data.isolated.readers.clip_files import ENDINGS, read_clip
from slr.data.isolated.readers.table import LabelTable
from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec


class TableFolder:
    """The clips of a table, from files of any kind that :func:`~slr.data.isolated.readers.clip_files.read_clip` reads.

    A cell of the table names a file below the folder, with its ending or without.

    Args:
        table: what the clips show.
        folder: where their files lie.
        spec: what holds for all of them; its classes are those of the table.
        complete: refuse a table that names files which are not there; else these clips are left out.

    Raises:
        ValueError: when files are missing, or a clip has files of two kinds.
    """

    def __init__(self, table: LabelTable, folder: Path | str, spec: StoreSpec, *, complete: bool = True) -> None:
        self.folder = Path(folder)
        self.spec = spec
        if not self.folder.is_dir():
            raise ValueError(f"there is no folder {self.folder}: name the one in which the files of {table.path} lie")
        found = {row.clip: self._file(row.clip) for row in table.rows}
        missing = [clip for clip, path in found.items() if path is None]
        if missing and (complete or len(missing) == len(found)):
            raise ValueError(
                f"{table.path} names {len(missing)} clips that {self.folder} has no file of, {missing[0]!r} among "
                f"them: a file is called by its clip and ends in {', '.join(ENDINGS)}"
                + ("" if len(missing) == len(found) else "; --incomplete leaves these out")
            )
        self._files = {clip: path for clip, path in found.items() if path is not None}
        rows = tuple(row for row in table.rows if row.clip in self._files)
        self._table = LabelTable(table.path, rows, table.classes)

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._files)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip in the order of the table, with keypoints ``[T, P, J, C]``; fewer bodies are filled up with zeros.

        Raises:
            ValueError: when a file cannot be read, or shows more bodies than the corpus has.
        """
        for row in self._table.rows:
            path = self._files[row.clip]
            clip = read_clip(path, self.spec.skeleton, self.spec.channels)
            lacking = self.spec.persons - clip.shape[1]
            if lacking < 0:
                raise ValueError(
                    f"{path} shows {clip.shape[1]} bodies, and the corpus has {self.spec.persons} (--persons)"
                )
            yield self._table.clip_row(row), np.pad(clip, ((0, 0), (0, lacking), (0, 0), (0, 0)))

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """Those of the table."""
        return self._table.splits()

    def _file(self, clip: str) -> Path | None:
        if ".." in Path(clip).parts or Path(clip).is_absolute():
            raise ValueError(f"{clip!r} is no file below {self.folder}: the table should name files within it")
        exact = self.folder / clip
        if exact.suffix in ENDINGS and exact.is_file():
            return exact
        candidates = [self.folder / f"{clip}{ending}" for ending in ENDINGS]
        there = [path for path in candidates if path.is_file()]
        if len(there) > 1:
            raise ValueError(
                f"{self.folder} holds clip {clip!r} twice, as {there[0].name} and {there[1].name}: keep one"
            )
        return there[0] if there else None
