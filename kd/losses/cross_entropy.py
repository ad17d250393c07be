"""The supervised term of isolated clips: the class of each."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from kd.losses.base import Loss
from kd.losses.labels import clip_scores
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput


class CrossEntropy(Loss):
    """Mean over clips of ``-sum_v q_v log p_v``, with ``p`` the softmax of the scores of a clip.

    The target ``q`` is ``1 - label_smoothing`` on the class of the clip plus ``label_smoothing / V`` on each of all
    ``V`` classes (Szegedy et al., CVPR 2016, section 7).

    Args:
        head: where the raw scores are read: ``"logits"``, or a tap that holds scores over the same classes.
        label_smoothing: from 0 to 1.

    Raises:
        ValueError: when ``label_smoothing`` is out of range.
    """

    supervised = True

    def __init__(self, head: str = "logits", label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing is {label_smoothing}: it must lie between 0 and 1")
        self.head = head
        self.label_smoothing = label_smoothing
        self.student_taps = (head,)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """The formula.

        Raises:
            ValueError: when the clips have no labels, or scores and labels do not fit.
        """
        scores, labels, there = clip_scores(student.read(self.head), batch, type(self).__name__)
        per_clip = F.cross_entropy(scores, labels, reduction="none", label_smoothing=self.label_smoothing)
        return masked_mean(per_clip, there)
