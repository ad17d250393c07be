from __future__ import annotations

import pytest
import torch

from slr.skeleton import SkeletonLayout, layout_names, skeleton_layout
from slr.types import Padded
from students.joint_groups import centred_groups, group_skeleton, joint_groups, motion


def layout() -> SkeletonLayout:
    return SkeletonLayout.from_dict(
        {
            "name": "little",
            "joints": ["left_shoulder", "right_shoulder", "left_wrist", "right_wrist", "left_root", "left_tip",
                       "right_tip", "right_root"],
            "bones": [["left_shoulder", "left_wrist", "left_root", "left_tip"],
                      ["right_shoulder", "right_wrist", "right_root", "right_tip"]],
            "groups": {"body": "rest", "left_hand": ["left_root", "left_tip"],
                       "right_hand": ["right_tip", "right_root"]},
            "roots": {"left_hand": "left_root", "right_hand": "right_root"},
            "centre": "left_shoulder",
            "reference": ["left_shoulder", "right_shoulder"],
        }
    )  # fmt: skip


@pytest.mark.parametrize("name", layout_names())
def test_every_joint_of_a_layout_is_in_one_group(name: str) -> None:
    whole = skeleton_layout(name)
    groups = joint_groups(whole)
    assert sorted(joint for group in groups for member in group.members for joint in member) == list(range(len(whole)))
    names = [name for group in groups for name in group.names]
    assert sorted(names) == sorted(whole.groups)
    for group in groups:
        assert all(len(member) == len(group.skeleton) for member in group.members)


def test_hands_are_read_together_finger_by_finger_whatever_their_order() -> None:
    body, hands = joint_groups(layout())
    assert (body.names, hands.names) == (("body",), ("left_hand", "right_hand"))
    assert hands.members == ((4, 5), (7, 6))
    assert hands.skeleton.bones == ((0, 1),)
    whole = skeleton_layout("sign-27")
    for left, right in zip(*joint_groups(whole)[1].members, strict=True):
        assert whole.joints[left].replace("left", "right") == whole.joints[right]


def test_hands_of_other_joints_are_read_apart() -> None:
    fields = layout().to_dict()
    fields["groups"]["left_hand"] = ["left_root", "left_tip", "left_wrist"]
    fields["groups"]["body"] = ["left_shoulder", "right_shoulder", "right_wrist"]
    assert [group.names for group in joint_groups(SkeletonLayout.from_dict(fields))] == [
        ("body",), ("left_hand",), ("right_hand",)
    ]  # fmt: skip


def test_a_joint_of_a_group_hangs_on_its_nearest_ancestor_there() -> None:
    skeleton = group_skeleton(layout(), "ends", (0, 5, 7))
    assert skeleton.joints == ("left_shoulder", "left_tip", "right_root")
    assert skeleton.bones == ((0, 1),)


def clip(steps: int = 3) -> torch.Tensor:
    keypoints = torch.rand(steps, 8, 3) + 0.1
    keypoints[..., 2] = 1
    return keypoints


def test_groups_are_centred_on_their_roots_and_the_body_on_the_shoulders_of_the_first_frame_with_both() -> None:
    one, other = clip(3), clip(2)
    one[0, 1] = 0  # no right shoulder yet
    centred = centred_groups(Padded.from_list([one, other]), layout()).unpad()
    for given, got, first in ((one, centred[0], 1), (other, centred[1], 0)):
        middle = (given[first, 0, :2] + given[first, 1, :2]) / 2
        for t in range(len(given)):
            for joint in range(8):
                if not given[t, joint].any():
                    assert not got[t, joint].any()
                    continue
                origin = {4: given[t, 4, :2], 5: given[t, 4, :2], 6: given[t, 7, :2], 7: given[t, 7, :2]}.get(
                    joint, middle
                )
                torch.testing.assert_close(got[t, joint, :2], given[t, joint, :2] - origin)
                assert got[t, joint, 2] == 1


def test_what_hangs_on_a_missing_root_is_missing_and_a_body_never_seen_stays_where_it_is() -> None:
    given = clip(2)
    given[1, 4] = 0
    given[:, 0] = 0
    (got,) = centred_groups(Padded.from_list([given]), layout()).unpad()
    assert not got[1, [4, 5]].any()
    assert got[0, 5].all()
    torch.testing.assert_close(got[:, 1], given[:, 1])


def test_motion_is_the_difference_to_the_next_and_the_previous_frame() -> None:
    given = clip(4)
    given[2, 5] = 0
    short = clip(1)
    long, alone = motion(Padded.from_list([given, short])).unpad()
    assert long.shape == (4, 8, 4)
    assert not alone.any()
    for t in range(4):
        for joint in range(8):
            for half, other in ((0, t + 1), (2, t - 1)):
                seen = 0 <= other < 4 and given[t, joint].any() and given[other, joint].any()
                step = (given[other, joint, :2] - given[t, joint, :2]) * (1 if half == 0 else -1) if seen else 0
                torch.testing.assert_close(long[t, joint, half : half + 2], torch.zeros(2) + step)
