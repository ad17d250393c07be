"""A network that teaches itself: its context what the convolution below should see."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from kd.align import align_linear
from kd.losses.base import Loss
from kd.losses.posteriors import check_same_vocabulary, check_temperature, softened_divergence, without_blank
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput

Blank = Literal["drop", "keep"]


class SelfDistillation(Loss):
    """Mean over all valid steps of the whole batch of ``T^2 KL(softmax(z^seq / T) || softmax(z^conv / T))``.

    ``z^seq`` are the scores of the network's own sequence head, behind the context, and ``z^conv`` those of the head on
    its temporal convolution. No gradient flows into the former: the head that has seen the whole clip teaches the one
    that has seen a few frames, blank column removed on both sides (visual alignment of VAC, Min et al. 2021, "Visual
    Alignment Constraint for Continuous Sign Language Recognition", with the published weight 25 and CTC on
    both heads). Min's code averages over padding too; here it does not count. It needs no teacher, so it can train
    teachers and students alike.

    SMKD (Hao et al. 2021, "Self-Mutual Distillation Learning for Continuous Sign Language Recognition") is the same
    with one normalised classifier for both heads, which is a matter of the network: ``shared_head: true`` and
    ``head: normalised`` among its arguments.

    With ``blank: keep`` it serves networks for isolated signs, whose classes have no blank: the last head teaches an
    earlier one, ``head``.

    Args:
        temperature: ``T``, greater than 0.
        head: where the scores to be taught are read.
        sequence_head: where those that teach are read, over the same vocabulary.
        blank: ``drop`` its column, or ``keep`` what is a class like the others.
    """

    def __init__(
        self,
        temperature: float = 8.0,
        head: str = "conv_logits",
        sequence_head: str = "logits",
        blank: Blank = "drop",
    ) -> None:
        super().__init__()
        if blank not in get_args(Blank):
            raise ValueError(f"blank is {blank!r}, which is none of {', '.join(get_args(Blank))}")
        check_temperature(temperature)
        if head == sequence_head:
            raise ValueError(f"head and sequence_head are both {head!r}: a head has nothing to learn from itself")
        self.temperature = temperature
        self.head = head
        self.sequence_head = sequence_head
        self.blank = blank
        self.reads_blank = blank != "keep"
        self.student_taps = (head, sequence_head)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Divergence of the convolution's head from the sequence head.

        Raises:
            ValueError: when the two heads do not write the same number of classes.
        """
        scores, wanted = student.read(self.head), student.read(self.sequence_head).detach()
        check_same_vocabulary(scores, wanted)
        wanted = align_linear(wanted, scores)
        ours, theirs = scores.values, wanted.values
        if self.blank == "drop":
            ours, theirs = without_blank(ours), without_blank(theirs)
        return masked_mean(softened_divergence(ours, theirs, self.temperature), scores.mask)
