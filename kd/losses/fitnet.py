"""Features of the teacher, regressed from those of the student."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from kd.align import align_linear
from kd.losses.tap_loss import TapLoss
from kd.reduce import mean_over_steps
from slr.types import Batch, NetOutput


class FitNet(TapLoss):
    """Mean over the valid steps of the batch of the mean over features of ``(W f^S + b - f^T)^2``.

    The hint of Romero et al. 2015, "FitNets: Hints for Thin Deep Nets", equation 3, step by step; the paper has half
    the sum over features in place of their mean. The regressor ``W, b`` stands on the student's side alone: the teacher
    is a fixed target. It gives the student's features the width of the teacher's and is dropped after training.

    The value has the unit of the teacher's features squared. The paper uses it as a first stage; beside CTC a weight of
    100 is usual (Tian et al. 2020, "Contrastive Representation Distillation").

    Args:
        student_width: features of the student's tap.
        teacher_width: features of the teacher's tap.
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
    """

    def __init__(
        self, student_width: int, teacher_width: int, tap: str = "conv", teacher_tap: str | None = None
    ) -> None:
        super().__init__(tap, teacher_tap)
        self.regressor = nn.Linear(student_width, teacher_width)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Mean squared error of the regressed features."""
        assert teacher is not None
        features = student.read(self.tap)
        hints = align_linear(teacher.read(self.teacher_tap), features)
        errors = F.mse_loss(self.regressor(features.valid()), hints.valid(), reduction="none")  # [N, teacher_width]
        return mean_over_steps(errors.mean(dim=-1))
