from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.data.isolated import (
    Chance,
    DropFrames,
    MaskTime,
    MeanBins,
    SkeletonClip,
    SplineSpeed,
    TemporalCrop,
    TimeWarp,
    Transform,
)
from slr.data.isolated.transforms.times import at_times, monotone_cubic

from .made_up import LAYOUT


def clip(frames: int, gaps: bool = False) -> SkeletonClip:
    """x is the number of the frame plus one; with gaps some joints are missing in some frames."""
    values = torch.arange(1.0, frames + 1)[:, None, None, None].expand(frames, 2, 5, 3).clone()
    made = SkeletonClip.of(values, LAYOUT, "xyz")
    lost = torch.rand(frames, 2, 5, generator=torch.Generator().manual_seed(3)) < (0.3 if gaps else 0)
    return made.without(lost)


def training(seed: int = 0) -> Chance:
    return Chance.training(torch.Generator().manual_seed(seed))


RANDOM = [TemporalCrop(), TimeWarp(), SplineSpeed(), DropFrames(), MaskTime(probability=1)]


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
@given(frames=st.integers(1, 30), seed=st.integers(0, 50))
def test_any_length_works_and_nothing_is_random_in_testing(transform: Transform, frames: int, seed: int) -> None:
    given = clip(frames, gaps=True)
    assert transform(given, Chance()) is given
    made = transform(given, training(seed))
    assert 1 <= len(made) <= transform.steps(frames)
    assert (made.frames.diff() >= 0).all()
    assert not made.values[~made.present].any()
    assert torch.equal(made.values, transform(given, training(seed)).values)


def test_a_crop_keeps_its_share_anywhere() -> None:
    lengths, firsts = set(), set()
    for seed in range(200):
        made = TemporalCrop(0.7)(clip(10), training(seed))
        frames = made.frames.tolist()
        assert frames == [frames[0] + i for i in range(len(frames))]
        lengths.add(len(frames))
        firsts.add(frames[0])
    assert lengths == {7, 8, 9, 10}
    assert firsts == {0, 1, 2, 3}


def test_a_warped_clip_shows_the_nearest_frames() -> None:
    for seed in range(50):
        made = TimeWarp(0.5, 2.0)(clip(21), training(seed))
        count = len(made)
        assert 10 <= count <= 42
        wanted = [round(20 * i / (count - 1)) for i in range(count)]
        assert max(abs(a - b) for a, b in zip(made.frames.tolist(), wanted, strict=True)) <= 0.5 + 1e-6
    done = [TimeWarp(0.5, 0.6, probability=0.3)(clip(10), training(seed)) for seed in range(200)]
    assert 35 <= sum(len(made) > 10 for made in done) <= 85


@given(st.lists(st.floats(0.05, 3), min_size=1, max_size=6), st.lists(st.floats(0.05, 3), min_size=6, max_size=6))
def test_the_cubic_meets_its_points_and_never_turns_back(widths: list[float], rises: list[float]) -> None:
    x = torch.tensor([0.0, *widths]).cumsum(0)
    y = torch.tensor([0.0, *rises[: len(widths)]]).cumsum(0)
    torch.testing.assert_close(monotone_cubic(x, y, x), y, atol=1e-4, rtol=1e-4)
    at = torch.linspace(0, float(x[-1]), 200)
    found = monotone_cubic(x, y, at)
    assert (found.diff() >= -1e-4).all()
    assert found.min() >= -1e-4
    assert found.max() <= y[-1] + 1e-4


def test_the_cubic_of_a_line_is_the_line() -> None:
    x = torch.tensor([0.0, 0.1, 0.7, 1.0])
    at = torch.linspace(0, 1, 31)
    torch.testing.assert_close(monotone_cubic(x, 3 * x + 1, at), 3 * at + 1)


def test_a_hermite_cubic_by_hand() -> None:
    """Between two knots the cubic is a + b s + c s^2 + d s^3 with the slopes at both ends."""
    x, y = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.0, 2.0, 3.0])
    slopes = (2.0, 0.5)
    weights = (2 * 2 + 1, 2 + 2 * 1)
    inner = sum(weights) / (weights[0] / slopes[0] + weights[1] / slopes[1])
    for at in (0.0, 0.3, 0.9):
        m0, m1, rise = slopes[0], inner, 2.0
        wanted = m0 * at + (3 * rise - 2 * m0 - m1) * at**2 + (m0 + m1 - 2 * rise) * at**3
        assert float(monotone_cubic(x, y, torch.tensor([at]))[0]) == pytest.approx(wanted, abs=1e-6)


def test_a_spline_changes_the_speed_and_keeps_both_ends() -> None:
    made = SplineSpeed(strength=0.6)(clip(31), training())
    assert len(made) == 31
    assert made.frames[0] == 0
    assert float(made.frames[-1]) == pytest.approx(30, abs=1e-3)
    assert made.frames.diff().max() - made.frames.diff().min() > 0.1
    torch.testing.assert_close(made.values[:, 0, 0, 0], made.frames + 1)
    calm = SplineSpeed(strength=0)(clip(31), training())
    torch.testing.assert_close(calm.frames, torch.arange(31.0), atol=1e-3, rtol=0)


def test_between_two_frames_what_one_lacks_comes_from_the_other() -> None:
    given = clip(3)
    lost = torch.zeros(3, 2, 5, dtype=torch.bool)
    lost[0, 0, 1] = lost[0, 0, 2] = lost[1, 0, 2] = True
    made = at_times(given.without(lost), torch.tensor([0.25, 1.5, 2.0, 9.0]))
    assert made.values[:, 0, 0, 0].tolist() == [1.25, 2.5, 3.0, 3.0]
    assert made.values[0, 0, 1].tolist() == [2, 2, 2]  # only the second frame has it
    assert not made.values[0, 0, 2].any()
    assert made.present[0, 0].tolist() == [True, True, False, True, True]
    assert made.values[1, 0, 2].tolist() == [3, 3, 3]


@pytest.mark.parametrize(("frames", "length"), [(10, 4), (7, 7), (9, 8), (5, 9), (300, 128)])
def test_bins_hold_the_means_of_their_frames(frames: int, length: int) -> None:
    given = clip(frames, gaps=True)
    made = MeanBins(length)(given, Chance())
    if frames <= length:
        assert made is given
        return
    assert len(made) == MeanBins(length).steps(frames) == length
    for step in range(length):
        inside = range(math.floor(step * frames / length), math.floor((step + 1) * frames / length))
        assert len(inside) >= 1
        shown = [given.values[t, 1, 3, 0].item() for t in inside if given.present[t, 1, 3]]
        assert bool(made.present[step, 1, 3]) == bool(shown)
        assert made.values[step, 1, 3, 0].item() == pytest.approx(sum(shown) / max(len(shown), 1), rel=1e-5)
        assert made.frames[step].item() == pytest.approx(sum(inside) / len(inside))


def test_frames_are_left_out_but_never_too_many() -> None:
    kept = [len(DropFrames(0.8)(clip(50), training(seed))) for seed in range(100)]
    assert 38 <= sum(kept) / len(kept) <= 42
    assert {len(DropFrames(0.0, least=0.2)(clip(50), training(seed))) for seed in range(20)} == {10}
    assert len(DropFrames(0.0, least=0.0)(clip(50), training())) == 1
    assert len(DropFrames(1.0)(clip(50), training())) == 50


def test_a_stretch_of_time_is_masked() -> None:
    shares = []
    for seed in range(100):
        made = MaskTime(0.2, 0.4, probability=1)(clip(40), training(seed))
        assert len(made) == 40
        gone = ~made.present.flatten(1).any(1)
        places = gone.nonzero()[:, 0].tolist()
        assert places == list(range(places[0], places[0] + len(places)))
        shares.append(len(places) / 40)
    assert 0.2 <= min(shares) < 0.25
    assert 0.35 < max(shares) <= 0.4


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TemporalCrop(2), lambda: TimeWarp(2, 1), lambda: TimeWarp(0, 1), lambda: SplineSpeed(knots=1),
        lambda: SplineSpeed(strength=-1), lambda: MeanBins(0), lambda: DropFrames(2), lambda: MaskTime(0.5, 0.4),
        lambda: MaskTime(probability=2),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="it must be"):
        wrong()  # type: ignore[operator]
