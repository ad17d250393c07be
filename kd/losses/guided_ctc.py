"""Spikes where the teacher has them."""

from __future__ import annotations

from torch import Tensor

from kd.align import align_nearest
from kd.losses.score_loss import ScoreLoss
from kd.reduce import masked_mean
from slr.types import Batch, Padded
from slr.vocabulary import BLANK


class GuidedCTC(ScoreLoss):
    """Mean over the steps where the guide's best class is a gloss, in the whole batch, of ``1 - p^S`` of that gloss.

    CTC leaves open when a network spikes, and two networks trained apart spike at different steps. Guided training
    (Kurata and Audhkhasi 2019, "Guiding CTC Posterior Spike Timings for Improved Posterior Fusion and Knowledge
    Distillation") rewards the student for its probability under a mask, ``M(t, c) = 1`` where gloss ``c`` is the best
    class of the guide at step ``t`` and 0 elsewhere, the whole blank column included::

        L = sum_{t,c} M(t, c) (1 - p^S(t, c)) / sum_{t,c} M(t, c)

    The paper's term is ``-sum M p^S`` per clip. Here 1 is added at every spike, which leaves the gradient as it is and
    makes 0 the best value, and the number of spikes is divided by: with their mean number per clip as the weight, the
    gradient is the paper's at weight 1. It is the probability that is rewarded and not its logarithm, so a spike that
    the student has no eye for pulls little, and cannot outweigh CTC, which trains beside it. Where the guide says only
    blank, the loss is 0.

    A guide with another number of steps gives its labels to the nearest ones; guide a student at its own stride where
    spikes must not get lost.

    Args:
        head: where the student's raw scores are read: ``"logits"`` or a tap over the same vocabulary.
        teacher_head: the same for the guide.
    """

    reads_blank = True

    def __init__(self, head: str = "logits", teacher_head: str = "logits") -> None:
        super().__init__(head, teacher_head)

    def difference(self, scores: Padded, wanted: Padded, batch: Batch) -> Tensor:
        """What the student's probabilities lack at the spikes of the guide."""
        labels = align_nearest(Padded(wanted.values.argmax(dim=-1), wanted.lengths), scores).values  # [B, S]
        posteriors = scores.values.softmax(dim=-1).gather(-1, labels[..., None])[..., 0]
        return masked_mean(1 - posteriors, (labels != BLANK) & scores.mask)
