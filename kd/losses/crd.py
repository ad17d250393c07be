"""Contrast of projected features, step by step: the beta term of TRKD."""

from __future__ import annotations

from typing import Literal

import torch
from pytorch_metric_learning.distances import DotProductSimilarity
from pytorch_metric_learning.losses import SupConLoss
from pytorch_metric_learning.reducers import MeanReducer
from torch import Tensor, nn

from kd.align import align_linear
from kd.losses.infonce import Steps, contrast_accuracy, symmetric_info_nce
from kd.losses.memory import StepQueue
from kd.losses.posteriors import check_temperature
from kd.losses.tap_loss import TapLoss
from kd.losses.unit import unit
from slr.types import Batch, NetOutput


class CRD(TapLoss):
    """Mean over all valid steps of the whole batch of the contrast student-teacher, averaged over both directions.

    Step ``i`` of the student is compared with the teacher at the same step, against other steps of the batch::

        u^m_i = l2norm(W^m f^m_i + b^m)                                                    m = student, teacher
        L = -1/(2N) sum_i [ log( e^{u^S_i.u^T_i/t} / sum_{k in i, N(i)} e^{u^S_i.u^T_k/t} ) + S and T exchanged ]

    This is contrastive representation distillation (Tian et al. 2020, "Contrastive Representation Distillation") with
    negatives from the batch instead of a bank; :class:`~kd.losses.CRDBank` is the form with the bank.
    ``N(i)`` leaves out likely false negatives, see :meth:`~kd.losses.infonce.Steps.negatives`. With
    ``positives="gloss"`` all steps of the teacher with the same pseudo-label are positives, and the log-ratio is
    averaged over them (Khosla et al. 2020, "Supervised Contrastive Learning", equation 2). Without a single negative in
    batch and queue there is nothing to contrast, and the loss is 0.

    With ``exclude_same_gloss=False`` and ``exclude_neighbours=0`` every other step of the batch is a negative. That is
    the plain InfoNCE, which stands for the atomic contrast of AugmentRGB (Dai et al. 2021, "Learning an Augmented RGB
    Representation with Cross-Modal Knowledge Distillation for Action Detection"; a reconstruction) beside
    :class:`~kd.losses.ContextualRelation` and :class:`~kd.losses.BoundarySaliency`.

    With one positive each and no queue the sums are those of :func:`~kd.losses.infonce.symmetric_info_nce`, one
    matrix for both directions; a test shows that ``SupConLoss`` of pytorch-metric-learning gives the same, in nine
    times the time for 300 steps. Everywhere else it is that ``SupConLoss``, told its positive and negative pairs one
    by one. Its ``NTXentLoss`` takes the same pairs but compares every positive with every negative pair, ``N^3``
    numbers for ``N`` steps, and its ``CrossBatchMemory`` keeps its position outside the state, so that a resumed run
    would differ; hence our own queue.

    Args:
        student_width: features of the student's tap.
        teacher_width: features of the teacher's tap.
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
        width: width of the embeddings ``u``.
        temperature: ``t``, greater than 0.
        negatives: ``"batch"``, or ``"queue"`` for the batch and the newest steps of past batches.
        queue_length: steps kept under ``negatives="queue"``.
        positives: ``"step"`` for the same step alone, ``"gloss"`` for every step of the same pseudo-label.
        exclude_same_gloss: no negatives with the same pseudo-label of the teacher.
        exclude_neighbours: no negatives within this many of the contrasted steps in the same clip.
        stride: contrast every ``stride``-th step, in the formula above all there are: neighbouring frames differ
            little, and a contrast of ``N`` steps costs ``N^2``.
    """

    def __init__(
        self,
        student_width: int,
        teacher_width: int,
        tap: str = "conv",
        teacher_tap: str | None = None,
        width: int = 128,
        temperature: float = 0.1,
        negatives: Literal["batch", "queue"] = "batch",
        queue_length: int = 4096,
        positives: Literal["step", "gloss"] = "step",
        exclude_same_gloss: bool = True,
        exclude_neighbours: int = 1,
        stride: int = 1,
    ) -> None:
        super().__init__(tap, teacher_tap)
        check_temperature(temperature)
        if negatives not in ("batch", "queue"):
            raise ValueError(f"negatives is {negatives!r}: negatives come from the 'batch' or also from a 'queue'")
        if positives not in ("step", "gloss"):
            raise ValueError(f"positives is {positives!r}: a positive shares the 'step' or the 'gloss'")
        if queue_length < 1:
            raise ValueError(f"queue_length is {queue_length}, but a queue holds at least 1 step")
        if stride < 1:
            raise ValueError(f"stride is {stride}, but it counts steps: it must be 1 or more")
        self.teacher_taps = (self.teacher_tap, "logits")
        self.positives = positives
        self.stride = stride
        self.temperature = temperature
        self.exclude_same_gloss = exclude_same_gloss
        self.exclude_neighbours = exclude_neighbours
        self.student_projection = nn.Linear(student_width, width)
        self.teacher_projection = nn.Linear(teacher_width, width)
        self.queue = StepQueue(queue_length, width) if negatives == "queue" else None
        self.contrast = SupConLoss(
            temperature=temperature,
            distance=DotProductSimilarity(normalize_embeddings=False),
            reducer=MeanReducer(),
        )

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Contrast of all valid steps of the batch; in training the queue then takes them in."""
        assert teacher is not None
        ours, theirs, steps = self._embedded(student, teacher, batch)
        if self.queue is None and self.positives == "step":
            return symmetric_info_nce(ours, theirs, self._negatives(steps), self.temperature)
        if len(ours) == 0:
            return ours.sum() + theirs.sum()
        positive, negative = self._pairs(steps)
        past_ours, past_theirs = self._past(ours)
        there = self._contrast(ours, torch.cat([theirs, past_theirs]), positive, negative)
        back = self._contrast(theirs, torch.cat([ours, past_ours]), positive, negative)
        if self.queue is not None and self.training:
            self.queue.push(ours, theirs, steps.labels)
        return (there + back) / 2

    def meters(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> dict[str, float]:
        """``contrast_accuracy``: how often the nearest candidate of a step, on either side, is a positive."""
        assert teacher is not None
        ours, theirs, steps = self._embedded(student, teacher, batch)
        positive, negative = self._pairs(steps)
        past_ours, past_theirs = self._past(ours)
        there, back = ours @ torch.cat([theirs, past_theirs]).T, theirs @ torch.cat([ours, past_ours]).T
        return contrast_accuracy((there, positive, negative), (back, positive, negative))

    def _embedded(self, student: NetOutput, teacher: NetOutput, batch: Batch) -> tuple[Tensor, Tensor, Steps]:
        """Embeddings of the contrasted steps of both sides, ``[N, width]`` each, and what is known of the steps."""
        features = student.read(self.tap)
        targets = align_linear(teacher.read(self.teacher_tap), features)
        ours = unit(self.student_projection(features.every(self.stride).valid()))
        theirs = unit(self.teacher_projection(targets.every(self.stride).valid()))
        return ours, theirs, Steps.of(features, teacher, batch, self.stride)

    def _negatives(self, steps: Steps) -> Tensor:
        """Pairs within the batch that may be pushed apart, ``[N, N]`` bool."""
        return steps.negatives(exclude_same_gloss=self.exclude_same_gloss, exclude_neighbours=self.exclude_neighbours)

    def _pairs(self, steps: Steps) -> tuple[Tensor, Tensor]:
        """Positive and negative pairs with the steps of the batch and those of the queue, ``[N, N + M]`` bool each."""
        positive = self._positives(steps)
        negative = self._negatives(steps) & ~positive
        if self.queue is not None and len(self.queue):
            return self._widen(positive, negative, steps.labels, self.queue.stored()[2])
        return positive, negative

    def _positives(self, steps: Steps) -> Tensor:
        """Pairs within the batch that belong together, ``[N, N]`` bool."""
        if self.positives == "gloss":
            return steps.labels[:, None] == steps.labels[None, :]
        return torch.eye(len(steps.labels), dtype=torch.bool, device=steps.labels.device)

    def _past(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings of the steps of the queue, the student's and the teacher's."""
        if self.queue is None:
            return like[:0], like[:0]
        student, teacher, _ = self.queue.stored()
        return student.to(like.dtype), teacher.to(like.dtype)

    def _widen(self, positive: Tensor, negative: Tensor, labels: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """The same pairs with columns for the steps of the queue: ``[N, N + M]``."""
        same = labels[:, None] == past[None, :]
        past_positive = same if self.positives == "gloss" else torch.zeros_like(same)
        past_negative = ~same if self.exclude_same_gloss else ~past_positive
        return torch.cat([positive, past_positive], dim=1), torch.cat([negative, past_negative], dim=1)

    def _contrast(self, anchors: Tensor, candidates: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        anchor, match = positive.nonzero(as_tuple=True)
        other, against = negative.nonzero(as_tuple=True)
        # Twice, because the library takes lists of a single pair for no pairs at all.
        pairs = (anchor.repeat(2), match.repeat(2), other, against)
        return self.contrast(anchors, indices_tuple=pairs, ref_emb=candidates)
