from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slr.data import KeypointStore
from slr.data.pose_files import joint_names
from slr.skeleton import skeleton_layout

pose_format = pytest.importorskip("pose_format", reason="the pose-format package is an extra")

BODY_33 = [
    "NOSE",
    "LEFT_EYE_INNER",
    "LEFT_EYE",
    "LEFT_EYE_OUTER",
    "RIGHT_EYE_INNER",
    "RIGHT_EYE",
    "RIGHT_EYE_OUTER",
    "LEFT_EAR",
    "RIGHT_EAR",
    "MOUTH_LEFT",
    "MOUTH_RIGHT",
    "LEFT_SHOULDER",
    "RIGHT_SHOULDER",
    "LEFT_ELBOW",
    "RIGHT_ELBOW",
    "LEFT_WRIST",
    "RIGHT_WRIST",
    "LEFT_PINKY",
    "RIGHT_PINKY",
    "LEFT_INDEX",
    "RIGHT_INDEX",
    "LEFT_THUMB",
    "RIGHT_THUMB",
    "LEFT_HIP",
    "RIGHT_HIP",
    "LEFT_KNEE",
    "RIGHT_KNEE",
    "LEFT_ANKLE",
    "RIGHT_ANKLE",
    "LEFT_HEEL",
    "RIGHT_HEEL",
    "LEFT_FOOT_INDEX",
    "RIGHT_FOOT_INDEX",
]
HAND_21 = ["WRIST", "THUMB_CMC", "THUMB_MCP", "THUMB_IP", "THUMB_TIP"] + [
    f"{finger}_{bone}"
    for finger in ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
    for bone in ("MCP", "PIP", "DIP", "TIP")
]
HOLISTIC = [
    ("POSE_LANDMARKS", BODY_33),
    ("FACE_LANDMARKS", [str(point) for point in range(468)]),
    ("LEFT_HAND_LANDMARKS", HAND_21),
    ("RIGHT_HAND_LANDMARKS", HAND_21),
    ("POSE_WORLD_LANDMARKS", BODY_33),
]


def write_pose(path: Path, components: list[tuple[str, list[str]]], data: np.ndarray, confidence: np.ndarray) -> None:
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    point_format = "XYZC" if data.shape[-1] == 3 else "XYC"
    header = PoseHeader(
        0.2,
        PoseHeaderDimensions(210, 260),
        [PoseHeaderComponent(name, points, [], [(0, 0, 0)], point_format) for name, points in components],
    )
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        pose_format.Pose(header, NumPyPoseBody(25, data, confidence)).write(file)


def numbered(
    components: list[tuple[str, list[str]]], num_frames: int, people: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """x is the number of the point in the file, y the frame."""
    count = sum(len(points) for _, points in components)
    data = np.zeros((num_frames, people, count, 3), dtype=np.float32)
    data[..., 0] = np.arange(count)
    data[..., 1] = np.arange(num_frames)[:, None, None]
    data[..., 2] = -99
    return data, np.full((num_frames, people, count), 0.5, dtype=np.float32)


def as_points(components: list[tuple[str, list[str]]]) -> list[tuple[str, str]]:
    return [(name, point) for name, points in components for point in points]


def test_holistic_names_give_every_joint_of_our_holistic_layout() -> None:
    names = joint_names(as_points(HOLISTIC))
    layout = skeleton_layout("mediapipe-holistic-543")
    assert {name for name in names if name is not None} == set(layout.joints)
    # In the file: body first, then face, left hand, right hand; in the layout: face, left hand, body, right hand.
    assert names[:33] == list(layout.joints[489:522])
    assert names[33:501] == list(layout.joints[:468])
    assert names[501:522] == list(layout.joints[468:489])
    assert names[522:543] == list(layout.joints[522:])
    assert names[543:] == [None] * 33


def test_coco_wholebody_names_are_our_layout_in_its_order() -> None:
    from pose_format.utils.cocowholebody133_header import cocowholebody_components

    points = [(component.name, point) for component in cocowholebody_components() for point in component.points]
    expected = list(skeleton_layout("coco-wholebody-133").joints)
    assert joint_names(points) == expected
    assert joint_names([(f"{component}_133", point) for component, point in points]) == expected


def test_openpose_names_give_every_joint_of_coco_wholebody() -> None:
    from pose_format.utils.openpose import OpenPose_Components

    points = [(component.name, point) for component in OpenPose_Components for point in component.points]
    names = joint_names(points)
    by_point = dict(zip(points, names, strict=True))
    assert set(skeleton_layout("coco-wholebody-133").joints) <= set(names)
    assert set(skeleton_layout("openpose-18").joints) <= set(names)
    assert by_point["pose_keypoints_2d", "RShoulder"] == "right_shoulder"
    assert by_point["pose_keypoints_2d", "LBigToe"] == "left_big_toe"
    assert by_point["hand_left_keypoints_2d", "BASE"] == "left_hand_root"
    assert by_point["hand_right_keypoints_2d", "P_DIP"] == "right_hand_pinky_4"
    assert by_point["face_keypoints_2d", "FP_68"] is None


def test_points_of_unknown_components_and_second_finds_have_no_name() -> None:
    assert joint_names([("TAIL", "tip"), ("BODY", "nose"), ("POSE_LANDMARKS", "NOSE")]) == [None, "nose", None]


def test_a_folder_of_pose_files_is_a_store(tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    data, confidence = numbered(HOLISTIC, 3)
    confidence[1, 0, 501:522] = 0  # the left hand is lost in frame 1
    write_pose(folder / "a.pose", HOLISTIC, data, confidence)
    write_pose(folder / "b.pose", HOLISTIC, *numbered(HOLISTIC, 5))
    store = KeypointStore.open(folder)
    assert store.size == (210, 260)
    assert "a" in store
    assert "c" not in store
    assert store.num_frames("b") == 5
    layout = skeleton_layout("sign-27")
    keypoints = store.read("a")[:, layout.selection_from(store.layout)]
    assert keypoints.shape == (3, 27, 3)
    assert torch.equal(keypoints[2, layout.index("nose")], torch.tensor([0.0, 2.0, 0.5]))
    assert torch.equal(keypoints[2, layout.index("left_shoulder")], torch.tensor([11.0, 2.0, 0.5]))
    assert torch.equal(keypoints[2, layout.index("left_hand_thumb_4")], torch.tensor([505.0, 2.0, 0.5]))
    assert torch.equal(keypoints[2, layout.index("right_hand_root")], torch.tensor([522.0, 2.0, 0.5]))
    assert torch.equal(keypoints[1, list(layout.groups["left_hand"])], torch.zeros(10, 3))
    with pytest.raises(ValueError, match="holds no keypoints of clip 'c'"):
        store.read("c")


def test_a_header_without_the_face_still_serves_layouts_without_one(tmp_path: Path) -> None:
    components = [HOLISTIC[0], HOLISTIC[2], HOLISTIC[3]]
    write_pose(tmp_path / "dev" / "a.pose", components, *numbered(components, 2))
    store = KeypointStore.open(tmp_path / "dev")
    assert skeleton_layout("sign-27").selection_from(store.layout).shape == (27,)
    with pytest.raises(ValueError, match="'mediapipe-holistic-543' cannot be picked from"):
        skeleton_layout("mediapipe-holistic-543").selection_from(store.layout)


def test_folders_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match=r"empty holds no \.pose file"):
        KeypointStore.open(empty)
    unknown = [("TAIL", ["tip", "root"])]
    write_pose(tmp_path / "unknown" / "a.pose", unknown, *numbered(unknown, 2))
    with pytest.raises(ValueError, match=r"unknown components \(TAIL\)"):
        KeypointStore.open(tmp_path / "unknown")
    hands = HOLISTIC[2:4]
    write_pose(tmp_path / "mixed" / "a.pose", HOLISTIC, *numbered(HOLISTIC, 1))
    write_pose(tmp_path / "mixed" / "b.pose", hands, *numbered(hands, 1))
    with pytest.raises(ValueError, match=r"b\.pose has other points than the first file"):
        KeypointStore.open(tmp_path / "mixed").read("b")
    (tmp_path / "mixed" / "b.pose").write_bytes((tmp_path / "mixed" / "a.pose").read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"b\.pose is damaged, or no pose file .*: copy it again"):
        KeypointStore.open(tmp_path / "mixed").read("b")
    write_pose(tmp_path / "pair" / "a.pose", hands, *numbered(hands, 1, people=2))
    with pytest.raises(ValueError, match=r"a\.pose shows 2 people"):
        KeypointStore.open(tmp_path / "pair").read("a")


def test_without_the_package_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pose").write_bytes(b"")
    original = builtins.__import__

    def refuse(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.startswith("pose_format"):
            raise ImportError(name)
        return original(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ValueError, match=r"needs a package: pip install .*\[pose-format\]"):
        KeypointStore.open(tmp_path)
