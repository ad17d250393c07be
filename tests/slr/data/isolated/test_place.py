from __future__ import annotations

import math

import pytest
import torch

from slr.data.isolated import (
    AlignBody,
    AspectRatio,
    CentreOn,
    Chance,
    DropEmptyFrames,
    FrameToUnit,
    HandsOnWrists,
    LongestPersonFirst,
    MinMax,
    SizeOfBody,
    SkeletonClip,
    UnitSpread,
)
from slr.data.isolated.transforms.place import turn_onto
from slr.skeleton import SkeletonLayout, skeleton_layout
from tests.reference.skeleton_clips import min_max

NTU = skeleton_layout("ntu-25")
SIGN = skeleton_layout("sign-27")
NONE = Chance()


def clip(
    layout: SkeletonLayout = NTU, channels: tuple[str, ...] = ("x", "y", "z"), frames: int = 4, persons: int = 2
) -> SkeletonClip:
    """Random places with some joints missing, never the centre or a shoulder of the first person in the first frame."""
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(frames, persons, len(layout), len(channels), generator=generator)
    if channels[-1] == "score":
        values[..., -1] = torch.rand(values.shape[:-1], generator=generator) + 0.1
    lost = torch.rand(values.shape[:-1], generator=generator) < 0.2
    lost[:, 0, [*(layout.reference or ()), layout.centre, 0, 1]] = False
    return SkeletonClip.of(torch.where(lost[..., None], 0.0, values), layout, channels, (200, 100))


@pytest.mark.parametrize("frame", ["first", "each", "mean"])
@pytest.mark.parametrize("missing", ["keep", "move"])
def test_centring_subtracts_one_joint(frame: str, missing: str) -> None:
    given = clip()
    joint = NTU.index("spine_mid")
    made = CentreOn("spine_mid", frame=frame, missing=missing)(given, NONE).values
    rows = given.values.tolist()
    for t, body in enumerate(rows):
        for p, person in enumerate(body):
            for j, place in enumerate(person):
                places = [row[0][joint] for row in rows]
                origin = {"first": places[0], "each": places[t]}.get(frame) or [
                    sum(axis) / len(places) for axis in zip(*places, strict=True)
                ]
                wanted = [a - b for a, b in zip(place, origin, strict=True)]
                if missing == "keep" and place == [0, 0, 0]:
                    wanted = place
                assert made[t, p, j].tolist() == pytest.approx(wanted, abs=1e-6)


def test_a_score_is_not_centred() -> None:
    given = clip(SIGN, ("x", "y", "score"), persons=1)
    made = CentreOn("nose", frame="mean")(given, NONE)
    assert torch.equal(made.values[..., 2], given.values[..., 2])
    assert made.values[:, 0, 0, :2].mean(0).abs().max() < 1e-6


def test_min_max_stretches_every_axis_over_the_whole_clip() -> None:
    given = clip()
    expected = torch.tensor(min_max(given.values.tolist(), -1, 1))
    torch.testing.assert_close(MinMax()(given, NONE).values, expected)
    scaled = given.placed(given.position * 3, missing="move")
    torch.testing.assert_close(MinMax()(scaled, NONE).values, expected)  # so a scale before it has no effect


def test_min_max_of_a_clip_of_zeros_is_the_middle() -> None:
    zeros = SkeletonClip.of(torch.zeros(2, 1, 25, 3), NTU, "xyz")
    assert not MinMax()(zeros, NONE).values.any()
    assert (MinMax(0, 1)(zeros, NONE).values == 0.5).all()


def test_a_body_is_turned_upright_and_to_the_front() -> None:
    given = clip()
    made = AlignBody(("spine_base", "spine_mid"), ("right_shoulder", "left_shoulder"))(given, NONE)
    across = made.values[0, 0, NTU.index("left_shoulder")] - made.values[0, 0, NTU.index("right_shoulder")]
    assert across[1:].abs().max() < 1e-5
    assert across[0] > 0
    before, after = (
        torch.cdist(values.flatten(0, 2).double(), values.flatten(0, 2).double())
        for values in (given.values, made.values)
    )
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)  # a turn and nothing else
    only_up = AlignBody(("spine_base", "spine_mid"), ("spine_base", "spine_base"))(given, NONE).values
    spine = only_up[0, 0, 1] - only_up[0, 0, 0]
    assert spine[:2].abs().max() < 1e-5
    assert spine[2] > 0


@pytest.mark.parametrize("bone", [(0.0, 0.0, 2.0), (0.0, 0.0, -3.0), (1.0, -2.0, 0.5), (0.0, 0.0, 0.0), (1e-9, 0, 0)])
def test_a_turn_takes_a_bone_onto_an_axis(bone: tuple[float, float, float]) -> None:
    direction, axis = torch.tensor(bone), torch.tensor([0.0, 0.0, 1.0])
    turn = turn_onto(direction, axis)
    torch.testing.assert_close(turn @ turn.T, torch.eye(3), atol=1e-6, rtol=0)
    assert float(torch.linalg.det(turn)) == pytest.approx(1, abs=1e-5)
    if direction.norm() > 1e-6:
        torch.testing.assert_close(turn @ direction, direction.norm() * axis, atol=1e-5, rtol=0)
    else:
        assert torch.equal(turn, torch.eye(3))


def test_pixels_become_units_of_the_frame() -> None:
    given = clip(SIGN, ("x", "y", "score"), persons=1)
    unsure = given.values[..., 2] < 0.3
    made = FrameToUnit(least_score=0.3)(given, NONE)
    for t, j in ((0, 3), (2, 20), (3, 26)):
        x, y, score = given.values[t, 0, j].tolist()
        wanted = [(x - 100) / 100, (y - 50) / 50, score] if score > 0.3 else [0, 0, 0]
        assert made.values[t, 0, j].tolist() == pytest.approx(wanted, abs=1e-6)
    assert not made.values[unsure].any()
    boxed = FrameToUnit(least_score=0, box=True)(given, NONE)
    seen = boxed.position[boxed.present]
    assert seen.amin(0).tolist() == pytest.approx([-1, -1])
    assert seen.amax(0).tolist() == pytest.approx([1, 1])
    unknown = SkeletonClip.of(given.values, SIGN, given.channels)
    with pytest.raises(ValueError, match="how large the frames are"):
        FrameToUnit()(unknown, NONE)
    zeros = SkeletonClip.of(torch.zeros(2, 1, 27, 3), SIGN, given.channels)
    assert not FrameToUnit(box=True)(zeros, NONE).values.any()


def test_shoulders_give_origin_and_unit() -> None:
    given = clip(SIGN, ("x", "y", "z", "score"))
    made = SizeOfBody()(given, NONE)
    left, right = (given.position[:, 0, joint] for joint in SIGN.reference or ())
    unit = sorted(math.dist(a, b) for a, b in zip(left.tolist(), right.tolist(), strict=True))
    unit = (unit[1] + unit[2]) / 2
    middles = [sorted(((left + right) / 2)[:, axis].tolist()) for axis in range(3)]
    origin = [(axis[1] + axis[2]) / 2 for axis in middles]
    place = given.position[2, 1, 8]
    wanted = [(a - b) / unit for a, b in zip(place.tolist(), origin, strict=True)] if place.any() else [0, 0, 0]
    assert made.position[2, 1, 8].tolist() == pytest.approx(wanted, rel=1e-4)
    assert not made.values[~given.present].any()
    assert torch.equal(made.values[..., 3], given.values[..., 3])


def test_without_shoulders_the_spread_is_the_unit() -> None:
    given = clip(SIGN, ("x", "y", "score"), persons=1)
    gone = torch.zeros(4, 1, 27, dtype=torch.bool)
    gone[:, :, 1] = True
    made = SizeOfBody()(given.without(gone), NONE)
    seen = made.position[made.present]
    assert seen.mean(0).abs().max() < 1e-5
    assert float(seen.square().sum(-1).mean()) == pytest.approx(1, rel=1e-4)
    zeros = SkeletonClip.of(torch.zeros(2, 1, 27, 3), SIGN, given.channels)
    assert not SizeOfBody()(zeros, NONE).values.any()


def test_every_coordinate_is_divided_by_its_spread() -> None:
    given = clip(SIGN, ("x", "y", "z", "score"))
    made = UnitSpread()(given, NONE)
    for axis in range(3):
        shown = given.position[given.present][:, axis].tolist()
        mean = sum(shown) / len(shown)
        spread = math.sqrt(sum((value - mean) ** 2 for value in shown) / len(shown))
        torch.testing.assert_close(made.position[..., axis], given.position[..., axis] / spread)
    assert torch.equal(made.values[..., 3], given.values[..., 3])
    flat = SkeletonClip.of(torch.ones(2, 1, 27, 3), SIGN, "xyz")
    assert torch.equal(UnitSpread()(flat, NONE).values, flat.values)
    assert not UnitSpread()(SkeletonClip.of(torch.zeros(2, 1, 27, 3), SIGN, "xyz"), NONE).values.any()


def test_shares_of_the_frame_become_lengths() -> None:
    given = clip(SIGN, ("x", "y", "z", "score"))
    made = AspectRatio(1.5)(given, NONE)
    torch.testing.assert_close(made.values, given.values * torch.tensor([1.5, 1, 1.5, 1]))


def test_hands_hang_on_their_wrists() -> None:
    given = clip(SIGN, ("x", "y", "score"), persons=1)
    gone = torch.zeros(4, 1, 27, dtype=torch.bool)
    gone[1, 0, SIGN.roots["left_hand"]] = True
    given = given.without(gone)
    made = HandsOnWrists(2.0)(given, NONE)
    assert not made.values[1, 0, list(SIGN.groups["left_hand"])].any()
    root, tip = SIGN.roots["right_hand"], SIGN.groups["right_hand"][3]
    both = given.present[:, 0, root] & given.present[:, 0, tip]
    expected = 2 * (given.position[:, 0, tip] - given.position[:, 0, root])
    torch.testing.assert_close(made.position[both, 0, tip], expected[both])
    assert not made.values[~both, 0, tip].any()
    assert torch.equal(made.values[:, :, : SIGN.roots["left_hand"]], given.values[:, :, : SIGN.roots["left_hand"]])


def test_empty_frames_are_dropped_unless_all_are() -> None:
    given = clip(frames=5)
    gone = torch.zeros(5, 2, 25, dtype=torch.bool)
    gone[1] = True
    gone[3, 0] = True
    given = given.without(gone)
    assert DropEmptyFrames()(given, NONE).frames.tolist() == [0, 2, 3, 4]
    assert DropEmptyFrames(first_person=True)(given, NONE).frames.tolist() == [0, 2, 4]
    nobody = given.without(torch.ones(5, 2, 25, dtype=torch.bool))
    assert len(DropEmptyFrames()(nobody, NONE)) == 5


def test_the_person_seen_longer_comes_first() -> None:
    given = clip(frames=5, persons=3)
    gone = torch.zeros(5, 3, 25, dtype=torch.bool)
    gone[:2, 0] = True
    swapped = LongestPersonFirst()(given.without(gone), NONE)
    assert torch.equal(swapped.values[:, [1, 0, 2]], given.without(gone).values)
    gone[:3, 1] = True
    kept = given.without(gone)
    assert LongestPersonFirst()(kept, NONE) is kept
    assert len(LongestPersonFirst()(clip(persons=1), NONE)) == 4


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: CentreOn("nose", frame="last"), "there are first, each, mean"),
        (lambda: CentreOn("nose", missing="drop"), "there are keep, move"),
        (lambda: MinMax(1, 1), "low must be below high"),
        (lambda: CentreOn("tail")(clip(), NONE), "no joint 'tail'"),
        (lambda: AlignBody(("nose", "nose"), ("nose", "nose"))(clip(SIGN, ("x", "y")), NONE), "needs x, y and z"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        wrong()  # type: ignore[operator]
