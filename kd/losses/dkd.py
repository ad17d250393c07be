"""Posteriors of the teacher with the target class and the others taught apart."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from kd.align import align_linear
from kd.losses.posteriors import check_temperature, without_blank
from kd.losses.score_loss import ScoreLoss
from kd.losses.transcript import check_transcripts
from kd.reduce import masked_mean
from slr.ctc import dense_labels, forced_alignment
from slr.types import Batch, Padded
from slr.vocabulary import BLANK

Target = Literal["aligned", "best"]
Blank = Literal["keep", "drop"]


class DKD(ScoreLoss):
    """Mean over the steps used, in the whole batch, of ``T^2 (alpha TCKD + beta NCKD)``.

    Every step has a target class ``c``, and the divergence of the step is taken apart there (Zhao et al. 2022,
    "Decoupled Knowledge Distillation", equation 7). With ``p = softmax(z / T)`` of one network and ``q`` the same
    without class ``c``, so that it sums to 1 over the other classes::

        TCKD = KL( (p^T_c, 1 - p^T_c) || (p^S_c, 1 - p^S_c) )
        NCKD = KL( q^T || q^S )

    The whole divergence is ``TCKD + (1 - p^T_c) NCKD``: where the teacher is sure it says next to nothing about the
    other classes, and here ``beta`` says how much instead. All is calculated from the margin
    ``z_c / T - logsumexp_{i != c} z_i / T``, whose log-sigmoids are the logs of ``p_c`` and ``1 - p_c``: no logarithm
    of a rounded 0 occurs, however sure a network is.

    The paper's labels are per image; here the target of a step is

    - ``aligned``: what the teacher sees there when it is told the transcript (Viterbi alignment of the glosses of the
      batch to its scores, see :func:`slr.ctc.forced_alignment`).
    - ``best``: the teacher's best class, whatever the transcript says.

    and the blank, which no image has, is

    - ``keep``: a class like the others, the target of most steps.
    - ``drop``: removed on both sides. A step whose target it was takes the nearest aligned gloss
      (:func:`slr.ctc.dense_labels`), under ``best`` the teacher's best gloss. Only clips without any gloss have steps
      that are not used then.

    A teacher with another number of steps is resampled in score space, before targets are found. The paper raises the
    weight of the loss linearly over the first epochs: ``warmup_epochs`` of its term does.

    Args:
        alpha: weight of the target class, 0 or more.
        beta: weight of the other classes, 0 or more.
        temperature: ``T``, greater than 0.
        target: where targets come from, see above.
        blank: what becomes of the blank, see above.
        head: where the student's raw scores are read: ``"logits"`` or a tap over the same vocabulary.
        teacher_head: the same for the teacher.
    """

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 8.0,
        temperature: float = 4.0,
        target: Target = "aligned",
        blank: Blank = "keep",
        head: str = "logits",
        teacher_head: str = "logits",
    ) -> None:
        super().__init__(head, teacher_head)
        check_temperature(temperature)
        for name, weight in (("alpha", alpha), ("beta", beta)):
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"{name} is {weight}, but it weighs a part of the loss: it must be 0 or more")
        if target not in get_args(Target):
            raise ValueError(f"target is {target!r}, which is none of {', '.join(get_args(Target))}")
        if blank not in get_args(Blank):
            raise ValueError(f"blank is {blank!r}, which is none of {', '.join(get_args(Blank))}")
        self.alpha = alpha
        self.beta = beta
        self.temperature = temperature
        self.target = target
        self.blank = blank
        self.reads_blank = blank != "keep"

    def difference(self, scores: Padded, wanted: Padded, batch: Batch) -> Tensor:
        """Decoupled divergence of the student from the teacher.

        Raises:
            ValueError: when fewer than two classes are left, or a transcript cannot be aligned: it does not fit the
                steps of its clip, or holds an unknown gloss id.
        """
        wanted = align_linear(wanted, scores)
        targets = self._targets(wanted, batch)  # [B, S]
        used, ours, theirs = scores.mask, scores.values, wanted.values
        if self.blank == "drop":
            used = used & (targets != BLANK)
            targets = (targets - 1).clamp(min=0)
            ours, theirs = without_blank(ours), without_blank(theirs)
        if ours.shape[-1] < 2:
            raise ValueError(f"{ours.shape[-1]} class is left, the target: DKD compares it with one other or more")
        return masked_mean(self._divergence(ours, theirs, targets), used)

    def _targets(self, wanted: Padded, batch: Batch) -> Tensor:
        """The target class of every step ``[B, S]``, an id of the vocabulary even where its blank is dropped."""
        if self.target == "best":
            if self.blank == "drop":
                return without_blank(wanted.values).argmax(dim=-1) + 1
            return wanted.values.argmax(dim=-1)
        check_transcripts(batch, wanted)
        log_probs = wanted.map(lambda values: values.log_softmax(dim=-1))
        labels = forced_alignment(log_probs, batch.glosses).labels
        return (dense_labels(labels) if self.blank == "drop" else labels).values

    def _divergence(self, scores: Tensor, wanted: Tensor, targets: Tensor) -> Tensor:
        """``T^2 (alpha TCKD + beta NCKD)`` per step, ``[B, S]``."""
        margin, others = self._taken_apart(scores, targets)
        wanted_margin, wanted_others = self._taken_apart(wanted, targets)
        target = _log_ratio(wanted_margin, margin) + _log_ratio(-wanted_margin, -margin)
        # Class c itself is -inf on both sides.
        ratio = (wanted_others - others).masked_fill(wanted_others == -torch.inf, 0.0)
        other = (wanted_others.exp() * ratio).sum(dim=-1)
        return self.temperature**2 * (self.alpha * target + self.beta * other)

    def _taken_apart(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """The margin of the target class ``[B, S]``, and ``log q`` ``[B, S, V]`` with ``-inf`` for the target class."""
        scores = scores / self.temperature
        places = targets[..., None]
        others = scores.scatter(-1, places, -torch.inf)
        total = others.logsumexp(dim=-1, keepdim=True)
        return (scores.gather(-1, places) - total)[..., 0], others - total


def _log_ratio(wanted: Tensor, margin: Tensor) -> Tensor:
    """One of the two terms of a divergence between two classes: ``p^T log(p^T / p^S)`` with ``p = sigmoid(margin)``."""
    return wanted.sigmoid() * (F.logsigmoid(wanted) - F.logsigmoid(margin))
