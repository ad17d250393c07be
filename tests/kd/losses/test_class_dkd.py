from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from kd.losses import ClassDKD, CrossEntropy, FrameKL
from slr.types import Padded
from tests.kd.losses.classes import labels, scores, some
from tests.reference import classes as reference
from tests.reference import losses as reference_losses


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 8.0), (1.0, 0.0), (0.0, 1.0)])
def test_it_is_the_formula_with_the_label_as_target(alpha: float, beta: float, temperature: float) -> None:
    given = some()
    found = given.loss(ClassDKD(alpha, beta, temperature))
    wanted = reference.decoupled(scores(given), scores(given, teacher=True), labels(given), alpha, beta, temperature)
    assert found.item() == pytest.approx(wanted, rel=1e-4)


def test_the_whole_divergence_is_both_parts_the_second_weighed_by_what_the_teacher_leaves() -> None:
    given = some(1)
    left = 1 - reference_losses.softmax(scores(given, teacher=True)[0])[labels(given)[0]]
    whole = given.loss(FrameKL(temperature=1))
    torch.testing.assert_close(given.loss(ClassDKD(1, left, 1)), whole, rtol=1e-4, atol=1e-6)


def test_the_first_class_is_a_class_like_the_others() -> None:
    """Class 0 is no blank: renaming the classes changes nothing."""
    given = some(3)
    turned = [
        network.logits.map(lambda values: values.detach().roll(1, -1)) for network in (given.student, given.teacher)
    ]
    batch = replace(given.batch, labels=(given.batch.labels + 1) % 5)
    student, teacher = (
        replace(network, logits=logits) for network, logits in zip((given.student, given.teacher), turned, strict=True)
    )
    torch.testing.assert_close(ClassDKD()(student, teacher, batch), given.loss(ClassDKD()))


def test_frame_kl_is_the_distillation_of_logits_where_a_clip_is_one_step() -> None:
    given = some()
    wanted = [
        9 * reference_losses.kl(theirs, ours, 3.0)
        for ours, theirs in zip(scores(given), scores(given, teacher=True), strict=True)
    ]
    assert given.loss(FrameKL(temperature=3)).item() == pytest.approx(sum(wanted) / len(wanted), rel=1e-4)


def test_sentences_are_refused() -> None:
    given = some()
    with pytest.raises(ValueError, match="ClassDKD learns the class of a clip, and these clips have none"):
        ClassDKD()(given.student, given.teacher, replace(given.batch, labels=None))


def test_a_teacher_of_other_classes_is_refused() -> None:
    given = some()
    fewer = Padded(given.teacher.logits.values[..., :4], given.teacher.logits.lengths)
    with pytest.raises(ValueError, match="the student writes 5 classes and the teacher 4"):
        ClassDKD()(given.student, replace(given.teacher, logits=fewer), given.batch)
    assert given.loss(CrossEntropy()) > 0
