"""A network learns to say how sure it should be."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from kd.losses.base import Loss
from kd.losses.labels import clip_scores
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput


class Confidence(Loss):
    """Mean over clips of ``(sigmoid(z) - t)^2``, with ``z`` what the network says of its confidence in a clip.

    The target ``t`` is 1 where its best class is that of the clip. Where it is not, ``t = 1 - H / log V``, with ``H``
    the entropy of the softmax over the ``V`` classes: being wrong and sure should be said as loudly as being right, so
    that only being wrong in doubt gives little confidence. Scores are not taught by it. (The hierarchical landmark
    transformer for isolated signs, by its code; the weight there is 0.1.)

    Args:
        tap: where the raw confidence is read, ``[B, 1, 1]``.
        head: where the raw scores are read: ``"logits"``, or a tap that holds scores over the classes.
    """

    def __init__(self, tap: str = "confidence", head: str = "logits") -> None:
        super().__init__()
        self.tap = tap
        self.head = head
        self.student_taps = (tap, head)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """The formula.

        Raises:
            ValueError: when the clips have no labels, or a clip has several numbers for its confidence.
        """
        who = type(self).__name__
        scores, labels, there = clip_scores(student.read(self.head).detach(), batch, who)
        said = student.read(self.tap)
        if said.values.shape[-1] != 1 or bool((said.lengths > 1).any()):
            raise ValueError(
                f"{who} reads one number per clip, and the tap {self.tap!r} has {said.values.shape[-1]} in "
                f"{int(said.lengths.max())} steps"
            )
        confidence = said.values.sum(dim=(1, 2)).sigmoid()  # of one number, or of none
        entropy = torch.special.entr(scores.softmax(dim=-1)).sum(dim=-1) / math.log(max(scores.shape[-1], 2))
        right = scores.argmax(dim=-1) == labels
        return masked_mean((confidence - torch.where(right, 1.0, 1 - entropy)).square(), there)
