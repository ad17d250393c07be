"""Losses on a feature that both networks publish."""

from __future__ import annotations

from kd.losses.base import Loss


class TapLoss(Loss):
    """A feature of the student, beside one of the teacher.

    Args:
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
    """

    needs_teacher = True

    def __init__(self, tap: str, teacher_tap: str | None = None) -> None:
        super().__init__()
        self.tap = tap
        self.teacher_tap = teacher_tap or tap
        self.student_taps = (tap,)
        self.teacher_taps = (self.teacher_tap,)
