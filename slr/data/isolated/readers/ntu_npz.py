"""``NTU60_CS.npz`` and its like: NTU RGB+D as the scripts of CTR-GCN and its descendants leave it, a file per split."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slr.data.isolated.readers.ntu import VARIANTS
from slr.data.isolated.readers.ntu_classes import ACTIONS
from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec

_NAME = re.compile(r"NTU(60|120)_(\w+)")
_SPLITS = {"CS": "x-sub", "CSUB": "x-sub", "XSUB": "x-sub", "CV": "x-view", "XVIEW": "x-view", "CSET": "x-set"}
_SPLITS |= {"XSET": "x-set"}
_WIDTH = 150  # two persons of 25 joints of x, y, z


class NTUArchive:
    """The clips of such a file; ``x_train`` and ``x_test`` ``[N, T, 150]`` are never read whole.

    The zeros behind the end of a clip are cut off. The file does not say which recording a clip is: they are called by
    their part and their number in it, and no signer is known.

    Args:
        source: the file; its name says data set and split, as ``NTU60_CS.npz`` or ``NTU120_CSet.npz``.

    Raises:
        ValueError: when it is missing, called otherwise, or is not such a file.
    """

    def __init__(self, source: Path | str) -> None:
        self.source = Path(source)
        if not self.source.is_file():
            raise ValueError(f"{self.source} does not exist: this needs a file such as NTU60_CS.npz")
        found = _NAME.fullmatch(self.source.stem)
        split = _SPLITS.get(found[2].upper()) if found else None
        if found is None or split not in VARIANTS[found[1]].trains:
            known = "NTU60_CS, NTU60_CV, NTU120_CSub, NTU120_CSet"
            raise ValueError(f"{self.source.name} does not say which data set and split it holds: call it {known}")
        variant = VARIANTS[found[1]]
        self._split = split
        self._parts = {part: _Part(self.source, part, variant.actions) for part in ("train", "test")}
        self.spec = StoreSpec(
            name=variant.name,
            layout="ntu-25",
            channels=("x", "y", "z"),
            classes=ACTIONS[: variant.actions],
            units="metres",
            persons=2,
            fps=30.0,
            source=f"{self.source.name}, as other code prepared it",
        )

    def __len__(self) -> int:
        """Number of clips."""
        return sum(len(part.labels) for part in self._parts.values())

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip, with keypoints ``[T, 2, 25, 3]``.

        Raises:
            ValueError: when the file is damaged.
        """
        for name, part in self._parts.items():
            for number, clip in enumerate(part.rows()):
                yield ClipRow(f"{name}-{number:06d}", int(part.labels[number])), clip

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """The one split of the file."""
        assert self._split is not None
        return {self._split: {part: [row.id for row in rows if row.id.startswith(part)] for part in self._parts}}


@dataclass(frozen=True)
class _Part:
    """``x_PART`` and ``y_PART`` of a file."""

    source: Path
    part: str
    classes: int

    @property
    def labels(self) -> NDArray[np.int64]:
        """``[N]``, from one-hot rows or from numbers."""
        try:
            # A file of our own: numpy does not close the one it opens when it turns out to be no archive.
            with self.source.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                y = arrays[f"y_{self.part}"]
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as fault:
            raise ValueError(
                f"{self.source} cannot be read ({fault}): it needs x_train, y_train, x_test, y_test"
            ) from fault
        if y.ndim == 2:
            if y.shape[1] > self.classes or not ((y == 0) | (y == 1)).all() or not (y.sum(axis=1) == 1).all():
                raise ValueError(
                    f"y_{self.part} of {self.source} has rows that are not one class of {self.classes} each"
                )
            return y.argmax(axis=1)
        return y.astype(np.int64)

    def rows(self) -> Iterator[np.ndarray]:
        try:
            with zipfile.ZipFile(self.source) as archive, archive.open(f"x_{self.part}.npy") as file:
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, fortran, dtype = read(file)
                self._check(shape, fortran, dtype)
                size = shape[1] * shape[2] * dtype.itemsize
                for number in range(shape[0]):
                    content = file.read(size)
                    if len(content) < size:
                        raise ValueError(f"x_{self.part} ends in row {number} of {shape[0]}")
                    yield _trimmed(np.frombuffer(content, dtype).reshape(shape[1:]))
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as fault:
            raise ValueError(f"{self.source} cannot be read ({fault}): take another copy of it") from fault

    def _check(self, shape: tuple[int, ...], fortran: bool, dtype: np.dtype) -> None:
        if len(shape) != 3 or shape[2] != _WIDTH or fortran or dtype.kind != "f":
            raise ValueError(f"x_{self.part} is {dtype} of shape {list(shape)}, it should be floats [N, T, {_WIDTH}]")
        if shape[0] != len(self.labels):
            raise ValueError(f"x_{self.part} has {shape[0]} rows and y_{self.part} {len(self.labels)}")


def _trimmed(row: np.ndarray) -> np.ndarray:
    """``[T, 150]`` with zeros behind its end -> ``[T', 2, 25, 3]``, one frame at least."""
    there = np.flatnonzero(row.any(axis=1))
    frames = int(there[-1]) + 1 if len(there) else 1
    return row[:frames].reshape(frames, 2, 25, 3)
