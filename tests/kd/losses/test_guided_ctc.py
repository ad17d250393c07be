from __future__ import annotations

import math

import pytest
import torch

from kd.losses import GuidedCTC
from slr.types import NetOutput, Padded
from tests.kd.losses.scored import batch, lists, random, spiky
from tests.reference import losses as reference_losses
from tests.reference import scores as reference


def value(student: Padded, guide: Padded) -> torch.Tensor:
    return GuidedCTC()(NetOutput(student), NetOutput(guide), batch([[1]] * len(student.lengths)))


def test_it_is_what_the_student_lacks_at_the_spikes_of_the_guide():
    student, guide = random((6, 3, 5)), random((6, 3, 5), spread=2.0)
    guide.values[..., 0] += 1.0
    expected = reference.guided_ctc(lists(student), lists(guide))
    assert 0.3 < expected < 1
    torch.testing.assert_close(value(student, guide).item(), expected, rtol=1e-5, atol=1e-6)


def test_a_clip_that_can_be_followed_by_hand():
    guide = spiky([0, 2, 0, 1])
    scores = torch.zeros(1, 4, 4)
    scores[0, 1] = torch.tensor([0.0, 0.0, math.log(7), 0.0])  # 7 in 10
    scores[0, 3] = torch.tensor([math.log(5), 0.0, 0.0, 0.0])  # 1 in 8
    torch.testing.assert_close(value(Padded(scores, guide.lengths), guide).item(), (0.3 + 0.875) / 2)


def test_its_gradient_is_that_of_the_masked_sum_of_the_paper_over_the_spikes():
    guide = spiky([0, 2, 0, 1, 1])
    student = random((5,))
    student.values.requires_grad_()
    posteriors = student.values.softmax(dim=-1)[0]
    paper = -(posteriors[1, 2] + posteriors[3, 1] + posteriors[4, 1])
    expected = torch.autograd.grad(paper, student.values)[0] / 3
    value(student, guide).backward()
    torch.testing.assert_close(student.values.grad, expected)


def test_steps_where_the_guide_says_blank_teach_nothing():
    student, guide = random((5, 2)), Padded(torch.zeros(2, 5, 4), torch.tensor([5, 2]))
    guide.values[..., 0] = 1
    student.values.requires_grad_()
    nothing = value(student, guide)
    nothing.backward()
    assert nothing.item() == 0
    assert not student.values.grad.any()
    guide.values[1, 1, 3] = 2
    value(student, guide).backward()
    assert student.values.grad[1, 1].any()
    assert not student.values.grad[0].any()
    assert not student.values.grad[1, 0].any()


def test_spikes_in_the_padding_of_the_guide_are_none():
    student, guide = random((5, 2)), random((5, 2))
    expected = value(student, guide)
    guide.values[1, 2:, 3] = 50
    assert torch.equal(value(student, guide), expected)


def test_a_student_that_is_sure_of_the_guides_spikes_has_nothing_to_learn():
    guide = spiky([0, 2, 0, 1])
    assert value(spiky([0, 2, 0, 1], height=40.0), guide) == 0
    # However sure it is of something else, it loses no more than a whole spike.
    torch.testing.assert_close(value(spiky([1, 1, 2, 2], height=1e6), guide).item(), 1.0)


def test_a_guide_of_another_length_gives_its_labels_to_the_nearest_steps():
    student, guide = random((3,)), spiky([1, 0, 2, 2, 3, 0, 3])  # steps 0, 3 and 6
    ours = lists(student)[0]
    expected = sum(1 - reference_losses.softmax(step)[gloss] for step, gloss in zip(ours, (1, 2, 3), strict=True)) / 3
    torch.testing.assert_close(value(student, guide).item(), expected, rtol=1e-5, atol=1e-6)


def test_other_heads_can_be_read():
    student, guide = random((6,)), random((6,), spread=2.0)
    loss = GuidedCTC(head="conv_logits", teacher_head="context_logits")
    assert (loss.student_taps, loss.teacher_taps) == (("conv_logits",), ("context_logits",))
    nonsense = student.map(lambda values: values * math.nan)
    found = loss(
        NetOutput(nonsense, {"conv_logits": student}), NetOutput(nonsense, {"context_logits": guide}), batch([[1]])
    )
    assert torch.equal(found, value(student, guide))


def test_two_vocabularies_are_an_error():
    with pytest.raises(ValueError, match="student writes 4 classes and the teacher 5"):
        value(random((3,)), random((3,), classes=5))
