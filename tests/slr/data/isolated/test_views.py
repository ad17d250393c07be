from __future__ import annotations

import math

import pytest
import torch

from slr.data.isolated import (
    Camera,
    Chance,
    DropFramesWithout,
    KeepChannels,
    MatchPersons,
    RandomAffine,
    RandomMove,
    ShiftBy,
    SkeletonClip,
    Transform,
    TrimStart,
    WithMotion,
)
from slr.skeleton import skeleton_layout

SIGN = skeleton_layout("sign-27")
NONE = Chance()


def clip(frames: int = 6, channels: tuple[str, ...] = ("x", "y", "z"), persons: int = 2) -> SkeletonClip:
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(frames, persons, 27, len(channels), generator=generator)
    lost = torch.rand(values.shape[:-1], generator=generator) < 0.2
    return SkeletonClip.of(torch.where(lost[..., None], 0.0, values), SIGN, channels)


def training(seed: int = 0) -> Chance:
    return Chance.training(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("transform", [RandomAffine(probability=1), Camera(), RandomMove()], ids=repr)
@pytest.mark.parametrize("frames", [1, 6])
def test_nothing_is_random_in_testing_and_missing_joints_stay(transform: Transform, frames: int) -> None:
    given = clip(frames)
    assert transform(given, NONE) is given
    made = transform(given, training())
    assert not torch.equal(made.values, given.values)
    assert not made.values[~made.present].any()
    nothing = SkeletonClip.of(torch.zeros(frames, 1, 27, 3), SIGN, "xyz")
    assert not transform(nothing, training()).values.any()


def test_an_affine_change_is_one_matrix_about_the_middle() -> None:
    given = clip(channels=("x", "y", "score"), persons=1)
    given = SkeletonClip.of(given.values.abs(), SIGN, given.channels)
    for seed in range(20):
        made = RandomAffine(probability=1)(given, training(seed))
        before, after = (each.position[given.present] for each in (given, made))
        ones = torch.ones(len(before), 1)
        solution = torch.linalg.lstsq(torch.cat([before, ones], 1), after).solution
        torch.testing.assert_close(torch.cat([before, ones], 1) @ solution, after, atol=1e-4, rtol=1e-4)
        size = abs(float(torch.linalg.det(solution[:2])))
        assert 0.8**2 * (1 - 0.15**2) - 1e-4 <= size <= 1.2**2 * (1 + 0.15**2) + 1e-4
        assert (after.mean(0) - before.mean(0)).abs().max() <= 0.1 + 1e-4
        assert torch.equal(made.values[..., 2], given.values[..., 2])
    plain = RandomAffine((1, 1), 0, 0, 0, probability=1)(given, training())
    torch.testing.assert_close(plain.values, given.values)


def test_a_camera_makes_what_is_near_larger() -> None:
    given = clip(persons=1)
    made = Camera(2, 2)(given, training())
    seen = given.position[given.present]
    middle, extent = (seen.amax(0) + seen.amin(0)) / 2, float((seen.amax(0) - seen.amin(0)).max())
    for t, joint in given.present[:, 0].nonzero()[:20].tolist():
        x, y, z = (given.position[t, 0, joint] - middle).tolist()
        share = 2 * extent / (2 * extent + z)
        wanted = [share * x + float(middle[0]), share * y + float(middle[1]), z + float(middle[2])]
        assert made.position[t, 0, joint].tolist() == pytest.approx(wanted, abs=1e-4)
    with pytest.raises(ValueError, match="wants x, y and z"):
        Camera()(clip(channels=("x", "y")), NONE)


@pytest.mark.parametrize("moves", [1, 3])
def test_a_moving_picture_has_its_values_at_the_ends_and_lines_between(moves: int) -> None:
    one = torch.zeros(31, 1, 27, 2)
    one[..., 0] = 1
    turn_only = RandomMove(scales=(1.0,), shifts=(0.0,), moves=moves)(SkeletonClip.of(one, SIGN, "xy"), training(3))
    angles = torch.atan2(turn_only.values[:, 0, 0, 1], turn_only.values[:, 0, 0, 0]) * 180 / math.pi
    for end in (0, 30):
        assert min(abs(float(angles[end]) - choice) for choice in (-10, -5, 0, 5, 10)) < 1e-3
    part = 30 // moves
    for first in range(0, 30, part):
        slopes = angles[first : first + part + 1].diff()
        assert float(slopes.max() - slopes.min()) < 1e-3
    scaled = RandomMove((0.0,), (0.9, 1.0, 1.1), (0.0,))(SkeletonClip.of(one, SIGN, "xy"), training(4)).values
    assert min(abs(float(scaled[0, 0, 0, 0]) - choice) for choice in (0.9, 1.0, 1.1)) < 1e-5
    shifted = RandomMove((0.0,), (1.0,), (-0.2, 0.2))(SkeletonClip.of(one, SIGN, "xy"), training(1)).values
    assert {round(abs(float(value)), 4) for value in (shifted[0, 0, 0, 1], shifted[-1, 0, 0, 1])} == {0.2}


def test_everything_is_shifted_alike() -> None:
    given = clip()
    made = ShiftBy(-0.5, 2)(given, NONE)
    away = (made.values - given.values)[given.present]
    torch.testing.assert_close(away, torch.tensor([-0.5, 2, 0]).expand_as(away), atol=1e-5, rtol=0)
    assert not made.values[~given.present].any()


def test_channels_are_left_out_in_their_order() -> None:
    given = clip(channels=("x", "y", "z", "score"))
    made = KeepChannels(("score", "x", "y"))(given, NONE)
    assert made.channels == ("x", "y", "score")
    assert torch.equal(made.values, given.values[..., [0, 1, 3]])
    assert made.dimensions == 2
    for wrong in ((), ("w",)):
        with pytest.raises(ValueError, match="is kept"):
            KeepChannels(wrong)(given, NONE)


def test_ways_are_appended_as_channels() -> None:
    given = clip(frames=5, channels=("x", "y", "score"), persons=1)
    made = WithMotion((1, 2))(given, NONE)
    assert made.channels == ("x", "y", "x+1", "y+1", "x+2", "y+2", "score")
    for t in range(5):
        for joint in range(27):
            wanted = given.values[t, 0, joint, :2].tolist()
            for ahead in (1, 2):
                there = t + ahead < 5 and given.present[t, 0, joint] and given.present[t + ahead, 0, joint]
                way = given.values[t + ahead, 0, joint, :2] - given.values[t, 0, joint, :2] if there else torch.zeros(2)
                wanted += way.tolist()
            assert made.values[t, 0, joint].tolist() == pytest.approx([*wanted, float(given.values[t, 0, joint, 2])])
    assert WithMotion((1, 2))(clip(frames=1), NONE).values.shape[-1] == 9
    with pytest.raises(ValueError, match="numbers from 1 up"):
        WithMotion((0,))


def test_frames_before_the_first_person_and_without_hands_are_left_out() -> None:
    given = SkeletonClip.of(torch.ones(6, 2, 27, 3), SIGN, "xyz")
    lost = torch.zeros(6, 2, 27, dtype=torch.bool)
    lost[:2, 0] = True
    lost[0, 1] = True
    lost[4] = True
    assert TrimStart()(given.without(lost), NONE).frames.tolist() == [2, 3, 4, 5]
    assert TrimStart(first_person=False)(given.without(lost), NONE).frames.tolist() == [1, 2, 3, 4, 5]
    nobody = given.without(torch.ones(6, 2, 27, dtype=torch.bool))
    for transform in (TrimStart(), DropFramesWithout()):
        assert len(transform(nobody, NONE)) == 6
    hands = torch.zeros(6, 2, 27, dtype=torch.bool)
    hands[1:3, :, [*SIGN.groups["left_hand"], *SIGN.groups["right_hand"]]] = True
    hands[2, 1] = False
    assert DropFramesWithout()(given.without(hands), NONE).frames.tolist() == [0, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="has no group 'mouth'"):
        DropFramesWithout(("mouth",))(given, NONE)


def test_bodies_that_change_places_are_matched_by_their_distance() -> None:
    places = torch.tensor([[0.0, 5.0, 9.0], [5.1, 0.1, 9.1], [9.2, 0.2, 5.2], [0.3, 9.3, 5.3]])
    values = places[:, :, None, None].expand(4, 3, 27, 2).clone() + 1
    made = MatchPersons()(SkeletonClip.of(values, SIGN, "xy"), NONE)
    torch.testing.assert_close(made.values[:, :, 0, 0] - 1, places.sort(1).values)
    assert MatchPersons()(clip(persons=1), NONE).values.shape[1] == 1


def test_a_body_that_is_away_for_a_while_comes_back_to_its_place() -> None:
    values = torch.zeros(4, 2, 27, 2)
    for t, bodies in enumerate([(1.0, 6.0), (6.1,), (6.2,), (1.3, 6.3)]):
        for place, x in enumerate(bodies):
            values[t, place] = x
    made = MatchPersons()(SkeletonClip.of(values, SIGN, "xy"), NONE)
    assert made.values[:, 0, 0, 0].tolist() == pytest.approx([1.0, 0, 0, 1.3])
    assert made.values[:, 1, 0, 0].tolist() == pytest.approx([6.0, 6.1, 6.2, 6.3])
    late = torch.zeros(2, 2, 27, 2)
    late[1, 0] = 3.0
    assert MatchPersons()(SkeletonClip.of(late, SIGN, "xy"), NONE).values[1, 0, 0, 0] == 3
