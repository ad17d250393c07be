"""Contrast of features related over time by learned graphs: the gamma term of TRKD."""

from __future__ import annotations

import torch
from torch import Tensor

from kd.align import align_linear
from kd.losses.base import Loss
from kd.losses.graph import Adjacency, TemporalGraphs
from kd.losses.infonce import Steps, contrast_accuracy, symmetric_info_nce
from slr.types import Batch, NetOutput


class TemporalRelation(Loss):
    """Mean over all valid steps of the whole batch of the contrast student-teacher, averaged over both directions.

    Each side has a graph of its own whose nodes are the steps of a clip, see
    :class:`~kd.losses.graph.TemporalGraphs`; ``u^m_i`` is the embedding of step ``i`` by the graph of side ``m``::

        L = -1/(2N) sum_i [ log( e^{u^S_i.u^T_i/t} / sum_{k in i, N(i)} e^{u^S_i.u^T_k/t} ) + S and T exchanged ]

    After Xiao et al. 2022, "Cross-modal knowledge distillation for continuous sign language based on alignment of
    temporal information"; the paper leaves sizes and the second adjacency open, so these are a reconstruction.

    Why a contrast and not a squared distance: the teacher's graph learns too, and two constant embeddings have distance
    0. The contrast of constant embeddings is ``log(1 + |N(i)|)``, far from its minimum.

    Both graphs belong to the objective. The deployed student keeps nothing of them.

    Args:
        student_width: features of the student's tap.
        teacher_width: features of the teacher's tap.
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
        width: features of a node.
        embedding_width: features of ``u``.
        adjacency: ``"P"`` relations from the features, ``"L"`` relations learned for distances, ``"P+L"`` their mean.
        layers: graph layers.
        radius: of the learned distances, in steps.
        temperature: ``t``, greater than 0.
        exclude_same_gloss: no negatives with the same pseudo-label of the teacher.
        exclude_neighbours: no negatives within this many steps in the same clip.
    """

    needs_teacher = True

    def __init__(
        self,
        student_width: int,
        teacher_width: int,
        tap: str = "context",
        teacher_tap: str | None = None,
        width: int = 256,
        embedding_width: int = 128,
        adjacency: Adjacency = "P+L",
        layers: int = 1,
        radius: int = 16,
        temperature: float = 0.07,
        exclude_same_gloss: bool = True,
        exclude_neighbours: int = 1,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}, but scores are divided by it: it must be greater than 0")
        self.tap = tap
        self.teacher_tap = teacher_tap or tap
        self.student_taps = (tap,)
        self.teacher_taps = (self.teacher_tap, "logits")
        self.temperature = temperature
        self.exclude_same_gloss = exclude_same_gloss
        self.exclude_neighbours = exclude_neighbours
        self.graphs = TemporalGraphs((student_width, teacher_width), width, embedding_width, adjacency, layers, radius)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Contrast of all valid steps of the batch, after both graphs."""
        assert teacher is not None
        ours, theirs = self._embedded(student, teacher)
        return symmetric_info_nce(ours, theirs, self._negatives(student, teacher), self.temperature)

    def meters(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> dict[str, float]:
        """``contrast_accuracy``: how often the nearest candidate of a step, on either side, is its own."""
        assert teacher is not None
        ours, theirs = self._embedded(student, teacher)
        scores, positive = ours @ theirs.T, torch.eye(len(ours), dtype=torch.bool, device=ours.device)
        negative = self._negatives(student, teacher) & ~positive
        return contrast_accuracy((scores, positive, negative), (scores.T, positive, negative))

    def _embedded(self, student: NetOutput, teacher: NetOutput) -> tuple[Tensor, Tensor]:
        """Embeddings of all valid steps by the graph of each side, ``[N, embedding_width]`` each."""
        features = student.read(self.tap)
        ours, theirs = self.graphs((features, align_linear(teacher.read(self.teacher_tap), features)))
        return ours, theirs

    def _negatives(self, student: NetOutput, teacher: NetOutput) -> Tensor:
        """Pairs of steps that may be pushed apart, ``[N, N]`` bool."""
        return Steps.of(student.read(self.tap), teacher).negatives(
            exclude_same_gloss=self.exclude_same_gloss, exclude_neighbours=self.exclude_neighbours
        )

    @torch.no_grad()
    def adjacency(self, student: NetOutput, teacher: NetOutput) -> tuple[Tensor, Tensor]:
        """Learned relations ``[B, S, S]`` between the steps of each clip, the student's and the teacher's, for figures.

        Rows of valid steps sum to 1; rows and columns of padding are 0.
        """
        features = student.read(self.tap)
        ours, theirs = self.graphs.adjacency((features, align_linear(teacher.read(self.teacher_tap), features)))
        return ours, theirs
