from __future__ import annotations

import math

import pytest
import torch

from kd.losses import DKD
from slr.types import NetOutput, Padded
from tests.kd.losses.scored import batch, lists, random, spiky
from tests.reference import losses as reference_losses
from tests.reference import scores as reference

GLOSSES = [[1, 1, 3], [2], [3, 1]]


def pair() -> tuple[Padded, Padded]:
    teacher = random((6, 3, 5), spread=2.0)
    teacher.values[..., 0] += 1.0
    return random((6, 3, 5)), teacher


def value(loss: DKD, student: Padded, teacher: Padded, glosses: list[list[int]]) -> torch.Tensor:
    return loss(NetOutput(student), NetOutput(teacher), batch(glosses))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 8.0), (1.0, 0.0), (0.0, 1.0)])
@pytest.mark.parametrize("drop", [False, True])
def test_the_transcript_aligned_by_the_teacher_names_the_targets(
    drop: bool, alpha: float, beta: float, temperature: float
):
    student, teacher = pair()
    loss = DKD(alpha=alpha, beta=beta, temperature=temperature, blank="drop" if drop else "keep")
    paths = [reference.aligned(clip, glosses) for clip, glosses in zip(lists(teacher), GLOSSES, strict=True)]
    assert any(0 in path for path in paths)
    targets = [reference.dense(path) for path in paths] if drop else paths
    expected = reference.dkd(lists(student), lists(teacher), targets, alpha, beta, temperature, drop=drop)
    torch.testing.assert_close(value(loss, student, teacher, GLOSSES).item(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("drop", [False, True])
def test_the_best_class_of_the_teacher_can_be_the_target(drop: bool):
    student, teacher = pair()
    first = 1 if drop else 0
    targets = [[first + step[first:].index(max(step[first:])) for step in clip] for clip in lists(teacher)]
    expected = reference.dkd(lists(student), lists(teacher), targets, 1, 8, 4, drop=drop)
    loss = DKD(target="best", blank="drop" if drop else "keep")
    torch.testing.assert_close(value(loss, student, teacher, GLOSSES).item(), expected, rtol=1e-4, atol=1e-6)
    assert value(loss, student, teacher, GLOSSES) == value(loss, student, teacher, [[3], [3], []])


def test_both_parts_put_together_again_are_the_whole_divergence():
    scores, wanted = [0.3, -1.0, 2.0, 0.1], [2.5, 0.2, -0.4, 1.0]
    student, teacher = (Padded(torch.tensor([[one]]), torch.tensor([1])) for one in (scores, wanted))
    sure = reference_losses.softmax([score / 3 for score in wanted])[0]
    loss = DKD(alpha=1, beta=1 - sure, temperature=3, target="best")
    expected = 9 * reference_losses.kl(wanted, scores, 3)
    torch.testing.assert_close(value(loss, student, teacher, [[]]).item(), expected, rtol=1e-5, atol=1e-6)


def test_a_sure_teacher_still_teaches_the_other_classes():
    # The whole divergence weighs them with 1 - p = 2e-8 here.
    teacher = spiky([2], height=21.0)
    teacher.values[0, 0, 1] = 3.0
    student = Padded(torch.zeros(1, 1, 4, requires_grad=True), teacher.lengths)
    value(DKD(alpha=0, beta=1, temperature=1), student, teacher, [[2]]).backward()
    gradient = student.values.grad[0, 0]
    assert gradient[2] == 0
    assert gradient[1] < -0.5
    torch.testing.assert_close(gradient.sum(), torch.tensor(0.0), rtol=0, atol=1e-6)


def test_the_target_class_gets_its_gradient_from_the_target_part_alone():
    student, teacher = pair()
    student.values.requires_grad_()
    value(DKD(alpha=0, beta=1), student, teacher, GLOSSES).backward()
    for row, (clip, glosses) in enumerate(zip(lists(teacher), GLOSSES, strict=True)):
        for step, label in enumerate(reference.aligned(clip, glosses)):
            assert student.values.grad[row, step, label] == 0
    assert student.values.grad.any()


@pytest.mark.parametrize("blank", ["keep", "drop"])
@pytest.mark.parametrize("size", [1e3, 1e6])
def test_scores_of_any_size_stay_finite(blank: str, size: float):
    teacher = spiky([0, 1, 0, 2], height=size)
    student = Padded(-teacher.values.clone(), teacher.lengths)
    for ours, theirs in ((student, teacher), (teacher, student)):
        scores = Padded(ours.values.clone().requires_grad_(), ours.lengths)
        found = value(DKD(blank=blank), scores, theirs, [[1, 2]])
        found.backward()
        assert torch.isfinite(found)
        assert torch.isfinite(scores.values.grad).all()
    assert value(DKD(blank=blank, temperature=1), student, teacher, [[1, 2]]) > size / 3


def test_no_gradient_reaches_the_blank_when_it_is_dropped():
    student, teacher = pair()
    student.values.requires_grad_()
    value(DKD(blank="drop"), student, teacher, GLOSSES).backward()
    assert not student.values.grad[..., 0].any()
    assert student.values.grad[..., 1:].any()


def test_without_the_blank_a_clip_without_glosses_has_no_target_and_does_not_count():
    student, teacher = pair()
    silent = [GLOSSES[0], [], GLOSSES[2]]
    targets = [reference.dense(reference.aligned(*one)) for one in zip(lists(teacher), silent, strict=True)]
    assert targets[1] == [0, 0, 0]
    expected = reference.dkd(lists(student), lists(teacher), targets, 1, 8, 4, drop=True)
    torch.testing.assert_close(
        value(DKD(blank="drop"), student, teacher, silent).item(), expected, rtol=1e-4, atol=1e-6
    )
    assert value(DKD(blank="drop"), student, teacher, [[], [], []]) == 0


def test_two_glosses_and_no_blank_leave_one_class_beside_the_target():
    student, teacher = random((4,), classes=3), random((4,), classes=3)
    found = value(DKD(beta=5, blank="drop"), student, teacher, [[1, 2]])
    targets = [reference.dense(reference.aligned(lists(teacher)[0], [1, 2]))]
    expected = reference.dkd(lists(student), lists(teacher), targets, 1, 0, 4, drop=True)
    torch.testing.assert_close(found.item(), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="1 class is left"):
        value(DKD(blank="drop"), random((3,), classes=2), random((3,), classes=2), [[1]])


def test_targets_are_found_on_the_steps_of_the_student():
    student, teacher = random((4,)), random((7,), spread=3.0)
    wanted = reference_losses.resampled(lists(teacher)[0], 4)
    targets = [reference.aligned(wanted, [2, 1])]
    expected = reference.dkd(lists(student), [wanted], targets, 1, 8, 4, drop=False)
    torch.testing.assert_close(value(DKD(), student, teacher, [[2, 1]]).item(), expected, rtol=1e-4, atol=1e-6)


def test_other_heads_can_be_read():
    student, teacher = pair()
    loss = DKD(head="conv_logits", teacher_head="context_logits")
    assert (loss.student_taps, loss.teacher_taps) == (("conv_logits",), ("context_logits",))
    nonsense = student.map(lambda values: values * math.nan)
    found = loss(
        NetOutput(nonsense, {"conv_logits": student}), NetOutput(nonsense, {"context_logits": teacher}), batch(GLOSSES)
    )
    assert torch.equal(found, value(DKD(), student, teacher, GLOSSES))


def test_a_transcript_that_does_not_fit_is_named():
    student, teacher = pair()
    with pytest.raises(ValueError, match=r"'clip-1' \(3 steps, 4 needed\)"):
        value(DKD(), student, teacher, [[1], [2, 2, 1], [1]])
    with pytest.raises(ValueError, match="'clip-2' holds gloss id 4"):
        value(DKD(), student, teacher, [[1], [2], [4]])


def test_two_vocabularies_are_an_error():
    student, teacher = pair()
    with pytest.raises(ValueError, match="student writes 4 classes and the teacher 3"):
        value(DKD(), student, teacher.map(lambda values: values[..., :3]), GLOSSES)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"alpha": -1.0}, "alpha is -1.0"),
        ({"beta": math.inf}, "beta is inf"),
        ({"target": "gold"}, "target is 'gold'.*aligned, best"),
        ({"blank": "eliminate"}, "blank is 'eliminate'.*keep, drop"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        DKD(**arguments)
