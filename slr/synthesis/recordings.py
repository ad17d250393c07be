"""Recorded isolated signs as bodies that can be joined and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slr.data.wlasl50_file import POSE, Wlasl50File
from slr.synthesis.hand import PALM, hand_points, unit
from slr.synthesis.phonology import Array

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

    What is in it is said in :class:`slr.data.wlasl50_file.Wlasl50File`.

    Raises:
        ValueError: when the file is missing or is not such a file.
    """
    file = Wlasl50File(path)
    return [_clip(file.id(index), file.classes[file.labels[index]], *file.clip(index)) for index in range(len(file))]


def _clip(name: str, gloss: str, pose: Array, hands_in_file: Array) -> RecordedClip:
    joint = {point: pose[:, index] for index, point in enumerate(POSE)}
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
    raw = hands_in_file[:, ::-1]  # the file stores the left hand first
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
