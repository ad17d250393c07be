"""Keypoints of one clip in one file, whatever its kind: ``.npy``, ``.npz``, ``.csv``, ``.parquet`` or ``.pose``."""

from __future__ import annotations

import csv
import itertools
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from slr.data.isolated.spec import SCORE
from slr.data.pose_files import PoseFolder
from slr.skeleton import SkeletonLayout, skeleton_layout

# Rows of a MediaPipe Holistic frame: where each kind begins, and how many landmarks it has.
_KINDS = {"face": (0, 468), "left_hand": (468, 21), "pose": (489, 33), "right_hand": (522, 21)}
ROWS = 543
ENDINGS = (".npy", ".npz", ".csv", ".parquet", ".pose")


def read_clip(path: Path, layout: SkeletonLayout, channels: tuple[str, ...]) -> np.ndarray:
    """The keypoints of a clip ``[T, P, J, C]``, as ``layout`` and ``channels`` say.

    * ``.npy``: an array ``[T, J, C]`` or ``[T, P, J, C]``; in a ``.npz`` the only one, or that called ``keypoints``.
      One of all 543 rows of MediaPipe Holistic gives any layout that can be picked from them; NaN is missing there.
    * ``.csv``: a row per frame with a column for every channel of every joint, called ``nose_x``, ``nose_y`` and so on.
    * ``.parquet``: MediaPipe landmarks in long form, a row per frame, ``type`` and ``landmark_index``, with x, y and z;
      a landmark that is not there, or NaN, is missing, so that a frame without a hand stays in step. Needs pyarrow.
    * ``.pose``: of the pose-format package, one person. Needs pose-format.

    Raises:
        ValueError: when the file is missing, of no known kind, or does not hold that.
    """
    if not path.is_file():
        raise ValueError(f"{path} does not exist: the table names it")
    readers: dict[str, Callable[[Path, SkeletonLayout, tuple[str, ...]], np.ndarray]] = {
        ".npy": _array,
        ".npz": _array,
        ".csv": _columns,
        ".parquet": _parquet,
        ".pose": _pose,
    }
    if path.suffix not in readers:
        raise ValueError(f"{path} is of no kind that is read: {', '.join(ENDINGS)}")
    values = readers[path.suffix](path, layout, channels)
    if values.ndim == 3:
        values = values[:, None]
    if values.ndim != 4 or values.shape[2:] != (len(layout), len(channels)) or len(values) == 0:
        raise ValueError(
            f"{path} has keypoints of shape {list(values.shape)}, and {layout.name} with {', '.join(channels)} wants "
            f"[frames, {len(layout)}, {len(channels)}] or [frames, persons, {len(layout)}, {len(channels)}]"
        )
    return values


def _array(path: Path, layout: SkeletonLayout, channels: tuple[str, ...]) -> np.ndarray:
    try:
        # A file of our own: numpy does not close the one it opens when it turns out to be no archive.
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                values = found
            else:
                name = "keypoints" if "keypoints" in found.files else found.files[0] if len(found.files) == 1 else ""
                if not name:
                    raise ValueError(f"it holds {', '.join(found.files) or 'nothing'}, call one of them keypoints")
                values = found[name]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as fault:
        raise ValueError(f"{path} cannot be read ({fault}): it needs an array of keypoints, no pickle") from fault
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{path} holds {values.dtype}, not numbers")
    dimensions = len(channels) - (channels[-1] == SCORE)
    if values.ndim == 3 and values.shape[1] == ROWS and values.shape[2] >= dimensions:
        return holistic(values[..., :dimensions].astype(np.float64), layout, channels)
    return values


def _columns(path: Path, layout: SkeletonLayout, channels: tuple[str, ...]) -> np.ndarray:
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        wanted = [f"{joint}_{channel}" for joint, channel in itertools.product(layout.joints, channels)]
        missing = [column for column in wanted if column not in (table.fieldnames or ())]
        if missing:
            raise ValueError(
                f"{path} lacks {len(missing)} columns that {layout.name} asks for, {missing[0]!r} among them"
            )
        try:
            # An empty cell is a landmark that was not found.
            rows = [[float(line[column] or "nan") for column in wanted] for line in table]
        except ValueError as fault:
            raise ValueError(f"{path} holds a cell that is no number: {fault}") from fault
    return missing_as_zeros(np.asarray(rows).reshape(len(rows), len(layout), len(channels)))


def _parquet(path: Path, layout: SkeletonLayout, channels: tuple[str, ...]) -> np.ndarray:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError as fault:
        raise ValueError(f"reading {path} needs a package: pip install -e '.[parquet]'") from fault
    coordinates = [channel for channel in channels if channel != SCORE]
    try:
        table = parquet.read_table(path, columns=["frame", "type", "landmark_index", *coordinates]).to_pydict()
    except (ArrowInvalid, OSError, KeyError) as fault:
        needs = "frame, type, landmark_index, x, y, z"
        raise ValueError(f"{path} is no table of landmarks ({fault}): it needs {needs}") from fault
    numbers = {frame: step for step, frame in enumerate(sorted(set(table["frame"])))}
    values = np.full((len(numbers), ROWS, len(coordinates)), np.nan)
    for place, (frame, kind, index) in enumerate(
        zip(table["frame"], table["type"], table["landmark_index"], strict=True)
    ):
        first, count = _KINDS.get(kind, (0, 0))
        if not 0 <= index < count:
            raise ValueError(f"{path} has a landmark {index} of {kind!r}: MediaPipe Holistic has {_told_kinds()}")
        values[numbers[frame], first + index] = [_number(table[channel][place]) for channel in coordinates]
    return holistic(values, layout, channels)


def holistic(values: np.ndarray, layout: SkeletonLayout, channels: tuple[str, ...]) -> np.ndarray:
    """The joints of ``layout`` out of all rows of MediaPipe Holistic ``[T, 543, D]``, NaN where one was not found."""
    picked = values[:, layout.selection_from(skeleton_layout("mediapipe-holistic-543")).numpy()]
    picked = missing_as_zeros(picked)
    if channels[-1] != SCORE:
        return picked
    return np.concatenate([picked, picked.any(axis=-1, keepdims=True)], axis=-1)


def missing_as_zeros(values: np.ndarray) -> np.ndarray:
    """Keypoints with zeros in all channels of a joint that has a NaN in one."""
    return np.where(np.isnan(values).any(axis=-1, keepdims=True), 0.0, values)


def _pose(path: Path, layout: SkeletonLayout, channels: tuple[str, ...]) -> np.ndarray:
    if channels != ("x", "y", SCORE):
        raise ValueError(f"{path} gives x, y and score, and {', '.join(channels)} is wanted")
    folder = _pose_folder(path.parent)
    return folder.read(path.stem)[:, layout.selection_from(folder.layout)].numpy()


@lru_cache(maxsize=4)
def _pose_folder(path: Path) -> PoseFolder:
    """A folder lists its files once, not for every clip of it."""
    return PoseFolder(path)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _told_kinds() -> str:
    return ", ".join(f"{count} of {kind}" for kind, (_, count) in _KINDS.items())
