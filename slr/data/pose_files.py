"""Folders of ``.pose`` files, the format of the pose-format package (Moryossef et al., 2021).

Points are found by their names, for the headers that the package writes: MediaPipe Holistic, COCO-WholeBody (MMPose,
AlphaPose) and OpenPose with 25 body points. Their points get the names of our layouts, so that any layout can be
taken whose joints the header has, whatever the estimator; a reduced header (without the face mesh, say) is fine as
long as the wanted joints are left.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from slr.data.keypoints import KeypointStore
from slr.skeleton import SkeletonLayout, skeleton_layout

_SIDES = {"L": "left_", "R": "right_"}
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
# Points of a hand in the order of every estimator: the root, then four points per finger from its base to its tip.
_HAND = ("root", *(f"{finger}_{number}" for finger in _FINGERS for number in range(1, 5)))


class PoseFolder(KeypointStore):
    """The ``.pose`` files of one split; every file must have the header of the first.

    Raises:
        ValueError: when the pose-format package is not installed, the folder holds no ``.pose`` file, or its points are
            of no known kind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ids = frozenset(file.stem for file in path.glob("*.pose"))
        if not self._ids:
            raise ValueError(f"{path} holds no .pose file: a folder of keypoints has one ID.pose per clip")
        self._lengths: dict[str, int] = {}
        header = self._load(min(self._ids)).header
        self._points = _points(header)
        names = joint_names(self._points)
        self._rows = [row for row, joint in enumerate(names) if joint is not None]
        if not self._rows:
            components = ", ".join(component.name for component in header.components)
            raise ValueError(
                f"the .pose files of {path} have unknown components ({components}): use those of MediaPipe Holistic, "
                "COCO-WholeBody or OpenPose"
            )
        self.layout = _loose_layout(str(path), tuple(names[row] or "" for row in self._rows))
        self.size = (int(header.dimensions.width), int(header.dimensions.height))

    def __contains__(self, clip: object) -> bool:
        return clip in self._ids

    def _read(self, clip: str) -> Tensor:
        pose = self._load(clip)
        if _points(pose.header) != self._points:
            raise ValueError(
                f"{self.path / clip}.pose has other points than the first file of its folder: keep them apart"
            )
        people = pose.body.data.shape[1]
        if people != 1:
            raise ValueError(f"{self.path / clip}.pose shows {people} people: keep the signer and drop the others")
        # Masked points hold leftovers; missing is 0, 0 with confidence 0.
        confidence = np.asarray(pose.body.confidence, dtype=np.float32)[:, 0, self._rows]
        position = np.asarray(np.ma.getdata(pose.body.data), dtype=np.float32)[:, 0, self._rows, :2]
        position = np.where(confidence[..., None] > 0, position, 0)
        self._lengths[clip] = len(position)
        return torch.from_numpy(np.concatenate([position, confidence[..., None]], axis=-1))

    def _num_frames(self, clip: str) -> int:
        # The header does not say how many frames follow, so that the length costs a reading; it is kept.
        if clip not in self._lengths:
            self._lengths[clip] = len(self._load(clip).body.data)
        return self._lengths[clip]

    def _load(self, clip: str) -> Any:
        try:
            from pose_format import Pose
        except ImportError as fault:
            raise ValueError(f"reading {self.path} needs a package: pip install -e '.[pose-format]'") from fault
        path = self.path / f"{clip}.pose"
        try:
            return Pose.read(path.read_bytes())
        except Exception as fault:  # what a spoilt file raises depends on where it is spoilt
            raise ValueError(f"{path} is damaged, or no pose file ({fault}): copy it again") from fault


def joint_names(points: list[tuple[str, str]]) -> list[str | None]:
    """Our names of the ``(component, point)`` pairs of a header; ``None`` for points that no layout of ours has.

    World landmarks (metres instead of pixels) are left out. When two components give the same joint, the first counts.
    """
    names: list[str | None] = []
    for component, point in points:
        name = _joint_name(component.removesuffix("_133"), point)
        names.append(None if name in names else name)
    return names


def _loose_layout(name: str, joints: tuple[str, ...]) -> SkeletonLayout:
    """Joints without bones, good for nothing but picking joints by their names."""
    return SkeletonLayout(name, joints, (), (), {"body": tuple(range(len(joints)))}, {}, 0)


def _points(header: Any) -> list[tuple[str, str]]:
    return [(component.name, point) for component in header.components for point in component.points]


def _joint_name(component: str, point: str) -> str | None:
    if component in ("POSE_LANDMARKS", "BODY"):
        return point.lower()
    if component == "pose_keypoints_2d":
        return _openpose_body(point)
    if component == "FACE_LANDMARKS":
        return f"face_{point}" if int(point) < 468 else None
    if component in ("FACE", "face_keypoints_2d"):
        return _ibug_face(point)
    hands = {
        "LEFT_HAND_LANDMARKS": _mediapipe_hand,
        "RIGHT_HAND_LANDMARKS": _mediapipe_hand,
        "LEFT_HAND": _numbered_hand,
        "RIGHT_HAND": _numbered_hand,
        "hand_left_keypoints_2d": _openpose_hand,
        "hand_right_keypoints_2d": _openpose_hand,
    }
    if component not in hands:
        return None
    side = "left" if "left" in component.lower() else "right"
    return f"{side}_hand_{hands[component](point)}"


def _mediapipe_hand(point: str) -> str:
    if point == "WRIST":
        return "root"
    finger, bone = point.split("_")[0], point.split("_")[-1]
    order = ("CMC", "MCP", "IP", "TIP") if finger == "THUMB" else ("MCP", "PIP", "DIP", "TIP")
    return f"{finger.lower()}_{order.index(bone) + 1}"


def _numbered_hand(point: str) -> str:
    return _HAND[int(point.rsplit("_", 1)[1])]


def _openpose_hand(point: str) -> str:
    if point == "BASE":
        return "root"
    letter, bone = point.split("_")
    # pose-format calls the tip of a finger by the joint before it.
    order = ("STT", "BCMC", "MCP", "IP") if letter == "T" else ("CMC", "MCP", "PIP", "DIP")
    return f"{_FINGERS['TIMRP'.index(letter)]}_{order.index(bone) + 1}"


def _openpose_body(point: str) -> str:
    side, rest = (_SIDES[point[0]], point[1:]) if point[0] in _SIDES and point[1].isupper() else ("", point)
    return side + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rest).lower()


def _ibug_face(point: str) -> str | None:
    # The 68 face points of iBUG stand in COCO-WholeBody from row 23 on; OpenPose appends two pupils.
    number = int(re.split(r"[-_]", point)[-1])
    return skeleton_layout("coco-wholebody-133").joints[23 + number] if number < 68 else None
