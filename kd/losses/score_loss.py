"""Losses that compare the scores of two networks over one vocabulary."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from kd.losses.base import Loss
from kd.losses.posteriors import check_same_vocabulary
from slr.types import Batch, NetOutput, Padded


class ScoreLoss(Loss):
    """What a head of the student says, beside what a head of the teacher says.

    Args:
        head: where the student's raw scores are read: ``"logits"`` or a tap over the same vocabulary.
        teacher_head: the same for the teacher.
    """

    needs_teacher = True

    def __init__(self, head: str = "logits", teacher_head: str = "logits") -> None:
        super().__init__()
        self.head = head
        self.teacher_head = teacher_head
        self.student_taps = (head,)
        self.teacher_taps = (teacher_head,)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """How far the scores differ.

        Raises:
            ValueError: when the two networks do not write the same number of classes.
        """
        assert teacher is not None
        scores, wanted = student.read(self.head), teacher.read(self.teacher_head)
        check_same_vocabulary(scores, wanted)
        return self.difference(scores, wanted, batch)

    @abstractmethod
    def difference(self, scores: Padded, wanted: Padded, batch: Batch) -> Tensor:
        """Between ``[B, S, V]`` of the student and ``[B, S', V]`` of the teacher, whose steps are its own."""
