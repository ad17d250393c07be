"""The WLASL-50 keypoint file: 423 recorded clips of 50 glosses of WLASL (Li et al., WACV 2020), MediaPipe keypoints.

``x`` ``[N, 30, 170]`` holds 11 pose points of x, y, z and visibility, then 21 left and 21 right hand points of x, y, z,
shares of the frame; ``n_frames`` says how many of the 30 frames count. A hand of zeros was not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slr.data.isolated.spec import ClipRow, PartsOfSplits, StoreSpec
from slr.data.isolated.splits import stratified_folds
from slr.data.wlasl50_file import POSE, Wlasl50File
from slr.skeleton import SkeletonLayout, skeleton_layout

FOLDS = 5


class WLASL50:
    """The clips of the file: 11 points of the body and all of both hands, with x, y, z and a score.

    The score of a pose point is its visibility, that of a hand point 1 where the hand was found.

    Raises:
        ValueError: when the file is missing or is not such a file.
    """

    def __init__(self, source: Path | str) -> None:
        self._file = Wlasl50File(source)
        self.spec = wlasl50_spec(self._file.classes)

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._file.labels)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip, with keypoints ``[T, 1, 53, 4]``."""
        for index in range(len(self)):
            pose, hands = self._file.clip(index)
            found = np.abs(hands).sum(axis=(2, 3), keepdims=True) > 0
            hands = np.concatenate([hands, np.broadcast_to(found, (*hands.shape[:3], 1))], axis=-1)
            keypoints = np.concatenate([pose, hands.reshape(len(pose), -1, 4)], axis=1)
            yield ClipRow(self._file.id(index), int(self._file.labels[index])), keypoints[:, None]

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """``fold-0`` to ``fold-4``: each fifth of the clips of every gloss is the test of one of them."""
        folds = stratified_folds([row.id for row in rows], [row.label for row in rows], FOLDS)
        return {
            f"fold-{number}": {
                "train": [clip for other, fold in enumerate(folds) if other != number for clip in fold],
                "test": test,
            }
            for number, test in enumerate(folds)
        }


def wlasl50_spec(classes: Sequence[str]) -> StoreSpec:
    """What holds for every clip; the file names its classes."""
    return StoreSpec(
        name="WLASL-50",
        layout=_layout(),
        channels=("x", "y", "z", "score"),
        classes=tuple(classes),
        units="frame",
        source="MediaPipe keypoints of 423 WLASL clips of 50 glosses, 30 frames at most",
    )


def _layout() -> SkeletonLayout:
    """The joints of the file, as they hang together in MediaPipe's Holistic layout."""
    whole = skeleton_layout("mediapipe-holistic-543")
    hands = [joint for joint in whole.joints if joint.startswith(("left_hand_", "right_hand_"))]
    lefts = [joint for joint in hands if joint.startswith("left_")]
    wanted = [*POSE, *lefts, *(joint.replace("left_", "right_", 1) for joint in lefts)]
    return SkeletonLayout.from_dict(
        {"name": "wlasl50-53", "of": whole.name, "select": [whole.index(joint) for joint in wanted]}
    )
