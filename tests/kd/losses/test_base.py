from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kd.losses.base import Loss
from slr.types import Batch, NetOutput
from tests.losses import example


class Probe(Loss):
    """Keeps what it was given."""

    needs_teacher = True
    student_taps = ("conv",)
    teacher_taps = ("context",)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        self.seen = (student, teacher, torch.is_autocast_enabled("cpu"))
        return student.read("conv").values.sum()


def test_a_formula_sees_the_taps_it_named_and_no_others():
    given, probe = example(), Probe()
    given.loss(probe)
    student, teacher, _ = probe.seen
    assert set(student.taps) == {"conv"}
    assert set(teacher.taps) == {"context"}
    with pytest.raises(ValueError, match="no tap 'frame'"):
        student.read("frame")


def test_a_formula_sees_a_teacher_without_gradients_and_no_autocast():
    given, probe = example(), Probe()
    given.teacher.taps["context"].values.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        given.loss(probe)
        assert torch.is_autocast_enabled("cpu")
    student, teacher, autocast = probe.seen
    assert not autocast
    assert student.taps["conv"].values.requires_grad
    assert not teacher.taps["context"].values.requires_grad


def test_a_loss_without_a_formula_cannot_be_made():
    class Unfinished(Loss):
        """Its author forgot something."""

    with pytest.raises(TypeError, match=r"abstract class Unfinished.*compute"):
        Unfinished()


def test_a_loss_without_projections_wants_no_widths():
    assert Probe.wanted_widths({"tap": "conv"}) == {}
