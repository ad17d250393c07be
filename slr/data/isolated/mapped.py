"""Rows of a large ``.npy`` file, of which one stretch at a time is mapped into memory."""

from __future__ import annotations

import math
import mmap
from pathlib import Path

import numpy as np


class MappedRows:
    """An array on disk that is read by ranges of its first axis.

    Only the pages of a range are mapped, and only while it is read. A mapping of the whole file would count every page
    that was ever touched as memory of this process, and of every process that loads data beside it.

    Raises:
        ValueError: when the file holds no such array; ``OSError`` when there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = np.load(path, mmap_mode="r", allow_pickle=False)  # maps, and reads nothing but the header
        if not isinstance(whole, np.memmap) or np.isfortran(whole):
            raise ValueError("it holds no array of rows one after the other")
        self.shape, self.dtype = whole.shape, whole.dtype
        self._start = int(whole.offset)
        self._row = math.prod(self.shape[1:]) * self.dtype.itemsize

    def read(self, first: int, end: int) -> np.ndarray:
        """Rows ``first`` to ``end``, the last left out, as an array of its own."""
        assert 0 <= first < end <= self.shape[0], f"rows {first} to {end} of {self.shape[0]}"
        begin = self._start + first * self._row
        page = begin - begin % mmap.ALLOCATIONGRANULARITY
        size = self._start + end * self._row - page
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), size, offset=page, access=mmap.ACCESS_READ) as window,
        ):
            rows = np.frombuffer(window[begin - page :], self.dtype)
        return rows.reshape(end - first, *self.shape[1:])
