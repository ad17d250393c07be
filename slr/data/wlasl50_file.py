"""The WLASL-50 keypoint file, as arrays."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# The eleven MediaPipe pose points of the file, in its order.
POSE = (
    "nose", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hip", "right_hip", "left_knee", "right_knee",
)  # fmt: skip
_COLUMNS = 4 * len(POSE)  # those of the pose; the hands follow


class Wlasl50File:
    """423 recorded clips of 50 signs.

    The file holds ``x`` ``[N, 30, 170]`` (11 pose points of x, y, z, visibility, then 21 left and 21 right hand points
    of x, y, z, shares of the frame), ``label``, ``n_frames`` and ``classes``; a hand of zeros was not found.

    Raises:
        ValueError: when the file is missing or is not such a file.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        if not path.is_file():
            raise ValueError(f"{path} does not exist: this needs the WLASL-50 keypoint file (wlasl50_real.npz)")
        if not zipfile.is_zipfile(path):
            raise ValueError(f"{path} is no WLASL-50 keypoint file: such a file is an npz archive")
        try:
            with np.load(path, allow_pickle=False) as arrays:
                rows, labels, lengths, classes = (arrays[key] for key in ("x", "label", "n_frames", "classes"))
        except (KeyError, ValueError, zipfile.BadZipFile, zlib.error) as fault:
            raise ValueError(
                f"{path} is no WLASL-50 keypoint file ({fault}): it needs x [N, 30, 170], label, n_frames, classes"
            ) from fault
        self._rows, self.labels, self._lengths = rows, labels, lengths
        self.classes = tuple(str(name) for name in classes)
        self._check(path)

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.labels)

    def id(self, index: int) -> str:
        """What a clip is called."""
        return f"wlasl50-{index:03d}"

    def clip(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pose points ``[T, 11, 4]`` and hand points ``[T, 2, 21, 3]``, the left hand first."""
        rows = self._rows[index, : self._lengths[index]].astype(np.float64)
        return rows[:, :_COLUMNS].reshape(-1, len(POSE), 4), rows[:, _COLUMNS:].reshape(-1, 2, 21, 3)

    def _check(self, path: Path) -> None:
        rows, labels, lengths = self._rows, self.labels, self._lengths
        if rows.ndim != 3 or rows.shape[1:] != (30, 170) or len(labels) != len(rows) or len(lengths) != len(rows):
            raise ValueError(
                f"{path} is no WLASL-50 keypoint file: x has shape {list(rows.shape)} with {len(labels)} labels and "
                f"{len(lengths)} n_frames, it should be [N, 30, 170] with N of each"
            )
        for index, (label, length) in enumerate(zip(labels, lengths, strict=True)):
            fits = 0 <= label < len(self.classes) and 1 <= length <= rows.shape[1]
            if not (fits and np.isfinite(rows[index, :length]).all()):
                raise ValueError(
                    f"clip {index} of {path} has label {label} of {len(self.classes)} classes and {length} frames: it "
                    f"needs a label that there is, 1 to {rows.shape[1]} frames and finite coordinates"
                )
