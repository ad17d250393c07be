"""Prefix beam search over CTC posteriors, for all clips of a batch at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from slr.ctc.alignment import best_paths
from slr.ctc.hypotheses import Decoding, Hypothesis, log_probabilities, read_path
from slr.types import Padded
from slr.vocabulary import BLANK


class BeamDecoder:
    """Keeps the ``width`` most probable gloss prefixes after every step (Graves 2012; Hannun et al. 2014).

    A prefix carries two sums over the paths that spell it, those that end in a blank and those that end in its last
    gloss; paths that meet in one prefix are added. Without pruning the log probability of a hypothesis is exact, and
    with enough width the first hypothesis is the most probable gloss sequence. Glosses are never merged after
    decoding: a repeated gloss means the network saw a blank between.

    What is pruned: prefixes beyond the best ``width``; and at each step, as *new* glosses of a prefix, all but the
    ``top_classes`` most probable ones and, the most probable one excepted, those whose log probability at that step
    is below ``prune_log_probability``. The blank and the repetition of a prefix's last gloss are always followed. The
    probability of what was pruned is missing from the sums, so that scores are then lower bounds.

    Args:
        width: prefixes to keep, and most hypotheses to return.
        prune_log_probability: natural logarithm; ``-math.inf`` tries every gloss.
        top_classes: ``None`` tries every gloss.

    Raises:
        ValueError: when ``width`` or ``top_classes`` is below 1, or ``prune_log_probability`` is not negative.
    """

    def __init__(self, width: int = 10, prune_log_probability: float = -12.0, top_classes: int | None = 40) -> None:
        if width < 1 or (top_classes is not None and top_classes < 1):
            raise ValueError(f"a beam of width {width} over {top_classes} classes keeps nothing: both start at 1")
        if not prune_log_probability < 0:
            raise ValueError(f"prune_log_probability is a logarithm below 0, got {prune_log_probability}")
        self.width = width
        self.prune_log_probability = prune_log_probability
        self.top_classes = top_classes

    @property
    def name(self) -> str:
        """``beam-`` and the width."""
        return f"beam-{self.width}"

    @torch.no_grad()
    def decode(self, logits: Padded) -> list[Decoding]:
        """Up to ``width`` hypotheses per clip from raw scores ``[B, S, V]``."""
        log_probs = log_probabilities(logits)
        choices = self._choose(log_probs.values)
        prefixes = _Prefixes.empty(log_probs.values, self.width)
        for step, number in enumerate(choices.numbers):
            prefixes = prefixes.advance(
                log_probs.values[:, step], choices.classes[:, step, :number], choices.scores[:, step, :number]
            )
        return _finish(prefixes, log_probs)

    def _choose(self, log_probs: Tensor) -> _Choices:
        """The glosses worth trying at every step, the best first; ``-inf`` marks those below the threshold."""
        spoken = log_probs[..., BLANK + 1 :]
        number = spoken.shape[-1] if self.top_classes is None else min(self.top_classes, spoken.shape[-1])
        scores, classes = spoken.topk(number, dim=-1)
        tried = scores >= self.prune_log_probability
        tried[..., :1] = True  # so that some prefix survives a step whose blank is impossible
        scores = torch.where(tried, scores, -math.inf)
        most = (scores > -math.inf).sum(-1).amax(0)
        return _Choices(classes + BLANK + 1, scores, most.tolist())


@dataclass(frozen=True)
class _Choices:
    """``classes`` and ``scores`` ``[B, S, N]``; at step ``s`` no clip needs more than the first ``numbers[s]``."""

    classes: Tensor
    scores: Tensor
    numbers: list[int]


@dataclass(frozen=True)
class _Prefixes:
    """The ``K`` prefixes of every clip, the most probable first.

    ``glosses`` ``[B, K, U]`` is blank at and after ``lengths`` ``[B, K]``, with at least one blank; ``blank`` and
    ``spoken`` ``[B, K]`` are the log probabilities of the paths that end in a blank and in the last gloss. A place
    not in use has ``-inf`` in both, whatever its glosses; the prefixes in use differ from each other.
    """

    glosses: Tensor
    lengths: Tensor
    blank: Tensor
    spoken: Tensor

    @classmethod
    def empty(cls, log_probs: Tensor, width: int) -> _Prefixes:
        """Every clip starts with the empty prefix, for certain."""
        nothing = log_probs.new_full((log_probs.shape[0], width), -math.inf)
        start = nothing.clone()
        start[:, 0] = 0.0
        lengths = torch.zeros_like(nothing, dtype=torch.int64)
        return cls(torch.full_like(lengths, BLANK)[..., None], lengths, start, nothing)

    @property
    def total(self) -> Tensor:
        """Log probability ``[B, K]`` of each prefix over all its paths so far."""
        return torch.logaddexp(self.blank, self.spoken)

    def advance(self, log_probs: Tensor, classes: Tensor, scores: Tensor) -> _Prefixes:
        """Read one more step ``[B, V]``, of which ``classes`` ``[B, N]`` may be appended with their ``scores``."""
        last = self.glosses.gather(2, self._last_place).squeeze(2)  # [B, K], blank for the empty prefix
        child = self._children()  # [B, K, K]
        blank, spoken = self._stay(log_probs, last, child)
        longer = self._append(classes, scores, last, child)  # [B, K, N]
        candidates = torch.cat([torch.logaddexp(blank, spoken), longer.flatten(1)], dim=1)  # [B, K + K N]
        # A stable sort, because equal scores must not be ordered by what else is in the batch.
        scores, order = candidates.sort(dim=1, descending=True, stable=True)
        scores, order = scores[:, : last.shape[1]], order[:, : last.shape[1]]
        return self._select(order, blank, spoken, scores, classes)

    @property
    def _last_place(self) -> Tensor:
        return (self.lengths - 1).clamp(min=0)[..., None]

    def _children(self) -> Tensor:
        """Whether prefix ``j``, in use, is prefix ``i`` and one gloss more: ``[B, i, j]``."""
        prefixes = self.glosses.double()
        parents = prefixes.scatter(2, self._last_place, BLANK)
        # Equal rows have a squared distance of zero: exact for ids in doubles, and faster than comparing elements.
        squares = prefixes.square().sum(-1)[:, :, None] + parents.square().sum(-1)[:, None]
        same = squares == 2 * prefixes @ parents.transpose(1, 2)
        return same & ((self.lengths > 0) & (self.total > -math.inf))[:, None]

    def _leaving(self, last: Tensor, gloss: Tensor) -> Tensor:
        """Paths of each prefix ``[B, K]`` that can go on with ``gloss`` ``[B, 1, X]``: a repeat needs a blank."""
        return torch.where(last[..., None] == gloss, self.blank[..., None], self.total[..., None])

    def _stay(self, log_probs: Tensor, last: Tensor, child: Tensor) -> tuple[Tensor, Tensor]:
        """The same prefixes one step later: by a blank, by the last gloss once more, or reached from a parent."""
        last_score = log_probs.gather(1, last)
        # A prefix has one parent, so the largest is the only finite one.
        arriving = torch.where(child, self._leaving(last, last[:, None]), -math.inf).amax(1)
        return self.total + log_probs[:, BLANK, None], torch.logaddexp(self.spoken, arriving) + last_score

    def _append(self, classes: Tensor, scores: Tensor, last: Tensor, child: Tensor) -> Tensor:
        """Every prefix with every class appended ``[B, K, N]``; children in use already are left to ``_stay``."""
        ends_in = (last[..., None] == classes[:, None]).to(scores.dtype)  # [B, K, N]
        in_use = child.to(scores.dtype) @ ends_in > 0
        return torch.where(in_use, -math.inf, self._leaving(last, classes[:, None]) + scores[:, None])

    def _select(self, order: Tensor, blank: Tensor, spoken: Tensor, scores: Tensor, classes: Tensor) -> _Prefixes:
        """The prefixes at ``order`` ``[B, K]``, which counts the kept ones first, then the longer ones."""
        width, number = order.shape[1], classes.shape[1]
        kept = order < width
        appended = (order - width).clamp(min=0)
        parent = torch.where(kept, order, appended // max(number, 1))
        gloss = classes.gather(1, appended % number) if number else torch.full_like(order, BLANK)
        glosses = self.glosses.gather(1, parent[..., None].expand_as(self.glosses))
        lengths = self.lengths.gather(1, parent)
        glosses = glosses.scatter(2, lengths[..., None], torch.where(kept, BLANK, gloss)[..., None])
        return _Prefixes(
            glosses=torch.nn.functional.pad(glosses, (0, 1), value=BLANK),
            lengths=torch.where(kept, lengths, lengths + 1),
            blank=torch.where(kept, blank.gather(1, parent), -math.inf),
            spoken=torch.where(kept, spoken.gather(1, parent), scores),
        )


def _finish(prefixes: _Prefixes, log_probs: Padded) -> list[Decoding]:
    """Hypotheses of the prefixes in use, with the steps of their glosses."""
    totals = prefixes.total
    in_use = totals > -math.inf
    lengths = torch.where(in_use, prefixes.lengths, 0)
    longest = int(lengths.amax()) if lengths.numel() else 0
    labels, _ = best_paths(log_probs, prefixes.glosses[..., :longest], lengths)  # [B, K, S]
    step_scores = log_probs.values.gather(2, labels.transpose(1, 2)).transpose(1, 2)
    rows = zip(*(tensor.tolist() for tensor in (labels, step_scores, totals, in_use, log_probs.lengths)), strict=True)
    return [_decoding(*row) for row in rows]


def _decoding(
    labels: list[list[int]], step_scores: list[list[float]], totals: list[float], in_use: list[bool], steps: int
) -> Decoding:
    readings: list[Hypothesis] = [
        read_path(path[:steps], scores[:steps], total)
        for path, scores, total, used in zip(labels, step_scores, totals, in_use, strict=True)
        if used
    ]
    return Decoding(tuple(readings))
