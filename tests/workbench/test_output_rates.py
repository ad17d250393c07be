from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from workbench.output_rates import Rates

NETWORKS: dict[str, Callable[[float], int]] = {
    "rounding up": math.ceil,
    "rounding down": math.floor,
    "without padding": lambda steps: max(1, math.floor(steps) - 2),
}


def clips(seed: int = 0, number: int = 30, low: int = 60, high: int = 200) -> dict[str, int]:
    chance = random.Random(seed)
    return {f"clip-{index}": chance.randint(low, high) for index in range(number)}


def said(frames: dict[str, int], rate: float, rounded: Callable[[float], int] = math.ceil) -> dict[str, int]:
    return {clip: rounded(count / rate) for clip, count in frames.items()}


@pytest.mark.parametrize("rate", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("network", NETWORKS)
def test_frames_per_step_are_worked_out_from_all_clips(rate: int, network: str) -> None:
    frames = clips()
    if network == "without padding" and rate == 8:
        frames = clips(low=150, high=300)  # of shorter ones too large a share is lost
    steps = {"logits": said(frames, rate, NETWORKS[network])}
    assert Rates(25, 25, {}).frames_per_step(frames, steps) == {"logits": rate}


@pytest.mark.parametrize("rate", [2, 4, 8])
def test_short_clips_that_round_up_do_not_hide_the_rate(rate: int) -> None:
    frames = clips(low=35, high=70)
    assert Rates(25, 25, {}).frames_per_step(frames, {"logits": said(frames, rate)}) == {"logits": rate}


def test_another_frame_rate_is_taken_into_account() -> None:
    frames = clips()  # of 25 per second; the teacher saw 30
    steps = {"logits": said(frames, 4 * 25 / 30), "frame": said(frames, 25 / 30)}
    assert Rates(25, 30, {}).frames_per_step(frames, steps) == {"logits": 4, "frame": 1}
    assert Rates(25, 25, {"logits": 10 / 3, "frame": 5 / 6}).frames_per_step(frames, steps)["logits"] == 10 / 3


def test_one_clip_of_another_length_is_named_with_both_numbers() -> None:
    frames = {**clips(), "odd": 120}
    steps = said(frames, 4)
    for wrong in (26, 34):
        with pytest.raises(
            ValueError, match=f"logits of clip 'odd' has {wrong} steps, and its 120 frames of 25 per sec"
        ):
            Rates(25, 25, {}).frames_per_step(frames, {"logits": {**steps, "odd": wrong}})
    for near in (28, 32):
        assert Rates(25, 25, {}).frames_per_step(frames, {"logits": {**steps, "odd": near}}) == {"logits": 4}


def test_what_is_said_goes_before_what_could_be_worked_out() -> None:
    frames = clips()
    with pytest.raises(
        ValueError, match=r"at one per 2 frames of 25 per second \(as said\): these are outputs of anoth"
    ):
        Rates(25, 25, {"logits": 2}).frames_per_step(frames, {"logits": said(frames, 4)})


@pytest.mark.parametrize("steps", [{"a": 0, "b": 0}, {"a": 500, "b": 1000}])
def test_no_rate_at_all_is_told(steps: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="which is no whole number: say --fps"):
        Rates(25, 25, {}).frames_per_step({"a": 100, "b": 200}, {"logits": steps})
