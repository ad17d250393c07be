"""Recorded isolated signs as bodies that can be joined and drawn."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slr.synthesis.hand import PALM, hand_points, unit
from slr.synthesis.phonology import Array

# The eleven MediaPipe pose points of the WLASL-50 file, in its order.
_WLASL50_POSE = (
    "nose", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hip", "right_hip", "left_knee", "right_knee",
)  # fmt: skip
# x and y are shares of a frame whose size was not kept. WLASL videos are mostly 288 x 192 pixels; with that shape
# noses stand 1.14 shoulder half-widths above the shoulders (median), near the 1.02 of the simulated body.
ASPECT = 3 / 2
_SEEN_VISIBILITY = 0.5
_HAND_DEPTH = 0.6  # of the wrist before the body; MediaPipe's own depth of the wrist is too noisy to draw


@dataclass(frozen=True)
class RecordedClip:
    """One recorded sign in shoulder half-widths about the middle of the shoulders, x to the right of the image, y down.

    ``nose`` is ``[T, 2]``; ``arms`` ``[T, 2, 3, 2]`` holds shoulder, elbow and wrist, the signer's right arm first;
    ``hands`` ``[T, 2, 21, 3]`` has no gaps: where a hand was not recorded (``seen`` ``[T, 2]`` false) it was
    interpolated, or drawn at rest at the wrist when it was never recorded. ``arm_seen`` is ``[T, 2, 3]``.
    """

    id: str
    gloss: str
    nose: Array
    arms: Array
    hands: Array
    seen: NDArray[np.bool_]
    arm_seen: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.nose)


def read_wlasl50(path: Path | str) -> list[RecordedClip]:
    """Read the WLASL-50 keypoint file.

    The file holds ``x`` ``[N, 30, 170]`` (11 pose points of x, y, z, visibility, then 21 left and 21 right hand
    points of x, y, z, shares of the frame), ``label``, ``n_frames`` and ``classes``; a hand of zeros was not found.

    Raises:
        ValueError: when the file is missing or is not such a file.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist: stitching needs the WLASL-50 keypoint file (wlasl50_real.npz)")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no WLASL-50 keypoint file: such a file is an npz archive")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            rows, labels, lengths, classes = (arrays[key] for key in ("x", "label", "n_frames", "classes"))
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error) as fault:
        raise ValueError(
            f"{path} is no WLASL-50 keypoint file ({fault}): it needs x [N, 30, 170], label, n_frames, classes"
        ) from fault
    _check(path, rows, labels, lengths, classes)
    return [
        _clip(f"wlasl50-{index:03d}", str(classes[labels[index]]), rows[index, : lengths[index]].astype(np.float64))
        for index in range(len(rows))
    ]


def _check(path: Path, rows: Array, labels: Array, lengths: Array, classes: Array) -> None:
    if rows.ndim != 3 or rows.shape[1:] != (30, 170) or len(labels) != len(rows) or len(lengths) != len(rows):
        raise ValueError(
            f"{path} is no WLASL-50 keypoint file: x has shape {list(rows.shape)} with {len(labels)} labels and "
            f"{len(lengths)} n_frames, it should be [N, 30, 170] with N of each"
        )
    for index, (label, length) in enumerate(zip(labels, lengths, strict=True)):
        if not (0 <= label < len(classes) and 1 <= length <= rows.shape[1] and np.isfinite(rows[index, :length]).all()):
            raise ValueError(
                f"clip {index} of {path} has label {label} of {len(classes)} classes and {length} frames: it needs a "
                f"label that there is, 1 to {rows.shape[1]} frames and finite coordinates"
            )


def _clip(name: str, gloss: str, rows: Array) -> RecordedClip:
    pose = rows[:, :44].reshape(-1, 11, 4)
    joint = {point: pose[:, index] for index, point in enumerate(_WLASL50_POSE)}
    middle = (joint["left_shoulder"] + joint["right_shoulder"])[:, :2] / 2
    half = np.median(np.abs(joint["left_shoulder"] - joint["right_shoulder"])[:, 0]) / 2 * ASPECT

    def place(points: Array) -> Array:
        around = points[..., :2] - middle.reshape(len(middle), *([1] * (points.ndim - 2)), 2)
        return around * (ASPECT, 1.0) / max(half, 1e-3)

    arms = np.stack(
        [
            np.stack([joint[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist")], axis=1)
            for side in ("right", "left")
        ],
        axis=1,
    )
    raw = rows[:, 44:].reshape(-1, 2, 21, 3)[:, ::-1]  # the file stores the left hand first
    seen = np.abs(raw).sum(axis=(2, 3)) > 0
    hands = np.concatenate([place(raw), -raw[..., 2:] * ASPECT / max(half, 1e-3) + _HAND_DEPTH], axis=-1)
    placed = place(arms)
    filled = np.stack([_fill(hands[:, side], seen[:, side], placed[:, side], right=side == 0) for side in (0, 1)], 1)
    return RecordedClip(name, gloss, place(joint["nose"]), placed, filled, seen, arms[..., 3] >= _SEEN_VISIBILITY)


def _fill(hand: Array, seen: NDArray[np.bool_], arm: Array, *, right: bool) -> Array:
    """A hand without gaps: its shape is interpolated between recorded frames and follows the recorded wrist."""
    wrist = np.concatenate([arm[:, 2], np.full((len(arm), 1), _HAND_DEPTH)], axis=1)
    if not seen.any():
        return _hand_at_rest(wrist, arm, right=right)
    recorded = np.flatnonzero(seen)
    flat = hand.reshape(len(hand), -1)
    columns = [np.interp(np.arange(len(hand)), recorded, flat[recorded, column]) for column in range(flat.shape[1])]
    return np.stack(columns, axis=1).reshape(hand.shape)


def _hand_at_rest(wrist: Array, arm: Array, *, right: bool) -> Array:
    forearm = np.concatenate([arm[:, 2] - arm[:, 1], np.zeros((len(arm), 1))], axis=1)
    direction = unit(forearm + (0.0, 1e-6, 0.0))
    normal = np.tile((0.0, 0.0, -1.0), (len(wrist), 1))
    flexion, spread = np.full((len(wrist), 5), 0.3), np.zeros(len(wrist))
    return hand_points(wrist + 0.5 * PALM * direction, direction, normal, flexion, spread, right=right, size=1.0)
