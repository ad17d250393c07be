from __future__ import annotations

import math

import pytest
import torch

from kd.losses import CTC, SequenceKD
from slr.types import NetOutput, Padded
from tests.kd.losses.scored import batch, lists, random, spiky
from tests.reference import scores as reference

EVERYTHING = 200  # prefixes: more than there are sentences in five steps of three classes


def value(loss: SequenceKD, student: Padded, teacher: Padded) -> torch.Tensor:
    return loss(NetOutput(student), NetOutput(teacher), batch([[1]] * len(student.lengths)))


@pytest.mark.parametrize("n_best", [1, 2, 5, EVERYTHING])
def test_it_is_the_cross_entropy_of_the_best_sentences_over_all_their_paths(n_best: int):
    student, teacher = random((5, 3, 4), classes=3), random((5, 3, 4), classes=3, spread=2.0)
    expected = reference.sequence_kd(lists(student), lists(teacher), n_best)
    loss = SequenceKD(n_best=n_best, width=EVERYTHING)
    torch.testing.assert_close(value(loss, student, teacher).item(), expected, rtol=1e-4, atol=1e-5)


def test_one_hypothesis_is_ctc_on_what_the_teacher_reads():
    student, paths = random((6, 4, 5)), ([1, 0, 1, 2, 0, 3], [0] * 6, [2, 2, 0, 2, 0, 0])
    teacher = Padded(torch.cat([spiky(path).values for path in paths]), student.lengths)
    read = [[1, 1, 2, 3], [], [2, 2]]
    expected = CTC()(NetOutput(student), None, batch(read))
    torch.testing.assert_close(value(SequenceKD(n_best=1), student, teacher), expected)


def test_a_hypothesis_that_does_not_fit_leaves_its_weight_to_the_others():
    teacher = random((5, 4), classes=3, spread=2.0)
    student = random((2, 4), classes=3)  # two steps hold no three glosses, and no gloss twice
    n_best = 6
    best = list(reference.best_sentences(lists(teacher)[0], n_best))
    assert any(len(sentence) > 2 for sentence in best)
    assert any(len(sentence) <= 2 for sentence in best)
    expected = reference.sequence_kd(lists(student), lists(teacher), n_best)
    loss = SequenceKD(n_best=n_best, width=EVERYTHING)
    torch.testing.assert_close(value(loss, student, teacher).item(), expected, rtol=1e-4, atol=1e-5)


def test_a_clip_without_a_hypothesis_that_fits_does_not_count():
    teacher = Padded(torch.cat([spiky([1, 2, 3, 1], height=40.0).values] * 2), torch.tensor([4, 4]))
    student = random((4, 2))
    student.values.requires_grad_()
    loss = SequenceKD(n_best=1)
    found = value(loss, student, teacher)
    alone = value(loss, Padded(student.values[:1], student.lengths[:1]), spiky([1, 2, 3, 1], height=40.0))
    torch.testing.assert_close(found, alone)
    found.backward()
    assert student.values.grad[0].any()
    assert not student.values.grad[1].any()


def test_a_batch_in_which_nothing_fits_is_nothing():
    teacher, student = spiky([1, 2, 3, 1], height=40.0), random((2,))
    student.values.requires_grad_()
    found = value(SequenceKD(n_best=1), student, teacher)
    found.backward()
    assert found.item() == 0
    assert not student.values.grad.any()


def test_a_teacher_that_sees_no_sign_teaches_blanks():
    student = random((3,))
    expected = -sum(step[0] for step in reference.logs(lists(student)[0]))
    found = value(SequenceKD(n_best=1), student, spiky([0, 0, 0]))
    torch.testing.assert_close(found.item(), expected, rtol=1e-5, atol=1e-6)


def test_the_student_signs_when_it_likes():
    teacher = spiky([1, 0, 0, 2, 0, 0, 0], height=30.0)
    for path in ([0, 0, 1, 0, 0, 0, 2], [1, 2], [0, 0, 1, 1, 2, 2, 2, 2, 0, 0]):
        assert value(SequenceKD(), spiky(path, height=30.0), teacher) < 1e-3
    assert value(SequenceKD(), spiky([2, 0, 0, 1], height=30.0), teacher) > 10


def test_clips_weigh_alike_however_many_hypotheses_and_steps_they_have():
    student, teacher = random((5, 2), classes=3), random((5, 2), classes=3)
    loss = SequenceKD(n_best=EVERYTHING, width=EVERYTHING)
    alone = [
        value(loss, *(Padded(clip[None], torch.tensor([len(clip)])) for clip in pair))
        for pair in zip(student.unpad(), teacher.unpad(), strict=True)
    ]
    torch.testing.assert_close(value(loss, student, teacher), sum(alone) / 2)


@pytest.mark.parametrize("size", [1e3, 1e5])
def test_scores_of_any_size_stay_finite(size: float):
    student = Padded(spiky([3, 3, 0, 3], height=size).values.requires_grad_(), torch.tensor([4]))
    found = value(SequenceKD(), student, spiky([1, 0, 2, 0], height=size))
    found.backward()
    assert found > size
    assert torch.isfinite(found)
    assert torch.isfinite(student.values.grad).all()


def test_other_heads_can_be_read():
    student, teacher = random((6,)), random((6,))
    loss = SequenceKD(head="conv_logits", teacher_head="context_logits")
    assert (loss.student_taps, loss.teacher_taps) == (("conv_logits",), ("context_logits",))
    nonsense = student.map(lambda values: values * math.nan)
    found = loss(
        NetOutput(nonsense, {"conv_logits": student}), NetOutput(nonsense, {"context_logits": teacher}), batch([[1]])
    )
    assert torch.equal(found, value(SequenceKD(), student, teacher))


def test_two_vocabularies_are_an_error():
    with pytest.raises(ValueError, match="student writes 4 classes and the teacher 3"):
        value(SequenceKD(), random((3,)), random((3,), classes=3))


@pytest.mark.parametrize("arguments", [{"n_best": 0}, {"n_best": 11}, {"width": 0}])
def test_senseless_arguments_are_refused(arguments: dict):
    with pytest.raises(ValueError, match="a beam of width"):
        SequenceKD(**arguments)
