"""The supervised term of isolated clips that looks away from clips it is sure of."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from kd.losses.base import Loss
from kd.losses.labels import clip_scores
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput

Focus = Literal["label", "every"]


class Focal(Loss):
    """Mean over clips of ``-sum_v alpha w_v q_v log p_v``, with ``p`` the softmax of the scores of a clip.

    The target ``q`` is ``1 - label_smoothing`` on the class ``y`` of the clip plus ``label_smoothing / V`` on each of
    all ``V`` classes, as in :class:`~kd.losses.CrossEntropy`. The weight ``w`` (Lin et al., ICCV 2017, "Focal Loss for
    Dense Object Detection", equation 4) follows ``focus``:

    - ``label``: ``(1 - p_y)^gamma``, that of the class of the clip, for all of its classes.
    - ``every``: ``(1 - p_v)^gamma``, each class its own. The smoothed classes then keep their whole weight however sure
      the network is, so that they outweigh the class itself in the end.

    As a curriculum ``gamma`` rises from 0, which is cross entropy, along a line: in epoch ``e``, counted from 0, it is
    ``gamma min(1, e / curriculum_epochs)``.

    Args:
        gamma: how much is looked away, 0 or more.
        alpha: factor on all of it, greater than 0.
        label_smoothing: from 0 to 1.
        focus: see above.
        curriculum_epochs: epochs until ``gamma`` is reached; 0 for no curriculum.
        head: where the raw scores are read: ``"logits"``, or a tap that holds scores over the same classes.

    Raises:
        ValueError: when an argument is out of range.
    """

    supervised = True

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float = 1.0,
        label_smoothing: float = 0.1,
        focus: Focus = "label",
        curriculum_epochs: int = 0,
        head: str = "logits",
    ) -> None:
        super().__init__()
        if not (math.isfinite(gamma) and gamma >= 0 and math.isfinite(alpha) and alpha > 0):
            raise ValueError(f"gamma is {gamma} and alpha {alpha}: gamma must be 0 or more, and alpha greater than 0")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"label_smoothing is {label_smoothing}: it must lie between 0 and 1")
        if focus not in get_args(Focus):
            raise ValueError(f"focus is {focus!r}, which is none of {', '.join(get_args(Focus))}")
        if curriculum_epochs < 0:
            raise ValueError(f"curriculum_epochs is {curriculum_epochs}, but it counts epochs: it must be 0 or more")
        self.gamma = gamma
        self.alpha = alpha
        self.label_smoothing = label_smoothing
        self.focus = focus
        self.curriculum_epochs = curriculum_epochs
        self.head = head
        self.student_taps = (head,)
        self._share = 1.0 if curriculum_epochs == 0 else 0.0

    def set_epoch(self, epoch: int) -> None:
        """Set ``gamma`` of this epoch, counted from 0."""
        if self.curriculum_epochs:
            self._share = min(1.0, epoch / self.curriculum_epochs)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """The formula.

        Raises:
            ValueError: when the clips have no labels, or scores and labels do not fit.
        """
        scores, labels, there = clip_scores(student.read(self.head), batch, type(self).__name__)
        log_probs = scores.log_softmax(dim=-1)
        targets = torch.full_like(log_probs, self.label_smoothing / log_probs.shape[-1])
        targets.scatter_add_(1, labels[:, None], torch.full_like(log_probs[:, :1], 1 - self.label_smoothing))
        sure = log_probs if self.focus == "every" else log_probs.gather(1, labels[:, None])
        return masked_mean(-self.alpha * (self._looked_at(sure) * targets * log_probs).sum(dim=1), there)

    def _looked_at(self, log_probs: Tensor) -> Tensor:
        """``(1 - p)^gamma``."""
        gamma = self.gamma * self._share
        if gamma == 0:
            return torch.ones_like(log_probs)
        # For gamma below 1 the slope has no end where p is 1.
        return (-torch.expm1(log_probs)).clamp(min=torch.finfo(log_probs.dtype).eps) ** gamma
