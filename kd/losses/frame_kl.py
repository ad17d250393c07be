"""Softened frame posteriors of the teacher: the alpha term of TRKD."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from kd.align import align_linear
from kd.losses.posteriors import check_temperature, softened_divergence, without_blank
from kd.losses.score_loss import ScoreLoss
from kd.reduce import masked_mean, weighted_mean
from slr.types import Batch, Padded
from slr.vocabulary import BLANK

Blank = Literal["keep", "drop", "eliminate", "symmetric_n", "reweight"]


class FrameKL(ScoreLoss):
    """Mean over the steps used, in the whole batch, of ``T^2 KL(softmax(z^T / T) || softmax(z^S / T))``.

    ``z`` are the raw scores of teacher and student at one step and ``T`` is the temperature (Hinton et al. 2015,
    "Distilling the Knowledge in a Neural Network"). CTC networks say blank at most steps, so the blank needs a policy:

    - ``keep``: all columns, all steps.
    - ``drop``: without the blank column, both sides normalised over the glosses, all steps. Blank steps then still say
      which glosses are near (the self-distillation of VAC, Min et al. 2021). No gradient reaches the blank score.
    - ``eliminate``: all columns, only the steps where the teacher's best class is a gloss.
    - ``symmetric_n``: the same steps and the ``symmetric_n`` steps before and after each (Hilmes et al. 2025).
    - ``reweight``: all columns and steps, weighted by ``1 - p(blank)`` of the teacher at temperature 1; the denominator
      is the sum of these weights.

    Where no step is selected, the loss is 0. A teacher with another number of steps is resampled in score space.

    Args:
        temperature: ``T``, greater than 0.
        blank: one of the policies above.
        symmetric_n: steps added on each side under ``blank="symmetric_n"``.
        head: where the student's raw scores are read: ``"logits"`` or a tap over the same vocabulary.
        teacher_head: the same for the teacher.
    """

    def __init__(
        self,
        temperature: float = 2.0,
        blank: Blank = "keep",
        symmetric_n: int = 1,
        head: str = "logits",
        teacher_head: str = "logits",
    ) -> None:
        super().__init__(head, teacher_head)
        check_temperature(temperature)
        if blank not in get_args(Blank):
            raise ValueError(f"blank is {blank!r}, which is none of {', '.join(get_args(Blank))}")
        if symmetric_n < 0:
            raise ValueError(f"symmetric_n is {symmetric_n}, but it counts steps: it must be 0 or more")
        self.temperature = temperature
        self.blank = blank
        self.reads_blank = blank != "keep"
        self.symmetric_n = symmetric_n

    def difference(self, scores: Padded, wanted: Padded, batch: Batch) -> Tensor:
        """Divergence of the student from the teacher, over the steps that the blank policy uses."""
        wanted = align_linear(wanted, scores)
        divergence = self._divergence(scores.values, wanted.values)
        if self.blank == "reweight":
            # expm1 of the log keeps the small weights of confident blanks exact.
            weights = -torch.expm1(wanted.values.log_softmax(dim=-1)[..., BLANK])
            return weighted_mean(divergence, torch.where(scores.mask, weights, torch.zeros_like(weights)))
        return masked_mean(divergence, self._steps_used(wanted) & scores.mask)

    def _divergence(self, scores: Tensor, wanted: Tensor) -> Tensor:
        """``T^2 KL`` per step, ``[B, S]``."""
        if self.blank == "drop":
            scores, wanted = without_blank(scores), without_blank(wanted)
        return softened_divergence(scores, wanted, self.temperature)

    def _steps_used(self, wanted: Padded) -> Tensor:
        """Steps that count under the blank policy, ``[B, S]`` bool; padding may be among them."""
        if self.blank in ("keep", "drop"):
            return torch.ones_like(wanted.mask)
        says_gloss = (wanted.values.argmax(dim=-1) != BLANK) & wanted.mask
        if self.blank == "eliminate" or self.symmetric_n == 0 or says_gloss.shape[1] == 0:
            return says_gloss
        width = 2 * self.symmetric_n + 1
        near = torch.nn.functional.max_pool1d(says_gloss[:, None].float(), width, stride=1, padding=self.symmetric_n)
        return near[:, 0] > 0
