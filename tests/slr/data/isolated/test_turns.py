from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from slr.data.isolated import Chance, Mirror, RandomScale, RandomShift, RandomTurn, SkeletonClip, Transform, TurnWithin
from slr.data.isolated.transforms.turns import mirrored, rotation
from slr.skeleton import skeleton_layout
from tests.reference.skeleton_clips import turned

SIGN = skeleton_layout("sign-27")


def clip(channels: Sequence[str] = ("x", "y", "z"), persons: int = 2, frames: int = 3) -> SkeletonClip:
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(frames, persons, len(SIGN), len(channels), generator=generator)
    lost = torch.rand(values.shape[:-1], generator=generator) < 0.2
    return SkeletonClip.of(torch.where(lost[..., None], 0.0, values), SIGN, channels)


def training(seed: int = 0) -> Chance:
    return Chance.training(torch.Generator().manual_seed(seed))


RANDOM = [
    RandomTurn(40),
    RandomTurn(60, axes="xy", whole=True),
    RandomTurn(40, about="shoulders"),
    TurnWithin(),
    RandomScale(0.5, 1.5),
    RandomScale(0.9, 1.1, per_axis=True),
    RandomShift(10.0),
    Mirror(1.0),
    Mirror(1.0, width=512),
]


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
def test_nothing_is_random_in_testing_and_missing_joints_stay_missing(transform: Transform) -> None:
    given = clip()
    assert transform(given, Chance()) is given
    assert transform(given, Chance(view=torch.Generator())) is given
    made = transform(given, training())
    assert not torch.equal(made.values, given.values)
    assert not made.values[~made.present].any()
    assert made.present.sum() == given.present.sum()
    flat = clip(("x", "y", "score"), persons=1)
    again = transform(flat, training())
    order = SIGN.mirror_permutation() if isinstance(transform, Mirror) else torch.arange(27)
    assert torch.equal(again.values[..., 2], flat.values[:, :, order, 2])  # a score is no coordinate
    assert torch.equal(transform(flat, training()).values, again.values)


def test_a_rotation_turns_about_x_then_y_then_z() -> None:
    angles = (0.3, -0.8, 1.9)
    for point in ([1.0, 0.0, 0.0], [0.2, -1.4, 0.7]):
        found = rotation(*angles) @ torch.tensor(point)
        assert found.tolist() == pytest.approx(turned(point, *angles), abs=1e-6)


def test_turns_stay_within_their_angles() -> None:
    one = SkeletonClip.of(torch.tensor([1.0, 0.0, 0.0]).expand(1, 1, 27, 3).clone(), SIGN, "xyz")
    about_z, tilts = [], []
    for seed in range(200):
        x, y, z = RandomTurn(30, axes="z")(one, training(seed)).values[0, 0, 0].tolist()
        assert z == pytest.approx(0, abs=1e-6)
        about_z.append(math.degrees(math.atan2(y, x)))
        tilts.append(RandomTurn(30)(one, training(seed)).values[0, 0, 0, 2].item())
    assert max(map(abs, about_z)) <= 30
    assert min(about_z) < -25
    assert max(about_z) > 25
    assert max(map(abs, tilts)) <= math.sin(math.radians(30)) + 1e-6
    assert max(tilts) > 0.3


def test_whole_degrees_reach_both_ends() -> None:
    one = SkeletonClip.of(torch.tensor([0.0, 1.0, 0.0]).expand(1, 1, 27, 3).clone(), SIGN, "xyz")
    found = set()
    for seed in range(100):
        _, y, z = RandomTurn(2, axes="x", whole=True)(one, training(seed)).values[0, 0, 0].tolist()
        found.add(round(math.degrees(math.atan2(z, y)), 3))
    assert found == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("transform", [RandomTurn(40), RandomTurn(40, about="shoulders"), TurnWithin()])
def test_a_turn_keeps_all_distances(transform: Transform) -> None:
    given = clip()
    made = transform(given, training())
    seen = given.present
    before, after = (
        torch.cdist(values[seen].double(), values[seen].double()) for values in (given.values, made.values)
    )
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("transform", [RandomTurn(40, about="shoulders"), TurnWithin()])
def test_shoulders_stay_between_where_they_were(transform: Transform) -> None:
    given = clip(persons=1)
    pair = list(SIGN.reference or ())
    seen = given.present[:, 0, pair].all(-1)
    made = transform(given, training(3))
    before, after = (each.values[seen, 0][:, pair].mean((0, 1)) for each in (given, made))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    nobody = SkeletonClip.of(torch.zeros(2, 1, 27, 3), SIGN, "xyz")
    assert not transform(nobody, training()).values.any()


def test_a_scale_is_one_factor_or_one_per_axis() -> None:
    given = clip()
    seen = given.present
    one = (RandomScale(0.5, 1.5)(given, training(2)).values / given.values)[seen]
    assert float(one.max() - one.min()) < 1e-5
    assert 0.5 <= float(one[0, 0]) <= 1.5
    each = (RandomScale(0.5, 1.5, per_axis=True)(given, training(2)).values / given.values)[seen]
    assert float((each.amax(0) - each.amin(0)).max()) < 1e-4
    assert len({round(factor, 4) for factor in each[0].tolist()}) == 3
    done = [RandomScale(0.5, 1.5, probability=0.3)(given, training(seed)) is not given for seed in range(200)]
    assert 35 <= sum(done) <= 85


def test_a_shift_moves_x_and_y_of_all_joints_alike_and_no_bone() -> None:
    given = clip()
    moved = (RandomShift(10.0)(given, training()).values - given.values)[given.present]
    torch.testing.assert_close(moved, moved[:1].expand_as(moved), atol=1e-5, rtol=0)
    assert moved[0, 2] == 0
    assert moved[0, 0] != moved[0, 1]
    assert moved.abs().max() <= 10
    for stream in ("bone", "bone-motion"):
        assert RandomShift(10.0, stream=stream)(given, training()) is given
    assert RandomShift(10.0, stream="joint-motion")(given, training()) is not given


def test_a_mirror_swaps_sides_and_is_undone_by_itself() -> None:
    given = clip(("x", "y", "score"), persons=1)
    made = mirrored(given, 512)
    assert made.flipped
    for joint, twin in (("left_wrist", "right_wrist"), ("nose", "nose"), ("right_hand_root", "left_hand_root")):
        for t in range(3):
            x, y, score = given.values[t, 0, SIGN.index(twin)].tolist()
            wanted = [512 - x, y, score] if (x, y, score) != (0, 0, 0) else [0, 0, 0]
            assert made.values[t, 0, SIGN.index(joint)].tolist() == pytest.approx(wanted, abs=1e-4)
    torch.testing.assert_close(mirrored(made, 512).values, given.values, atol=1e-4, rtol=0)
    flips = [Mirror(0.5)(given, training(seed)).flipped for seed in range(200)]
    assert 70 <= sum(flips) <= 130


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RandomTurn(200),
        lambda: RandomTurn(10, axes="w"),
        lambda: RandomTurn(10, axes="xx"),
        lambda: RandomTurn(10, about="hips"),
        lambda: RandomScale(1.5, 0.5),
        lambda: RandomShift(-1),
        lambda: Mirror(2),
        lambda: TurnWithin(yaw=-1),
    ],
)
def test_settings_out_of_range_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"it must be|there are|are none"):
        wrong()  # type: ignore[operator]
