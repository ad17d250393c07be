"""Losses that compare how the elements of a set lie to each other, and never the elements themselves."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from kd.losses.relations import Over, check_over, sets
from kd.losses.tap_loss import TapLoss
from slr.types import Batch, NetOutput, Padded


class SetLoss(TapLoss):
    """Relations within sets of features, such as the steps of a clip: widths of the two networks need not agree.

    Args:
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
        over: ``"steps"`` of each clip, mean features of ``"clips"``, or all steps of the ``"batch"``, see
            :func:`~kd.losses.relations.sets`.
    """

    def __init__(self, tap: str = "context", teacher_tap: str | None = None, over: Over = "steps") -> None:
        super().__init__(tap, teacher_tap)
        check_over(over)
        self.over = over

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """How far the relations within the sets of the two networks differ."""
        assert teacher is not None
        return self.difference(*sets(student.read(self.tap), teacher.read(self.teacher_tap), self.over))

    @abstractmethod
    def difference(self, ours: Padded, theirs: Padded) -> Tensor:
        """Of sets ``[G, N, D]`` with the same lengths; ``D`` may differ."""
