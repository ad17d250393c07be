"""Recorded isolated signs as bodies that can be joined and drawn."""

from __future__ import annotations

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
# x and y are shares of a frame whose size was not kept. 4:3 is the usual WLASL frame and gives shoulders and necks of
# natural proportion.
_ASPECT = 4 / 3
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
    with np.load(path, allow_pickle=False) as arrays:
        missing = {"x", "label", "n_frames", "classes"} - set(arrays.files)
        if missing or arrays["x"].shape[1:] != (30, 170):
            raise ValueError(f"{path} is no WLASL-50 keypoint file: it needs x [N, 30, 170], label, n_frames, classes")
        rows, labels, lengths, classes = (arrays[key] for key in ("x", "label", "n_frames", "classes"))
    return [
        _clip(f"wlasl50-{index:03d}", str(classes[labels[index]]), rows[index, : lengths[index]].astype(np.float64))
        for index in range(len(rows))
    ]


def _clip(name: str, gloss: str, rows: Array) -> RecordedClip:
    pose = rows[:, :44].reshape(-1, 11, 4)
    joint = {point: pose[:, index] for index, point in enumerate(_WLASL50_POSE)}
    middle = (joint["left_shoulder"] + joint["right_shoulder"])[:, :2] / 2
    half = np.median(np.abs(joint["left_shoulder"] - joint["right_shoulder"])[:, 0]) / 2 * _ASPECT

    def place(points: Array) -> Array:
        around = points[..., :2] - middle.reshape(len(middle), *([1] * (points.ndim - 2)), 2)
        return around * (_ASPECT, 1.0) / max(half, 1e-3)

    arms = np.stack(
        [
            np.stack([joint[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist")], axis=1)
            for side in ("right", "left")
        ],
        axis=1,
    )
    raw = rows[:, 44:].reshape(-1, 2, 21, 3)[:, ::-1]  # the file stores the left hand first
    seen = np.abs(raw).sum(axis=(2, 3)) > 0
    hands = np.concatenate([place(raw), -raw[..., 2:] * _ASPECT / max(half, 1e-3) + _HAND_DEPTH], axis=-1)
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
