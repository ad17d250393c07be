from __future__ import annotations

from typing import Any

import pytest

from slr.data import SignDataset, TemporalPlan
from slr.vocabulary import Vocabulary
from tests.workbench.fake_corpus import FakeCorpus
from tests.workbench.test_recognise import Scripted
from workbench.feasibility import check_targets_fit


def clips(text: str, frames: int, stream: str = "pose", **options: Any) -> SignDataset:
    corpus = FakeCorpus({"long": ("train", "A B", 50), "short": ("train", text, frames)})
    return SignDataset(corpus, "train", Vocabulary(("A", "B")), streams={stream}, training=True, **options)


@pytest.mark.parametrize(
    ("text", "needed"),
    [("A", 1), ("A B", 2), ("A A", 3), ("A B A B", 4), ("A A A", 5), ("A B B A", 5)],
)
def test_the_limit_is_one_step_per_gloss_and_a_blank_between_equal_neighbours(text: str, needed: int) -> None:
    network = Scripted([], stride=2)
    check_targets_fit(clips(text, 2 * needed), network)
    check_targets_fit(clips(text, 2 * needed - 1), network)  # the last step covers one frame
    if needed > 1:
        with pytest.raises(
            ValueError, match=rf"^1 clip is too short .*: short \({needed - 1} steps, {needed} needed\);"
        ):
            check_targets_fit(clips(text, 2 * needed - 2), network)


def test_the_strides_of_plan_stream_and_network_multiply() -> None:
    plan = TemporalPlan(stride=3)
    # 24 frames: eight steps of the plan; every second of them for RGB: four; two outputs.
    check_targets_fit(clips("A B", 24, "rgb", plan=plan, rgb_stride=2), Scripted([], stride=2, stream="rgb"))
    with pytest.raises(ValueError, match=r"short \(1 steps, 2 needed\)"):
        check_targets_fit(clips("A B", 12, "rgb", plan=plan, rgb_stride=2), Scripted([], stride=2, stream="rgb"))
    # The stride of the RGB stream is no matter of a network that reads keypoints.
    check_targets_fit(clips("A B", 12, plan=plan, rgb_stride=2), Scripted([], stride=2))


def test_the_shortest_plan_that_training_can_draw_counts() -> None:
    network = Scripted([], stride=1)
    check_targets_fit(clips("A B A B", 8, plan=TemporalPlan(speed=(0.5, 1.5))), network)
    with pytest.raises(ValueError, match=r"short \(3 steps, 4 needed\)"):
        check_targets_fit(clips("A B A B", 7, plan=TemporalPlan(speed=(0.5, 1.5))), network)


def test_of_many_short_clips_the_first_twenty_are_listed() -> None:
    corpus = FakeCorpus({f"c{number:02d}": ("train", "A B", 1) for number in range(25)})
    dataset = SignDataset(corpus, "train", Vocabulary(("A", "B")), streams={"pose"})
    with pytest.raises(ValueError, match=r"^25 clips are too short .*c19 \(1 steps, 2 needed\) and 5 more;") as caught:
        check_targets_fit(dataset, Scripted([], stride=1))
    assert "c20" not in str(caught.value)
