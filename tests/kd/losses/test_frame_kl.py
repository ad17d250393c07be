from __future__ import annotations

import math

import pytest
import torch

from kd.losses import FrameKL
from slr.types import Batch, NetOutput, Padded
from tests.reference import losses as reference

POLICIES = ("keep", "drop", "eliminate", "symmetric_n", "reweight")


def pair(lengths: tuple[int, ...] = (6, 3, 5), classes: int = 4) -> tuple[Padded, Padded, Batch]:
    student = Padded.from_list([torch.randn(length, classes) for length in lengths])
    teacher = Padded.from_list([2 * torch.randn(length, classes) for length in lengths])
    teacher.values[..., 0] += 1.5  # most steps are blank, as with CTC
    batch = Batch(
        tuple(map(str, lengths)), Padded(torch.ones(len(lengths), 1).long(), torch.ones(len(lengths)).long()), student
    )
    return student, teacher, batch


@pytest.mark.parametrize("temperature", [1.0, 2.0, 8.0])
@pytest.mark.parametrize("blank", POLICIES)
def test_it_is_the_divergence_over_the_steps_of_the_policy(blank: str, temperature: float):
    student, teacher, batch = pair()
    value = FrameKL(temperature=temperature, blank=blank)(NetOutput(student), NetOutput(teacher), batch)
    lists = [[clip.tolist() for clip in sequence.unpad()] for sequence in (student, teacher)]
    expected = reference.frame_kl(lists[0], lists[1], temperature, blank)
    assert expected > 0
    torch.testing.assert_close(value.item(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_symmetric_n_adds_steps_on_both_sides_within_the_clip(n: int):
    student, _, batch = pair((9, 4))
    scores = torch.zeros(2, 9, 4)
    scores[..., 0] = 5
    scores[0, 4, 2] = 9  # one spike in the middle of the first clip
    scores[1, 4:, 1] = 9  # spikes in the padding of the second
    teacher = Padded(scores, student.lengths)
    value = FrameKL(blank="symmetric_n", symmetric_n=n)(NetOutput(student), NetOutput(teacher), batch)
    near = slice(4 - n, 4 + n + 1)
    expected = reference.frame_kl([student.values[0, near].tolist()], [scores[0, near].tolist()], 2.0, "keep")
    torch.testing.assert_close(value.item(), expected, rtol=1e-4, atol=1e-6)


def test_no_gradient_reaches_the_blank_when_it_is_dropped():
    student, teacher, batch = pair()
    student.values.requires_grad_()
    FrameKL(blank="drop")(NetOutput(student), NetOutput(teacher), batch).backward()
    assert not student.values.grad[..., 0].any()
    assert student.values.grad[..., 1:].any()


def test_the_blank_is_dropped_from_both_sides_before_the_softmax():
    student, teacher, batch = pair()
    before = FrameKL(blank="drop")(NetOutput(student), NetOutput(teacher), batch)
    student.values[..., 0] = 50
    teacher.values[..., 0] = -50
    assert torch.equal(FrameKL(blank="drop")(NetOutput(student), NetOutput(teacher), batch), before)


@pytest.mark.parametrize("blank", ["eliminate", "symmetric_n", "reweight"])
def test_a_teacher_that_says_only_blank_selects_nothing(blank: str):
    student, teacher, batch = pair()
    student.values.requires_grad_()
    teacher.values[..., 0] = 300
    value = FrameKL(blank=blank)(NetOutput(student), NetOutput(teacher), batch)
    value.backward()
    assert value.item() == 0
    assert not student.values.grad.any()


def test_the_temperature_factor_keeps_the_size_of_small_gradients():
    # For scores near zero softmax(z / T) is about (1 + z / T) / V: the gradient is T^2 (z^S - z^T) / (T^2 V).
    _, teacher, batch = pair((5,))
    small = teacher.map(lambda values: 0.01 * values)
    centred = small.values - small.values.mean(dim=-1, keepdim=True)
    for temperature in (2.0, 20.0):
        student = Padded(torch.zeros(1, 5, 4, requires_grad=True), small.lengths)
        FrameKL(temperature=temperature)(NetOutput(student), NetOutput(small), batch).backward()
        torch.testing.assert_close(student.values.grad, -centred / 4 / 5, rtol=2e-2, atol=1e-5)


def test_a_batch_weighs_its_steps_alike():
    student, teacher, batch = pair((6, 3))
    whole = FrameKL()(NetOutput(student), NetOutput(teacher), batch)
    alone = [
        FrameKL()(
            NetOutput(Padded(ours[None], torch.tensor([len(ours)]))),
            NetOutput(Padded(theirs[None], torch.tensor([len(ours)]))),
            batch,
        )
        for ours, theirs in zip(student.unpad(), teacher.unpad(), strict=True)
    ]
    torch.testing.assert_close(whole, (6 * alone[0] + 3 * alone[1]) / 9)


def test_other_heads_can_be_read():
    student, teacher, batch = pair()
    loss = FrameKL(head="conv_logits", teacher_head="context_logits")
    assert (loss.student_taps, loss.teacher_taps) == (("conv_logits",), ("context_logits",))
    nonsense = student.map(lambda values: values * math.nan)
    value = loss(NetOutput(nonsense, {"conv_logits": student}), NetOutput(nonsense, {"context_logits": teacher}), batch)
    assert torch.equal(value, FrameKL()(NetOutput(student), NetOutput(teacher), batch))


def test_a_longer_teacher_is_interpolated():
    student, _, batch = pair((4, 2))
    teacher = Padded.from_list([torch.randn(7, 4), torch.randn(5, 4)])
    value = FrameKL()(NetOutput(student), NetOutput(teacher), batch)
    wanted = [reference.resampled(clip.tolist(), steps) for clip, steps in zip(teacher.unpad(), (4, 2), strict=True)]
    expected = reference.frame_kl([clip.tolist() for clip in student.unpad()], wanted, 2.0, "keep")
    torch.testing.assert_close(value.item(), expected, rtol=1e-4, atol=1e-6)


def test_two_vocabularies_are_an_error():
    student, teacher, batch = pair()
    with pytest.raises(ValueError, match="student writes 4 classes and the teacher 3"):
        FrameKL()(NetOutput(student), NetOutput(teacher.map(lambda values: values[..., :3])), batch)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"blank": "dropped"}, "blank is 'dropped'.*keep, drop, eliminate"),
        ({"symmetric_n": -1}, "symmetric_n is -1"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        FrameKL(**arguments)
