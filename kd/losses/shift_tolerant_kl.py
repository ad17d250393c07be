"""Frame posteriors of a teacher whose timing is a little off."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from kd.align import align_linear
from kd.losses.posteriors import check_temperature, divergence, softened, without_blank
from kd.losses.score_loss import ScoreLoss
from kd.reduce import masked_mean, weighted_mean
from slr.types import Batch, Padded

Per = Literal["clip", "step"]
Blank = Literal["keep", "drop"]


class ShiftTolerantKL(ScoreLoss):
    """Mean over all valid steps of the whole batch of ``T^2 KL(p^T_{t+s} || p^S_t)`` at the shift ``s`` that fits best.

    ``p = softmax(z / T)``, and ``s`` runs over ``-d .. d`` steps. Spikes of two CTC networks seldom meet, and a frame
    KL (:class:`~kd.losses.FrameKL`, which this is at ``d = 0``) then teaches the wrong class at every one of them;
    here the teacher may be early or late. (Delayed-KD, Li et al. 2025, is a form for streams that looks one way.)
    Before the first and after the last step of a clip these stand for what is not there, so every shift is a mean over
    all steps.

    - ``per="clip"``: one ``s`` per clip, the best for the mean over its steps. It forgives a constant delay.
    - ``per="step"``: every step has its own. It forgives any jitter, but with ``blank="keep"`` a student that says
      nothing but blank comes off nearly free, since a blank of the teacher is never far: drop the blank with it.

    "Best" is the minimum; with ``softness`` ``r`` above 0 it is ``-r log mean_s e^{-D_s / r}``, between the minimum and
    the mean of the divergences ``D_s``, so that the shifts that nearly fit teach too.

    The blank is kept or, as in :class:`~kd.losses.FrameKL`, dropped from both sides before the softmax. The other
    policies of that loss choose steps by the teacher's blank; here no step belongs to one of the teacher's.

    A teacher with another number of steps is resampled in score space first; ``d`` counts steps of the student.

    Args:
        max_shift: ``d``, 0 or more.
        per: what has a shift of its own, ``"clip"`` or ``"step"``.
        softness: ``r``, in the unit of the divergence; 0 for the minimum.
        temperature: ``T``, greater than 0.
        blank: ``"keep"`` or ``"drop"``.
        head: where the student's raw scores are read: ``"logits"`` or a tap over the same vocabulary.
        teacher_head: the same for the teacher.
    """

    def __init__(
        self,
        max_shift: int = 2,
        per: Per = "clip",
        softness: float = 0.0,
        temperature: float = 2.0,
        blank: Blank = "keep",
        head: str = "logits",
        teacher_head: str = "logits",
    ) -> None:
        super().__init__(head, teacher_head)
        check_temperature(temperature)
        if max_shift < 0:
            raise ValueError(f"max_shift is {max_shift}, but it counts steps: it must be 0 or more")
        if per not in get_args(Per):
            raise ValueError(f"per is {per!r}: every 'clip' or every 'step' has a shift of its own")
        if not (math.isfinite(softness) and softness >= 0):
            raise ValueError(f"softness is {softness}, but it is a width on the loss: it must be 0 or more")
        if blank not in get_args(Blank):
            raise ValueError(f"blank is {blank!r}, which is none of {', '.join(get_args(Blank))}")
        self.max_shift = max_shift
        self.per = per
        self.softness = softness
        self.temperature = temperature
        self.blank = blank
        self.reads_blank = blank != "keep"

    def difference(self, scores: Padded, wanted: Padded, batch: Batch) -> Tensor:
        """Divergence of the student from the teacher at the best shifts."""
        wanted = align_linear(wanted, scores)
        if self.blank == "drop":
            scores, wanted = scores.map(without_blank), wanted.map(without_blank)
        by_shift = self._by_shift(scores, wanted)
        if self.per == "step":
            return masked_mean(self._best(by_shift), scores.mask)
        by_clip = self._best(Padded(by_shift, scores.lengths).mean())
        return weighted_mean(by_clip, scores.lengths.to(by_clip.dtype))

    def _by_shift(self, scores: Padded, wanted: Padded) -> Tensor:
        """The divergence from the teacher at step ``t + s`` of the clip for every shift ``[B, S, 2 d + 1]``."""
        log_student = softened(scores.values, self.temperature)
        log_teacher = softened(wanted.values, self.temperature)
        device = wanted.lengths.device
        clips = torch.arange(len(wanted.lengths), device=device)[:, None]
        steps = torch.arange(wanted.values.shape[1], device=device)
        last = (wanted.lengths - 1).clamp(min=0)[:, None]
        # One shift after the other: all at once, the tables [B, S, V] leave the cache: three times as long.
        shifts = range(-self.max_shift, self.max_shift + 1)
        places = [(steps + shift).clamp(min=0).minimum(last) for shift in shifts]  # [B, S] each
        by_shift = torch.stack([divergence(log_student, log_teacher[clips, at]) for at in places], dim=-1)
        return self.temperature**2 * by_shift

    def _best(self, divergences: Tensor) -> Tensor:
        """Over the last axis, that of the shifts."""
        least = divergences.amin(dim=-1)
        if self.softness == 0:
            return least
        # From the minimum on, and by expm1 and log1p: r log(mean) loses its digits where r is large.
        least = least.detach()
        beyond = (divergences - least[..., None]) / self.softness
        return least - self.softness * torch.expm1(-beyond).mean(dim=-1).log1p()
