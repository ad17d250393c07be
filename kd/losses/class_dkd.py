"""Class posteriors of the teacher with the class of the clip and the others taught apart."""

from __future__ import annotations

from torch import Tensor

from kd.losses.dkd import DKD
from kd.losses.labels import clip_scores
from slr.types import Batch, Padded


class ClassDKD(DKD):
    """Mean over clips of ``T^2 (alpha TCKD + beta NCKD)``: :class:`~kd.losses.DKD` as it was published, with labels.

    The target class is that of the clip (Zhao et al. 2022, "Decoupled Knowledge Distillation", equation 7), and no
    class is a blank. DKE-GCN (Liu et al., IEEE TCSVT 2024) calls the two parts target-action and non-target-action
    distillation; its values of ``alpha``, ``beta`` and ``temperature`` are not known. The defaults are those of the
    reference code of DKD, which raises the weight over the first 20 epochs: ``warmup_epochs`` of the term.

    Args:
        alpha: weight of the target class, 0 or more.
        beta: weight of the other classes, 0 or more.
        temperature: ``T``, greater than 0.
        head: where the student's raw scores are read: ``"logits"`` or a tap over the same classes.
        teacher_head: the same for the teacher.
    """

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 8.0,
        temperature: float = 4.0,
        head: str = "logits",
        teacher_head: str = "logits",
    ) -> None:
        super().__init__(alpha, beta, temperature, "best", "keep", head, teacher_head)

    def _targets(self, wanted: Padded, batch: Batch) -> Tensor:
        """The class of every clip, ``[B, S]`` with one step at most."""
        _, labels, _ = clip_scores(wanted, batch, type(self).__name__)
        return labels[:, None].expand(-1, wanted.values.shape[1])
