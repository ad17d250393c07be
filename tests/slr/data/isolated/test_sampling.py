from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.data.isolated import (
    Chance,
    CropResize,
    PadTo,
    SampleSubset,
    SampleWithReplacement,
    SkeletonClip,
    Transform,
    UniformSample,
    Window,
)
from tests.reference.skeleton_clips import interpolated

from .made_up import LAYOUT

SAMPLERS = [
    SampleWithReplacement(7),
    SampleSubset(7),
    UniformSample(7),
    UniformSample(7, least_share=0.5),
    CropResize(7),
    PadTo(7),
    PadTo(7, fill="repeat"),
    Window(7),
]


def clip(frames: int) -> SkeletonClip:
    """x of every joint is the number of its frame plus one."""
    values = torch.arange(1.0, frames + 1)[:, None, None, None].expand(frames, 1, 5, 3).clone()
    return SkeletonClip.of(values, LAYOUT, "xyz")


def chance(seed: int = 0) -> Chance:
    return Chance.training(torch.Generator().manual_seed(seed))


def shown(transform: Transform, frames: int, chance: Chance = Chance()) -> list[int]:  # noqa: B008
    made = transform(clip(frames), chance)
    assert torch.equal(made.values[..., 0, 0, 0][made.present[:, 0, 0]], made.frames[made.present[:, 0, 0]] + 1)
    return made.frames.int().tolist()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@given(frames=st.integers(1, 40), seed=st.integers(0, 100))
def test_samplers_make_clips_of_one_length_out_of_any(sampler: Transform, frames: int, seed: int) -> None:
    for chances in (Chance(), chance(seed)):
        made = sampler(clip(frames), chances)
        assert len(made) == sampler.steps(frames) == 7
        assert made.frames.min() >= 0
        assert made.frames.max() <= frames - 1
        if not isinstance(sampler, UniformSample | PadTo | Window):
            assert (made.frames.diff() >= 0).all()
    assert torch.equal(sampler(clip(frames), chance(seed)).frames, sampler(clip(frames), chance(seed)).frames)


def test_with_replacement_is_even_in_testing_and_uniform_in_training() -> None:
    assert shown(SampleWithReplacement(4), 9) == [0, 2, 5, 8]
    assert shown(SampleWithReplacement(5), 1) == [0] * 5
    drawn = Counter(frame for seed in range(300) for frame in shown(SampleWithReplacement(10), 5, chance(seed)))
    assert all(abs(drawn[frame] - 600) < 4 * math.sqrt(600 * 0.8) for frame in range(5))


def test_a_subset_has_no_frame_twice_unless_the_clip_is_short() -> None:
    assert shown(SampleSubset(4), 10) == [int(i * 10 / 4) for i in range(4)]
    assert shown(SampleSubset(6), 4) == [0, 0, 1, 2, 2, 3]
    for seed in range(50):
        found = shown(SampleSubset(6), 10, chance(seed))
        assert found == sorted(set(found))
        short = Counter(shown(SampleSubset(6), 4, chance(seed)))  # each of four frames stands there twice
        assert max(short.values()) <= 2
        assert len(short) >= 3


def test_uniform_sampling_has_three_ways() -> None:
    for seed in range(50):
        short = shown(UniformSample(10), 4, chance(seed))
        assert short == [(short[0] + i) % 4 for i in range(10)]
        middle = shown(UniformSample(10), 13, chance(seed))
        offsets = [frame - step for step, frame in enumerate(middle)]
        assert sorted(offsets) == offsets
        assert offsets[-1] == 3
        assert set(offsets) <= {0, 1, 2, 3}
        long = shown(UniformSample(10), 37, chance(seed))
        assert all(37 * i // 10 <= frame < 37 * (i + 1) // 10 for i, frame in enumerate(long))
    starts = {shown(UniformSample(10), 4, chance(seed))[0] for seed in range(60)}
    assert starts == {0, 1, 2, 3}
    firsts = {shown(UniformSample(10), 37, chance(seed))[1] for seed in range(60)}
    assert firsts == {3, 4, 5, 6}
    assert shown(UniformSample(4), 12) == [1, 4, 7, 10]
    assert shown(UniformSample(4), 3) == [0, 1, 2, 0]
    assert shown(UniformSample(6), 8) == [0, 2, 3, 4, 6, 7]  # two moves, a quarter and three quarters in


def test_a_stretch_may_be_taken_before_uniform_sampling() -> None:
    spans = []
    for seed in range(100):
        found = shown(UniformSample(5, least_share=0.5), 40, chance(seed))
        spans.append(found[-1] - found[0])
    assert min(spans) < 20
    assert shown(UniformSample(5, least_share=0.5), 40) == shown(UniformSample(5), 40)


@pytest.mark.parametrize(("frames", "length"), [(9, 4), (4, 9), (1, 5), (7, 7), (50, 64)])
def test_resizing_interpolates_between_frames(frames: int, length: int) -> None:
    generator = torch.Generator().manual_seed(3)
    values = torch.rand(frames, 2, 5, 3, generator=generator) + 0.1
    made = CropResize(length, test=1.0)(SkeletonClip.of(values, LAYOUT, "xyz"), Chance())
    for person, joint, channel in ((0, 0, 0), (1, 4, 2)):
        expected = interpolated(values[:, person, joint, channel].tolist(), length)
        torch.testing.assert_close(made.values[:, person, joint, channel], torch.tensor(expected))
    torch.testing.assert_close(made.frames, torch.tensor(interpolated(list(range(frames)), length)))


def test_the_crop_is_the_middle_in_testing_and_random_in_training() -> None:
    made = CropResize(16, test=0.5)(clip(16), Chance())
    assert made.frames.min() >= 4
    assert made.frames.max() <= 11
    spans = []
    for seed in range(60):
        found = CropResize(16, low=0.5)(clip(64), chance(seed)).frames
        spans.append(float(found[-1] - found[0]))
    assert min(spans) < 40
    assert max(spans) > 50
    # A clip of fewer frames than steps is shown whole.
    assert torch.equal(CropResize(16)(clip(9), chance()).frames, CropResize(16, test=1)(clip(9), Chance()).frames)


def test_a_joint_is_present_where_a_frame_beside_the_step_has_it() -> None:
    given = clip(4)
    lost = torch.zeros(4, 1, 5, dtype=torch.bool)
    lost[0, 0, 2] = lost[1, 0, 2] = True
    made = CropResize(8, test=1.0)(given.without(lost), Chance())
    assert made.present[:, 0, 2].tolist() == [False, False, False, True, True, True, True, True]


def test_filling_with_zeros_and_with_the_clip_itself() -> None:
    assert shown(PadTo(7, fill="repeat"), 3) == [0, 1, 2, 0, 1, 2, 0]
    assert shown(PadTo(7, fill="repeat"), 9) == list(range(7))
    made = PadTo(7)(clip(3), Chance())
    assert made.values[3:].abs().sum() == 0
    assert not made.present[3:].any()
    assert torch.equal(made.values[:3], clip(3).values)


def test_a_window_lies_anywhere_in_training() -> None:
    assert shown(Window(4), 9) == [0, 1, 2, 3]
    firsts = {shown(Window(4), 9, chance(seed))[0] for seed in range(80)}
    assert firsts == set(range(6))
    places = set()
    for seed in range(60):
        made = Window(7)(clip(3), chance(seed))
        at = made.present[:, 0, 0].nonzero()[:, 0].tolist()
        assert made.values[at, 0, 0, 0].tolist() == [1, 2, 3]
        places.add(at[0])
    assert places == set(range(5))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SampleWithReplacement(0),
        lambda: SampleSubset(0),
        lambda: UniformSample(5, least_share=2),
        lambda: CropResize(5, low=0.9, high=0.5),
        lambda: CropResize(5, test=1.5),
        lambda: PadTo(0),
        lambda: PadTo(5, fill="ones"),
        lambda: Window(0),
    ],
)
def test_settings_out_of_range_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"it must be|there are"):
        wrong()  # type: ignore[operator]
