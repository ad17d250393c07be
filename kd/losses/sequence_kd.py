"""Whole hypotheses of the teacher as transcripts, weighted by how much it believes them."""

from __future__ import annotations

import torch
from torch import Tensor

from kd.losses.score_loss import ScoreLoss
from kd.losses.transcript import negative_log_likelihood
from kd.reduce import weighted_mean
from slr.ctc import BeamDecoder, feasible
from slr.types import Batch, Padded


class SequenceKD(ScoreLoss):
    """Sum over clips of ``-sum_n w_n log p_S(h_n | clip)`` divided by the number of clips with a hypothesis that fits.

    ``h_1 .. h_N`` are the best hypotheses of the teacher by prefix beam search, ``w_n = p_T(h_n) / sum_m p_T(h_m)``,
    and ``p_S`` sums over all CTC paths of the student, which is free to sign them when it likes: no step of one network
    is laid on a step of the other (Takashima et al. 2019, "Investigation of Sequence-Level Knowledge Distillation
    Methods for CTC Acoustic Models"). With ``n_best=1`` it is CTC on pseudo-labels.

    A hypothesis that the student cannot write in its steps (see :func:`slr.ctc.feasible`) is left out and the weights
    are those of the others. A clip without any that fits counts nothing, in the denominator either. The empty
    hypothesis is one like any other: a teacher that sees no sign teaches blanks.

    The search is done anew for every batch, because the teacher may see another view of the clip each time.

    Args:
        n_best: ``N``, most hypotheses per clip, 1 to ``width``.
        width: prefixes that the beam search keeps.
        head: where the student's raw scores are read: ``"logits"`` or a tap over the same vocabulary.
        teacher_head: the same for the teacher.
    """

    def __init__(self, n_best: int = 5, width: int = 10, head: str = "logits", teacher_head: str = "logits") -> None:
        super().__init__(head, teacher_head)
        self.decoder = BeamDecoder(width, n_best=n_best)

    def difference(self, scores: Padded, wanted: Padded, batch: Batch) -> Tensor:
        """Negative log-likelihood of the teacher's hypotheses."""
        clips, glosses, weights = self._hypotheses(wanted, scores.lengths.tolist())
        if not clips:
            return scores.values[:0].sum()
        rows = torch.tensor(clips, device=scores.lengths.device)
        log_probs = scores.values.log_softmax(dim=-1).index_select(0, rows)
        per_hypothesis = negative_log_likelihood(
            Padded(log_probs, scores.lengths.index_select(0, rows)), Padded.from_list(glosses)
        )
        # The weights of a clip sum to 1, so their sum over all counts the clips.
        return weighted_mean(per_hypothesis, torch.cat(weights).to(per_hypothesis))

    def _hypotheses(self, wanted: Padded, steps: list[int]) -> tuple[list[int], list[Tensor], list[Tensor]]:
        """Hypotheses that fit the student's ``steps``, one after the other: clip, glosses; and weights per clip."""
        clips: list[int] = []
        glosses: list[Tensor] = []
        weights: list[Tensor] = []
        for clip, (decoding, given) in enumerate(zip(self.decoder.decode(wanted), steps, strict=True)):
            fitting = [found for found in decoding.hypotheses if feasible(found.glosses, given)]
            if not fitting:
                continue
            clips += [clip] * len(fitting)
            glosses += [torch.tensor(found.glosses, dtype=torch.int64) for found in fitting]
            log_probabilities = torch.tensor([found.log_probability for found in fitting], dtype=torch.float64)
            weights.append(log_probabilities.softmax(dim=0))
        return clips, glosses, weights
