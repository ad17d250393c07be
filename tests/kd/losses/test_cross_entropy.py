from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from kd.losses import CTC, CrossEntropy
from slr.types import NetOutput, Padded
from tests.losses import Case, Example, example

CASE = Case("CrossEntropy", CrossEntropy, of_a_class=True)


def slow(given: Example, smoothing: float) -> float:
    """Clip by clip, class by class."""
    assert given.batch.labels is not None
    values = []
    for clip, label in zip(given.student.logits.unpad(), given.batch.labels.tolist(), strict=True):
        for scores in clip.tolist():
            total = sum(math.exp(score) for score in scores)
            for index, score in enumerate(scores):
                target = (1 - smoothing) * (index == label) + smoothing / len(scores)
                values.append(-target * math.log(math.exp(score) / total))
    return sum(values) / sum(given.student.logits.lengths.tolist())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("steps", [(1, 1, 1), (1, 0, 1), (1,)])
def test_it_is_the_mean_over_clips_of_the_negative_log_probability(smoothing: float, steps: tuple[int, ...]) -> None:
    given = CASE.example(steps=steps)
    assert given.loss(CrossEntropy(label_smoothing=smoothing)).item() == pytest.approx(slow(given, smoothing), rel=1e-5)


def test_it_is_ctc_where_the_label_is_a_transcript_of_one_gloss() -> None:
    given = CASE.example()
    assert given.batch.labels is not None
    label = given.batch.labels.clamp(min=1)
    transcripts = Padded(label[:, None], torch.ones_like(label))
    ours = CrossEntropy()(given.student, None, replace(given.batch, labels=label))
    theirs = CTC()(given.student, None, replace(given.batch, labels=None, glosses=transcripts))
    torch.testing.assert_close(ours, theirs)


def test_another_head_can_be_taught() -> None:
    given = CASE.example()
    loss = given.loss(CrossEntropy("conv_logits"))
    torch.testing.assert_close(loss, CrossEntropy()(NetOutput(given.student.read("conv_logits")), None, given.batch))


def test_sentences_and_networks_for_sentences_are_refused() -> None:
    given = CASE.example()
    with pytest.raises(ValueError, match="CrossEntropy learns the class of a clip, and these clips have none"):
        CrossEntropy()(given.student, None, replace(given.batch, labels=None))
    with pytest.raises(ValueError, match="this network writes 6: it wants a network with task 'class'"):
        CrossEntropy()(example().student, None, given.batch)
    with pytest.raises(ValueError, match="a class and no transcript: CrossEntropy learns it"):
        CTC()(given.student, None, given.batch)


@pytest.mark.parametrize("label", [-1, 5])
def test_a_label_that_is_no_class_is_refused(label: int) -> None:
    given = CASE.example()
    labels = torch.tensor([0, label, 1])
    with pytest.raises(ValueError, match=f"clip 'clip-1' has label {label}, but this network has 5 classes"):
        CrossEntropy()(given.student, None, replace(given.batch, labels=labels))


@pytest.mark.parametrize("smoothing", [-0.1, 1.1])
def test_smoothing_is_a_share(smoothing: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        CrossEntropy(label_smoothing=smoothing)
