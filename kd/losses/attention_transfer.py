"""At which steps of a clip a network is active."""

from __future__ import annotations

import math

from torch import Tensor

from kd.align import align_linear
from kd.losses.relations import directions
from kd.losses.tap_loss import TapLoss
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput, Padded


class AttentionTransfer(TapLoss):
    """Mean over clips of ``||a^T - a^S||^2``, the sum over the steps of a clip of the squared differences of attention.

    The attention of a network is its activity along time, at unit length::

        q_t = mean_c |f_{t,c}|^p          a = q / ||q||_2 over the steps of the clip

    This is the activation-based attention of Zagoruyko and Komodakis 2017, "Paying More Attention to Attention",
    equation 2, with the steps of a clip in the place of the pixels of an image; as in its implementation the distance
    is squared. It is summed over steps, so that it lies between 0 and 2 however long the clip is. Implementations for
    images take the mean over pixels, with weights around 1000: here divide these by the number of steps.

    A tap that ends in a layer norm has about the same activity at every step and nothing to transfer: read one before
    it. A clip in which the teacher is 0 everywhere counts for nothing.

    Args:
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
        exponent: ``p``, 1 or more; the larger it is, the more the strongest features decide.
    """

    def __init__(self, tap: str = "conv", teacher_tap: str | None = None, exponent: float = 2.0) -> None:
        super().__init__(tap, teacher_tap)
        if not 1 <= exponent < math.inf:
            raise ValueError(f"exponent is {exponent}: activities are raised to the power of 1 or more, usually 2")
        self.exponent = exponent

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Mean squared distance of the attention along time."""
        assert teacher is not None
        features = student.read(self.tap)
        ours = self._attention(features)
        wanted = self._attention(align_linear(teacher.read(self.teacher_tap), features))
        return masked_mean((wanted - ours).square().sum(dim=1), (wanted > 0).any(dim=1))

    def _attention(self, features: Padded) -> Tensor:
        """``a`` ``[B, S]``, 0 on padding."""
        return directions(features.zeroed().values.abs().pow(self.exponent).mean(dim=-1))
