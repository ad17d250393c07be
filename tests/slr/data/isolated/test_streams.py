from __future__ import annotations

import pytest
import torch
from torch import Tensor

from slr.data.isolated import Chance, SkeletonClip, ToStream
from slr.skeleton import SkeletonLayout, skeleton_layout
from tests.reference.skeleton_clips import bones, chained_bones, motion

SIGN = skeleton_layout("sign-27")
# The pairs of SAM-SLR's code in their order: the hand roots come last.
HAND = ((0, 1), (0, 2), (0, 4), (0, 6), (0, 8), (2, 3), (4, 5), (6, 7), (8, 9))
CODE_ORDER = [
    (0, 1), (0, 2), (1, 3), (3, 5), (2, 4), (4, 6),
    *((7 + parent, 7 + child) for parent, child in HAND),
    *((17 + parent, 17 + child) for parent, child in HAND),
    (5, 7), (6, 17),
]  # fmt: skip


def clip(layout: SkeletonLayout, channels: str = "xyz", frames: int = 4, persons: int = 2) -> SkeletonClip:
    names = tuple("score" if letter == "s" else letter for letter in channels)
    values = torch.rand(frames, persons, len(layout), len(names), generator=torch.Generator().manual_seed(1)) + 0.1
    return SkeletonClip.of(values, layout, names)


def made(clip: SkeletonClip, stream: str, **options: object) -> Tensor:
    return ToStream(stream, **options)(clip, Chance()).values


@pytest.mark.parametrize("name", ["sign-27", "ntu-25", "kinect-20", "openpose-18", "mediapipe-holistic-543"])
def test_bones_are_joint_minus_parent(name: str) -> None:
    layout = skeleton_layout(name)
    given = clip(layout)
    expected = bones(given.values.tolist(), layout.parents().tolist())
    torch.testing.assert_close(made(given, "bone"), torch.tensor(expected))


def test_motion_is_the_next_frame_minus_this_one() -> None:
    given = clip(SIGN)
    torch.testing.assert_close(made(given, "joint-motion"), torch.tensor(motion(given.values.tolist())))
    both = motion(bones(given.values.tolist(), SIGN.parents().tolist()))
    torch.testing.assert_close(made(given, "bone-motion"), torch.tensor(both))
    assert not made(given, "joint-motion")[-1].any()


def test_chained_bones_are_those_of_the_published_loop() -> None:
    assert sorted(CODE_ORDER) == sorted(SIGN.bones)
    given = clip(SIGN, "xys", persons=1)
    chained = made(given, "bone", bones="chained", root="joint", score="difference")
    torch.testing.assert_close(chained, torch.tensor(chained_bones(given.values.tolist(), CODE_ORDER)))
    true = made(given, "bone", root="joint", score="difference")
    differ = (chained - true).abs().amax((0, 1, 3)) > 1e-6
    # Elbows, wrists, both hand roots, and all finger tips but the thumbs: 14 of 26.
    wanted = {3, 4, 5, 6, 7, 17, 10, 12, 14, 16, 20, 22, 24, 26}
    assert set(differ.nonzero()[:, 0].tolist()) == wanted
    moved = made(given, "bone-motion", bones="chained", root="joint", score="difference")
    torch.testing.assert_close(moved, torch.tensor(motion(chained_bones(given.values.tolist(), CODE_ORDER))))


def test_the_root_is_zero_or_itself() -> None:
    given = clip(SIGN)
    assert not made(given, "bone")[:, :, 0].any()
    assert torch.equal(made(given, "bone", root="joint")[:, :, 0], given.values[:, :, 0])
    assert not made(given, "bone", bones="chained")[:, :, 0].any()


@pytest.mark.parametrize("stream", ["bone", "joint-motion"])
def test_scores_are_kept_averaged_or_subtracted(stream: str) -> None:
    given = clip(SIGN, "xys")
    ours = given.values[..., 2]
    other = ours[:, :, SIGN.parents()] if stream == "bone" else torch.cat([ours[1:], ours[-1:]])
    assert torch.equal(made(given, stream)[..., 2], ours)
    mean = made(given, stream, score="mean")[..., 2]
    torch.testing.assert_close(mean[:-1], ((ours + other) / 2)[:-1])
    assert (mean[-1] == 0).all() == (stream == "joint-motion")
    difference = made(given, stream, score="difference")[..., 2]
    torch.testing.assert_close(difference, ours - other if stream == "bone" else other - ours)


def test_what_is_missing_counts_as_zero_or_makes_its_bones_missing() -> None:
    given = clip(SIGN, "xys", persons=1)
    gone = torch.zeros(4, 1, 27, dtype=torch.bool)
    gone[1, 0, 5] = True  # the left wrist, which its hand root hangs on
    given = given.without(gone)
    plain = made(given, "bone")
    assert torch.equal(plain[1, 0, 7, :2], given.values[1, 0, 7, :2])  # minus nothing
    strict = ToStream("bone", missing="zero")(given, Chance())
    assert not strict.values[1, 0, [5, 7]].any()
    assert not strict.present[1, 0, [5, 7]].any()
    assert torch.equal(strict.values[2], plain[2])
    moving = ToStream("joint-motion", missing="zero")(given, Chance())
    assert not moving.values[:2, 0, 5].any()
    assert moving.values[2, 0, 5].any()


def test_a_bone_may_lead_elsewhere() -> None:
    layout = skeleton_layout("openpose-18")
    given = clip(layout)
    hip, nose = layout.index("left_hip"), layout.index("nose")
    found = made(given, "bone", parents=(("left_hip", "nose"),))
    torch.testing.assert_close(found[:, :, hip], given.values[:, :, hip] - given.values[:, :, nose])
    with pytest.raises(ValueError, match="no joint 'tail'"):
        made(given, "bone", parents=(("tail", "nose"),))


def test_one_frame_moves_nowhere_and_zeros_stay_zeros() -> None:
    given = clip(SIGN, frames=1)
    assert not made(given, "joint-motion").any()
    nothing = SkeletonClip.of(torch.zeros(3, 1, 27, 3), SIGN, "xyz")
    for stream in ("joint", "bone", "joint-motion", "bone-motion"):
        assert not made(nothing, stream).any()


def test_the_clip_given_is_left_as_it_is() -> None:
    given = clip(SIGN)
    before = given.values.clone()
    for stream in ("bone", "joint-motion", "bone-motion"):
        for way in ("true", "chained"):
            made(given, stream, bones=way)
    assert torch.equal(given.values, before)


@pytest.mark.parametrize("wrong", [{"stream": "bones"}, {"bones": "false"}, {"score": "max"}, {"root": "hip"}])
def test_unknown_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="of ToStream is unknown: there are"):
        ToStream(**{"stream": "joint", **wrong})
