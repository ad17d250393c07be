"""How alike any two steps of a clip are: AugmentRGB's contextual term, and TRKD's relations with nothing learned."""

from __future__ import annotations

from torch import Tensor

from kd.align import align_linear
from kd.losses.relations import cosines, distinct_pairs
from kd.losses.tap_loss import TapLoss
from kd.reduce import mean_of_row_means
from slr.types import Batch, NetOutput


class ContextualRelation(TapLoss):
    """Mean over clips of the mean over pairs of steps of ``(cos(f^T_i, f^T_j) - cos(f^S_i, f^S_j))^2``.

    The global contextual relation of AugmentRGB (Dai et al. 2021, "Learning an Augmented RGB Representation with
    Cross-Modal Knowledge Distillation for Action Detection"; the formula is a reconstruction): the matrix of cosines
    between all steps of a clip is the same for student and teacher, whatever their widths and whatever single features
    mean. A pair is two different steps, since the cosine of a step with itself says nothing; with these the denominator
    would be ``S^2`` instead of ``S (S - 1)``. A clip of one step has no pair and counts for nothing. Clips weigh alike:
    the pairs of a clip grow with the square of its steps, and a mean over all pairs would be that of the longest clip.

    Nothing is learned, so this is also the control of :class:`~kd.losses.TemporalRelation` that asks what its graphs
    are good for; both read the tap ``context`` when not told otherwise. The other terms of AugmentRGB are
    :class:`~kd.losses.BoundarySaliency` and, as atomic contrast, :class:`~kd.losses.CRD`.

    Args:
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
    """

    def __init__(self, tap: str = "context", teacher_tap: str | None = None) -> None:
        super().__init__(tap, teacher_tap)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Mean squared difference of the cosines."""
        assert teacher is not None
        features = student.read(self.tap)
        targets = align_linear(teacher.read(self.teacher_tap), features)
        errors = (cosines(targets.values) - cosines(features.values)).square()  # [B, S, S]
        return mean_of_row_means(errors, distinct_pairs(features.mask))
