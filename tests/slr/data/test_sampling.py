from __future__ import annotations

import json
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.data import TemporalPlan
from slr.data.seeding import chance, sample_generator, uniform

from .conftest import generator


@given(num_frames=st.integers(1, 300), stride=st.integers(1, 7))
def test_evaluation_shows_every_strided_frame_once(num_frames: int, stride: int) -> None:
    plan = TemporalPlan(stride=stride, speed=[0.8, 1.2], min_frames=32, max_frames=230)
    expected = [frame for frame in range(num_frames) if frame % stride == 0]
    assert plan.draw(num_frames).tolist() == expected
    assert plan.bounds(num_frames, training=False) == (len(expected), len(expected))
    assert TemporalPlan(stride=stride).draw(num_frames, generator()).tolist() == expected


@given(
    num_frames=st.integers(1, 300),
    stride=st.integers(1, 3),
    speed=st.tuples(st.floats(0.2, 1.0), st.floats(1.0, 2.0)),
    bounds=st.one_of(st.just((None, None)), st.tuples(st.integers(1, 40), st.integers(40, 250))),
    seed=st.integers(0, 1000),
)
def test_training_draws_ascending_frames_of_a_length_within_the_bounds(
    num_frames: int, stride: int, speed: tuple[float, float], bounds: tuple[int | None, int | None], seed: int
) -> None:
    plan = TemporalPlan(stride=stride, speed=speed, min_frames=bounds[0], max_frames=bounds[1])
    frames = plan.draw(num_frames, generator(seed)).tolist()
    steps = -(-num_frames // stride)
    shortest, longest = plan.bounds(num_frames)
    assert shortest <= len(frames) <= longest
    low, high = max(bounds[0] or 1, 1), bounds[1] or 10**9
    assert shortest == max(low, min(high, int(steps * speed[0])))
    assert longest == max(low, min(high, int(steps * speed[1])))
    assert frames == sorted(frames)
    assert set(frames) <= set(range(0, num_frames, stride))
    if len(frames) <= steps:
        assert len(set(frames)) == len(frames)


@given(num_frames=st.integers(1, 60), stride=st.integers(1, 4), speed=st.sampled_from([None, (0.5, 1.5)]))
def test_from_random_starts_every_frame_is_seen(
    num_frames: int, stride: int, speed: tuple[float, float] | None
) -> None:
    plan = TemporalPlan(stride=stride, random_start=True, speed=speed)
    chances = generator(1)
    drawn = [plan.draw(num_frames, chances).tolist() for _ in range(40)]
    assert {frame for frames in drawn for frame in frames} <= set(range(num_frames))
    shortest, longest = plan.bounds(num_frames)
    assert all(shortest <= len(frames) <= longest for frames in drawn)
    if speed is None:
        grids = {tuple(range(start, num_frames, stride)) for start in range(min(stride, num_frames))}
        assert {tuple(frames) for frames in drawn} == grids
        assert {len(frames) for frames in drawn} == set(range(shortest, longest + 1))
    assert plan.draw(num_frames).tolist() == list(range(0, num_frames, stride))


def test_speeds_are_spread_evenly_over_the_interval() -> None:
    plan = TemporalPlan(speed=[0.8, 1.2])
    chances = generator(3)
    lengths = Counter(len(plan.draw(100, chances)) for _ in range(4000))
    assert set(lengths) == set(range(80, 120))
    assert min(lengths.values()) > 60  # 100 expected of each


def test_faster_than_the_clip_means_repeats_and_no_frame_is_favoured() -> None:
    plan = TemporalPlan(speed=[2.0, 2.0])
    chances = generator()
    drawn = Counter(frame for _ in range(2000) for frame in plan.draw(5, chances).tolist())
    assert sum(drawn.values()) == 2000 * 10
    assert all(abs(count - 4000) < 300 for count in drawn.values())


def test_a_plan_rebuilt_from_its_description_evaluates_alike() -> None:
    plan = TemporalPlan(stride=3, speed=[0.5, 1.5], max_frames=50)
    rebuilt = TemporalPlan.from_description(json.loads(json.dumps(plan.describe())))
    assert torch.equal(rebuilt.draw(100), plan.draw(100))
    assert rebuilt.describe() == plan.describe()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"stride": 0}, "stride 0 would show nothing"),
        ({"speed": [1.2, 0.8]}, "is no interval"),
        ({"speed": [0, 1]}, "is no interval"),
        ({"speed": [1.0]}, "is no interval"),
        ({"speed": [1.0, float("inf")]}, "is no interval"),
        ({"max_frames": 10}, "give speed too"),
        ({"speed": [0.8, 1.2], "min_frames": 10, "max_frames": 9}, "10 to 9 frames does not exist"),
    ],
)
def test_senseless_plans_are_refused(settings: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TemporalPlan(**settings)


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame, got 0"):
        TemporalPlan().draw(0)


def test_a_generator_depends_on_all_that_names_it_and_on_nothing_else() -> None:
    names = [(0, 0, "a", "rgb"), (1, 0, "a", "rgb"), (0, 1, "a", "rgb"), (0, 0, "b", "rgb"), (0, 0, "a", "pose")]
    names += [(1, 11, "a", "rgb"), (11, 1, "a", "rgb")]
    first = [sample_generator(*name).initial_seed() for name in names]
    torch.rand(3)
    assert first == [sample_generator(*name).initial_seed() for name in names]
    assert len(set(first)) == len(names)


def test_chance_draws_once_whatever_the_probability() -> None:
    left, right = generator(5), generator(5)
    assert not chance(left, 0.0)
    assert chance(right, 1.0)
    assert uniform(left, 2, 3) == uniform(right, 2, 3)
