from __future__ import annotations

import pytest

from slr.ctc import step_times


def test_steps_cover_the_frames_of_their_stride():
    times = step_times([0, 2], [1, 2], range(10), stride=4, fps=25)
    assert times.frames == ((0, 8), (8, 10))  # the last of three steps has two frames left
    assert times.seconds == ((0.0, 0.32), (0.32, 0.4))


def test_a_plan_that_skips_and_repeats_frames_is_followed():
    times = step_times([0, 1], [0, 1], [5, 5, 6, 9, 12, 12], stride=3, fps=10)
    assert times.frames == ((5, 7), (9, 13))
    assert times.seconds == ((0.5, 0.7), (0.9, 1.3))


def test_no_gloss_takes_no_time():
    assert step_times([], [], range(4), stride=4, fps=25).seconds == ()


@pytest.mark.parametrize(("start", "end"), [(0, 3), (2, 1), (-1, 0), (3, 3)])
def test_steps_outside_the_clip_are_refused(start, end):
    with pytest.raises(ValueError, match=r"10 input steps, .* 3 output steps"):
        step_times([start], [end], range(10), stride=4, fps=25)


@pytest.mark.parametrize(("stride", "fps"), [(0, 25), (4, 0), (4, float("nan"))])
def test_impossible_rates_are_refused(stride, fps):
    with pytest.raises(ValueError, match="positive"):
        step_times([0], [0], range(10), stride=stride, fps=fps)
