"""Contrast of features related over time by learned graphs: the gamma term of TRKD."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from kd.align import align_linear
from kd.losses.graph import Adjacency, TemporalGraphs
from kd.losses.infonce import Steps, contrast_accuracy, symmetric_info_nce
from kd.losses.posteriors import check_temperature
from kd.losses.tap_loss import TapLoss
from kd.reduce import mean_over_steps
from slr.types import Batch, NetOutput, Padded

Comparison = Literal["contrast", "mse"]
Frozen = Literal["none", "teacher", "both"]


class TemporalRelation(TapLoss):
    """Mean over all valid steps of the whole batch of the contrast student-teacher, averaged over both directions.

    Each side has a graph of its own whose nodes are the steps of a clip, see
    :class:`~kd.losses.graph.TemporalGraphs`; ``u^m_i`` is the embedding of step ``i`` by the graph of side ``m``::

        L = -1/(2N) sum_i [ log( e^{u^S_i.u^T_i/t} / sum_{k in i, N(i)} e^{u^S_i.u^T_k/t} ) + S and T exchanged ]

    After Xiao et al. 2022, "Cross-modal knowledge distillation for continuous sign language based on alignment of
    temporal information"; the paper leaves sizes and the second adjacency open, so these are a reconstruction.

    Why a contrast and not a squared distance: the teacher's graph learns too, and two constant embeddings have distance
    0. The contrast of constant embeddings is ``log(1 + |N(i)|)``, far from its minimum.

    Three controls show what each part is good for; the paper has none of them:

    - ``adjacency="I"``: no graph. What is left are two heads that see single steps.
    - ``comparison="mse"``: the mean over the steps of ``|u^S_i - u^T_i|^2`` in place of the contrast, which collapse
      makes 0.
    - ``frozen="teacher"``: a random graph that never learns on the teacher's side, so that the student has a fixed
      target; ``frozen="both"``: on both sides, so that nothing but the student learns.

    Both graphs belong to the objective. The deployed student keeps nothing of them.

    Args:
        student_width: features of the student's tap.
        teacher_width: features of the teacher's tap.
        tap: feature read from the student.
        teacher_tap: feature read from the teacher; the same name when left out.
        width: features of a node.
        embedding_width: features of ``u``.
        adjacency: ``"P"`` relations from the features, ``"L"`` relations learned for distances, ``"P+L"`` their mean,
            ``"I"`` none.
        layers: graph layers.
        radius: of the learned distances, in steps.
        temperature: ``t``, greater than 0.
        exclude_same_gloss: no negatives with the same pseudo-label of the teacher.
        exclude_neighbours: no negatives within this many steps in the same clip.
        comparison: ``"contrast"`` or ``"mse"``, which has no negatives and no temperature.
        frozen: graphs that stay as they were drawn: ``"none"``, the ``"teacher"``'s or ``"both"``.
    """

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
        comparison: Comparison = "contrast",
        frozen: Frozen = "none",
    ) -> None:
        super().__init__(tap, teacher_tap)
        check_temperature(temperature)
        if comparison not in get_args(Comparison):
            raise ValueError(f"comparison is {comparison!r}, which is none of {', '.join(get_args(Comparison))}")
        if frozen not in get_args(Frozen):
            raise ValueError(f"frozen is {frozen!r}, which is none of {', '.join(get_args(Frozen))}")
        self.teacher_taps = (self.teacher_tap, "logits") if comparison == "contrast" else (self.teacher_tap,)
        self.temperature = temperature
        self.exclude_same_gloss = exclude_same_gloss
        self.exclude_neighbours = exclude_neighbours
        self.comparison = comparison

        def graphs(*widths: int) -> TemporalGraphs:
            return TemporalGraphs(widths, width, embedding_width, adjacency, layers, radius)

        # Graphs side by side share their tensors: one that stays as it is beside one that learns needs its own.
        self.teacher_graph = graphs(teacher_width).frozen_at_random() if frozen == "teacher" else None
        self.graphs = graphs(student_width) if frozen == "teacher" else graphs(student_width, teacher_width)
        if frozen == "both":
            self.graphs.frozen_at_random()

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Contrast, or squared distance, of all valid steps of the batch, after both graphs."""
        assert teacher is not None
        ours, theirs = self._embedded(student, teacher)
        if self.comparison == "mse":
            return mean_over_steps((ours - theirs).square().sum(dim=-1))
        return symmetric_info_nce(ours, theirs, self._negatives(student, teacher, batch), self.temperature)

    def meters(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> dict[str, float]:
        """``contrast_accuracy``: how often the nearest candidate of a step, on either side, is its own."""
        assert teacher is not None
        ours, theirs = self._embedded(student, teacher)
        scores, positive = ours @ theirs.T, torch.eye(len(ours), dtype=torch.bool, device=ours.device)
        negative = self._negatives(student, teacher, batch) & ~positive
        return contrast_accuracy((scores, positive, negative), (scores.T, positive, negative))

    def _embedded(self, student: NetOutput, teacher: NetOutput) -> tuple[Tensor, Tensor]:
        """Embeddings of all valid steps by the graph of each side, ``[N, embedding_width]`` each."""
        features = student.read(self.tap)
        targets = align_linear(teacher.read(self.teacher_tap), features)
        ours, theirs = (side for graphs, read in self._read(features, targets) for side in graphs(read))
        return ours, theirs

    def _negatives(self, student: NetOutput, teacher: NetOutput, batch: Batch) -> Tensor:
        """Pairs of steps that may be pushed apart, ``[N, N]`` bool."""
        return Steps.of(student.read(self.tap), teacher, batch).negatives(
            exclude_same_gloss=self.exclude_same_gloss, exclude_neighbours=self.exclude_neighbours
        )

    @torch.no_grad()
    def adjacency(self, student: NetOutput, teacher: NetOutput) -> tuple[Tensor, Tensor]:
        """Learned relations ``[B, S, S]`` between the steps of each clip, the student's and the teacher's, for figures.

        Rows of valid steps sum to 1; rows and columns of padding are 0.
        """
        features = student.read(self.tap)
        targets = align_linear(teacher.read(self.teacher_tap), features)
        ours, theirs = (side for graphs, read in self._read(features, targets) for side in graphs.adjacency(read))
        return ours, theirs

    def _read(self, features: Padded, targets: Padded) -> list[tuple[TemporalGraphs, tuple[Padded, ...]]]:
        """The graphs, each with the features it reads; the student's side comes first."""
        if self.teacher_graph is None:
            return [(self.graphs, (features, targets))]
        return [(self.graphs, (features,)), (self.teacher_graph, (targets,))]
