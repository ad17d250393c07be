"""The contrast of matching pairs, and which other pairs it may push apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from kd.align import align_nearest
from kd.losses.posteriors import without_blank
from kd.reduce import mean_over_steps
from slr.types import Batch, NetOutput, Padded


def symmetric_info_nce(student: Tensor, teacher: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """Mean over the ``N`` pairs of half the contrast from student to teacher plus half from teacher to student.

    The contrast of an anchor ``u_i`` with its own candidate ``v_i`` is
    ``-log( e^{u_i.v_i/t} / (e^{u_i.v_i/t} + sum_{k in N(i)} e^{u_i.v_k/t}) )`` (van den Oord et al. 2018,
    "Representation Learning with Contrastive Predictive Coding", equation 4, with an explicit set of negatives). When
    all vectors are equal its value is ``log(1 + |N(i)|)``, above the minimum: a collapse is penalised.

    Args:
        student: ``[N, D]`` unit vectors.
        teacher: ``[N, D]`` unit vectors; row ``i`` belongs to row ``i`` of the student.
        negatives: ``[N, N]`` bool, symmetric; ``negatives[i, k]`` allows row ``k`` of the other side as a negative of
            row ``i``; the diagonal is ignored.
        temperature: divides the scores.

    Returns:
        a scalar; 0 when there is no pair.
    """
    if len(student) == 0:
        return student.sum() + teacher.sum()
    value: Tensor = _SymmetricInfoNCE.apply(student, teacher, negatives, temperature)
    return value


@torch.no_grad()
def contrast_accuracy(*directions: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
    """Share of the anchors of all directions whose nearest candidate is a positive, as ``contrast_accuracy``.

    A tie with a negative counts as missed: embeddings that have collapsed into one score 0. An anchor without a
    positive or without a negative says nothing and is left out.

    Args:
        directions: of each the scores of its anchors with its candidates ``[N, M]``, which of these are positives and
            which are negatives, both ``[N, M]`` bool; what is neither is passed over.

    Returns:
        nothing when no anchor is left.
    """
    right = asked = 0
    for scores, positive, negative in directions:
        counted = positive.any(dim=1) & negative.any(dim=1)
        if not counted.any():
            continue
        match = scores.masked_fill(~positive, -torch.inf)[counted].amax(dim=1)
        other = scores.masked_fill(~negative, -torch.inf)[counted].amax(dim=1)
        right += int((match > other).sum())
        asked += int(counted.sum())
    return {"contrast_accuracy": right / asked} if asked else {}


class _SymmetricInfoNCE(torch.autograd.Function):
    """The formula with its gradient written down.

    The scores ``s = u v^T / t`` have the gradient ``(P + Q - 2 I) / 2N``, where the rows of ``P`` and the columns of
    ``Q`` are the softmax over the candidates of one side each. Left to autograd, the small matrices of a batch cost
    more in bookkeeping than in arithmetic.
    """

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, negatives: Tensor, temperature: float) -> Tensor:
        excluded = (~negatives).fill_diagonal_(False)
        scores = ((student / temperature) @ teacher.T).masked_fill_(excluded, -torch.inf)  # [N, N], for both directions
        there, back = scores.log_softmax(dim=1), scores.log_softmax(dim=0)
        value = -mean_over_steps(there.diagonal() + back.diagonal()) / 2
        slope = there.exp_().add_(back.exp_())
        slope.diagonal().sub_(2)
        ctx.save_for_backward(student, teacher, slope.div_(2 * len(scores) * temperature))
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor | None, ...]:
        student, teacher, slope = ctx.saved_tensors
        slope = slope * outputs[0]
        return slope @ teacher, slope.T @ student, None, None


@dataclass(frozen=True)
class Steps:
    """The valid steps of a batch in a row, and what decides who is whose negative.

    All three are ``[N]`` int64: the row of the batch, the place within the clip (counted in the steps that are here),
    and the pseudo-label of the teacher.
    """

    clips: Tensor
    times: Tensor
    labels: Tensor

    @classmethod
    def of(cls, features: Padded, teacher: NetOutput, batch: Batch, stride: int = 1) -> Steps:
        """Every ``stride``-th valid step of ``features``, labelled by the logits of the teacher.

        The pseudo-label is the teacher's best class other than the blank, so a blank step belongs to the gloss it leans
        to: between two spikes of one sign lies that sign. Isolated clips, which have labels, know no blank: there it is
        the best of all classes.
        """
        scores = teacher.logits.values
        said = (without_blank(scores) if batch.labels is None else scores).argmax(dim=-1)
        labels = align_nearest(Padded(said, teacher.logits.lengths), features).every(stride)
        clips, times = labels.mask.nonzero(as_tuple=True)
        return cls(clips, times, labels.values[clips, times])

    def negatives(self, *, exclude_same_gloss: bool, exclude_neighbours: int) -> Tensor:
        """Pairs that may be pushed apart, ``[N, N]`` bool.

        A step is never its own negative. Two more kinds of pairs are likely to be the same sign and can be left out.

        Args:
            exclude_same_gloss: leave out pairs with the same pseudo-label.
            exclude_neighbours: leave out pairs of one clip at most this many places apart.
        """
        # On one line, clip after clip, with gaps between them that no neighbourhood spans.
        apart = int(self.times.max()) + exclude_neighbours + 1 if len(self.times) else 0
        # [N, N] numbers follow: half the bytes, half the time.
        places = (self.clips * apart + self.times).to(torch.int32)
        allowed = (places[:, None] - places[None, :]).abs() > exclude_neighbours
        if exclude_same_gloss:
            labels = self.labels.to(torch.int32)
            allowed &= labels[:, None] != labels[None, :]
        return allowed
