"""Two views of one clip should be read alike."""

from __future__ import annotations

from torch import Tensor

from kd.losses.base import Loss
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput


class Complementary(Loss):
    """Mean over the steps of the batch of ``(KL(p || q) + KL(q || p)) / 2``, posteriors of two views of a clip.

    ``p`` and ``q`` are the softmax of the scores that a student writes about two views of which each shows what the
    other lacks, the complementary regularisation of CoSign (Jiao et al., ICCV 2023). Gradients flow to both. It belongs
    beside CTC on each view, which is the loss :class:`~kd.losses.CTC` with ``head`` the scores of that view; at weight
    2 it is the plain sum of both divergences.

    Args:
        head: raw scores about the first view: ``"logits"`` or a tap over the same vocabulary.
        view_head: raw scores about the second.
    """

    def __init__(self, head: str = "logits", view_head: str = "view_logits") -> None:
        super().__init__()
        self.head = head
        self.view_head = view_head
        self.student_taps = (head, view_head)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """The formula.

        Raises:
            ValueError: when the two heads do not write the same steps and classes.
        """
        first, second = student.read(self.head), student.read(self.view_head)
        if first.values.shape != second.values.shape:
            raise ValueError(
                f"{self.head!r} is {list(first.values.shape)} and {self.view_head!r} is {list(second.values.shape)}: "
                "two views of a clip have the same steps and classes"
            )
        log_p, log_q = first.values.log_softmax(dim=-1), second.values.log_softmax(dim=-1)
        divergence = ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=-1) / 2
        return masked_mean(divergence, first.mask)
