"""Where one sign ends and the next begins: AugmentRGB's boundary term."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from kd.align import align_linear
from kd.losses.relations import directions
from kd.losses.tap_loss import TapLoss
from kd.reduce import mean_of_row_means, row_means
from slr.types import Batch, NetOutput, Padded

Normalise = Literal["min-max", "z-score"]

# Cosines in float32 are exact to about 1e-7: a saliency that varies by less is rounding, not boundaries.
FLAT = 1e-5


class BoundarySaliency(TapLoss):
    """Mean over clips of the mean over its neighbouring steps of ``|b^T_t - b^S_t|``.

    The saliency of the boundary between two steps is how much the features turn there, brought to a common scale
    within the clip::

        c_t = 1 - cos(f_t, f_{t+1}),  t = 1..S-1
        min-max:  b_t = (c_t - min c) / (max c - min c)          z-score:  b_t = (c_t - mean c) / sd c

    where the standard deviation ``sd`` divides by ``S - 1``, the number of ``c_t``. The action boundary saliency of
    AugmentRGB (Dai et al. 2021, "Learning an Augmented RGB Representation with Cross-Modal Knowledge Distillation for
    Action Detection"; the formula is a reconstruction). Clips weigh alike.

    Where the saliency of a clip is flat, no boundary stands out: a flat student has ``b = 0``, a flat teacher has
    nothing to say and the clip counts for nothing. Clips of less than three steps are always flat.

    Args:
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
        normalise: ``"min-max"`` or ``"z-score"``. The first hangs on the two extremes of a clip, the second on all.
    """

    def __init__(self, tap: str = "context", teacher_tap: str | None = None, normalise: Normalise = "min-max") -> None:
        super().__init__(tap, teacher_tap)
        if normalise not in get_args(Normalise):
            raise ValueError(f"normalise is {normalise!r}: a saliency is scaled by 'min-max' or by its 'z-score'")
        self.normalise = normalise

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Mean absolute difference of the saliencies."""
        assert teacher is not None
        features = student.read(self.tap)
        targets = align_linear(teacher.read(self.teacher_tap), features)
        if features.values.shape[1] < 2:  # no clip has two steps to compare
            return features.values[:, 1:].sum()
        between = features.mask[:, 1:]  # [B, S - 1]
        ours, _ = self._saliency(features, between)
        wanted, varies = self._saliency(targets, between)
        return mean_of_row_means((wanted - ours).abs(), between & varies)

    def _saliency(self, features: Padded, between: Tensor) -> tuple[Tensor, Tensor]:
        """``b`` ``[B, S - 1]``, 0 in flat clips, and which clips are not flat ``[B, 1]``."""
        unit = directions(features.values)
        turns = 1 - (unit[:, :-1] * unit[:, 1:]).sum(dim=-1)
        if self.normalise == "min-max":
            # A turn lies in 0 to 2, so these fill in for the padding; a clip without boundary has the spread -2.
            origin = torch.where(between, turns, 2.0).amin(dim=1, keepdim=True)
            spread = torch.where(between, turns, 0.0).amax(dim=1, keepdim=True) - origin
        else:
            origin = row_means(turns, between)[:, None]
            variance = row_means((turns - origin).square(), between)[:, None]
            # Not down to 0, where the slope of the root is infinite.
            spread = variance.clamp(min=(FLAT / 2) ** 2).sqrt()
        varies = spread > FLAT
        scaled = (turns - origin) / torch.where(varies, spread, torch.ones_like(spread))
        return torch.where(varies, scaled, torch.zeros_like(scaled)), varies
