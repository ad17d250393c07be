from __future__ import annotations

import math

import pytest
import torch

from kd.losses import FrameKL, ShiftTolerantKL
from slr.types import NetOutput, Padded
from tests.kd.losses.scored import batch, lists, random, spiky
from tests.reference import losses as reference_losses
from tests.reference import scores as reference


def value(loss: ShiftTolerantKL | FrameKL, student: Padded, teacher: Padded) -> torch.Tensor:
    return loss(NetOutput(student), NetOutput(teacher), batch([[1]] * len(student.lengths)))


@pytest.mark.parametrize("blank", ["keep", "drop"])
@pytest.mark.parametrize("softness", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("per", ["clip", "step"])
@pytest.mark.parametrize("max_shift", [1, 4])  # four steps reach beyond the clip of three
def test_it_is_the_divergence_at_the_best_shift(max_shift: int, per: str, softness: float, blank: str):
    student, teacher = random((6, 3, 5)), random((6, 3, 5), spread=2.0)
    loss = ShiftTolerantKL(max_shift=max_shift, per=per, softness=softness, temperature=1.5, blank=blank)
    expected = reference.shift_tolerant(
        lists(student), lists(teacher), max_shift, per, softness, 1.5, drop=blank == "drop"
    )
    assert expected > 0
    torch.testing.assert_close(value(loss, student, teacher).item(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("per", ["clip", "step"])
@pytest.mark.parametrize("blank", ["keep", "drop"])
def test_without_a_shift_it_is_the_frame_divergence(per: str, blank: str):
    student, teacher = random((6, 3, 5)), random((6, 3, 5), spread=2.0)
    expected = value(FrameKL(blank=blank), student, teacher)
    for softness in (0.0, 1.0):
        found = value(ShiftTolerantKL(max_shift=0, per=per, softness=softness, blank=blank), student, teacher)
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("delay", [-2, -1, 1, 2])
def test_a_student_that_is_late_by_as_much_as_is_allowed_has_nothing_to_learn(delay: int):
    signs = [1, 0, 2, 0, 3, 1, 0]
    held = [signs[max(0, min(len(signs) - 1, step - delay))] for step in range(len(signs))]
    student, teacher = spiky(held), spiky(signs)
    assert value(FrameKL(), student, teacher) > 1
    for per in ("clip", "step"):
        assert value(ShiftTolerantKL(max_shift=abs(delay), per=per), student, teacher) == 0
        assert value(ShiftTolerantKL(max_shift=abs(delay) - 1, per=per), student, teacher) > 0


def test_a_jitter_is_forgiven_by_the_step_and_not_by_the_clip():
    student, teacher = spiky([1, 0, 0, 0, 2, 0]), spiky([0, 1, 0, 2, 0, 0])  # one spike early, one late
    # A blank or either spike of the teacher is never more than a step away.
    assert value(ShiftTolerantKL(max_shift=1, per="step"), student, teacher) == 0
    assert value(ShiftTolerantKL(max_shift=1, per="clip"), student, teacher) > 1


def test_a_student_without_a_sign_gets_off_by_the_step_unless_the_blank_is_dropped():
    student, teacher = spiky([0] * 6), spiky([0, 1, 0, 2, 0, 0])
    assert value(ShiftTolerantKL(max_shift=1, per="step"), student, teacher) == 0
    assert value(ShiftTolerantKL(max_shift=1, per="clip"), student, teacher) > 1
    # Between its spikes this teacher still leans to the sign that is near.
    teacher.values[0, :, 1:] += torch.tensor([[2.0, 0, 0]] * 3 + [[0.0, 2, 0]] * 3)
    assert value(ShiftTolerantKL(max_shift=1, per="step", blank="drop"), student, teacher) > 0.1


def test_every_clip_has_its_own_shift():
    signs = [1, 0, 2, 0, 3, 3]
    early, late = [0, 2, 0, 3, 3, 3], [1, 1, 0, 2, 0, 3]
    student = Padded(torch.cat([spiky(early).values, spiky(late).values]), torch.tensor([6, 6]))
    teacher = Padded(spiky(signs).values.repeat(2, 1, 1), torch.tensor([6, 6]))
    assert value(ShiftTolerantKL(max_shift=1), student, teacher) == 0


def test_a_soft_minimum_lies_between_the_minimum_and_the_mean():
    student, teacher = random((6, 4)), random((6, 4), spread=2.0)
    for per in ("clip", "step"):
        values = [
            value(ShiftTolerantKL(per=per, softness=softness), student, teacher).item()
            for softness in (0.0, 1e-3, 0.1, 1.0, 10.0, 1e4)
        ]
        assert values == sorted(values)
        torch.testing.assert_close(values[1], values[0], rtol=0, atol=3e-3)
        by_shift = [
            reference.shift_tolerant([lists(student)[row]], [lists(teacher)[row]], 2, per, 1e9, 2.0, drop=False)
            for row in (0, 1)
        ]
        torch.testing.assert_close(values[-1], (6 * by_shift[0] + 4 * by_shift[1]) / 10, rtol=1e-3, atol=1e-3)


def test_a_soft_minimum_teaches_from_every_shift():
    student, teacher = spiky([0, 0, 1, 0, 0]), spiky([0, 1, 0, 0, 0])
    for softness, taught in ((0.0, False), (5.0, True)):
        scores = Padded(student.values.clone().requires_grad_(), student.lengths)
        value(ShiftTolerantKL(max_shift=1, softness=softness), scores, teacher).backward()
        assert bool((scores.values.grad.abs() > 1e-4).any()) == taught


@pytest.mark.parametrize("per", ["clip", "step"])
@pytest.mark.parametrize("softness", [0.0, 0.1])
def test_scores_of_any_size_stay_finite(per: str, softness: float):
    teacher = spiky([0, 1, 0, 2], height=1e4)
    student = Padded(spiky([3, 3, 3, 3], height=1e4).values.requires_grad_(), teacher.lengths)
    found = value(ShiftTolerantKL(per=per, softness=softness), student, teacher)
    found.backward()
    assert found > 1e3
    assert torch.isfinite(found)
    assert torch.isfinite(student.values.grad).all()


def test_a_shift_counts_steps_of_the_student():
    student, teacher = random((4,)), random((7,), spread=2.0)
    wanted = reference_losses.resampled(lists(teacher)[0], 4)
    expected = reference.shift_tolerant(lists(student), [wanted], 1, "clip", 0.0, 2.0, drop=False)
    torch.testing.assert_close(
        value(ShiftTolerantKL(max_shift=1), student, teacher).item(), expected, rtol=1e-4, atol=1e-6
    )


def test_other_heads_can_be_read():
    student, teacher = random((6,)), random((6,))
    loss = ShiftTolerantKL(head="conv_logits", teacher_head="context_logits")
    assert (loss.student_taps, loss.teacher_taps) == (("conv_logits",), ("context_logits",))
    nonsense = student.map(lambda values: values * math.nan)
    found = loss(
        NetOutput(nonsense, {"conv_logits": student}), NetOutput(nonsense, {"context_logits": teacher}), batch([[1]])
    )
    assert torch.equal(found, value(ShiftTolerantKL(), student, teacher))


def test_two_vocabularies_are_an_error():
    with pytest.raises(ValueError, match="student writes 4 classes and the teacher 3"):
        value(ShiftTolerantKL(), random((3,)), random((3,), classes=3))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"max_shift": -1}, "max_shift is -1"),
        ({"per": "gloss"}, "per is 'gloss'"),
        ({"softness": -0.1}, "softness is -0.1"),
        ({"softness": math.inf}, "softness is inf"),
        ({"temperature": 0}, "temperature is 0"),
        ({"blank": "reweight"}, "blank is 'reweight'.*keep, drop"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        ShiftTolerantKL(**arguments)
