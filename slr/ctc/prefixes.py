"""The search behind :class:`slr.ctc.BeamDecoder`: the best prefixes of every clip, read on one step at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from slr.vocabulary import BLANK

_NO_PARENT = -1
_MULTIPLIER = 0x2545F4914F6CDD1D  # odd, so that no bit of a fingerprint is lost


@dataclass(frozen=True)
class Pairs:
    """Which prefixes are tried with which classes of a step: ``rows`` and ``ranks`` ``[M]``.

    ``rows`` count the prefixes from the most probable one, ``ranks`` the classes likewise. ``parents`` ``[K + M]`` are
    the prefixes behind all candidates, the ``K`` prefixes themselves first.
    """

    rows: Tensor
    ranks: Tensor
    parents: Tensor

    @property
    def classes(self) -> int:
        """How many classes of a step are needed."""
        return int(self.ranks.max()) + 1


@lru_cache(maxsize=32)
def sufficient_pairs(width: int, classes: int, device: torch.device) -> Pairs:
    """The pairs among which the ``width`` best candidates surely are, when a class scores alike after every prefix.

    Prefix ``r`` (from 0) with class ``j`` is no better than each of the ``(r + 1) (j + 1) - 1`` other pairs that come
    no later on both counts, up to one a prefix: its own last gloss, which can only be repeated past a blank. So it has
    at least ``(r + 1) j - 1`` betters, and is needed only where these are fewer than ``width``.
    """
    needed = [(row, rank) for row in range(width) for rank in range(classes) if (row + 1) * rank <= width]
    return _pairs(needed, width, device)


@lru_cache(maxsize=32)
def all_pairs(width: int, classes: int, device: torch.device) -> Pairs:
    """Every prefix with every one of ``classes`` classes."""
    return _pairs([(row, rank) for row in range(width) for rank in range(classes)], width, device)


def _pairs(pairs: list[tuple[int, int]], width: int, device: torch.device) -> Pairs:
    rows, ranks = torch.tensor(pairs, device=device).unbind(1)
    return Pairs(rows, ranks, torch.cat([torch.arange(width, device=device), rows]))


@lru_cache(maxsize=8)
def fingerprints(classes: int, device: torch.device) -> Tensor:
    """A random number of 64 bits per gloss ``[V]``.

    A prefix is known by one number mixed from those of its glosses: that two of a beam of ten share it by accident
    has a chance of about 1e-17 a step.
    """
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-(2**63), 2**63 - 1, (classes,), generator=generator, dtype=torch.int64).to(device)


@dataclass(frozen=True)
class Move:
    """Where prefixes come from: their ``parents`` and added ``glosses`` ``[B, K]``, the blank where none was added."""

    parents: Tensor
    glosses: Tensor


@dataclass(frozen=True)
class Prefixes:
    """The ``K`` prefixes of every clip, the best first.

    ``blank`` and ``spoken`` ``[B, K]`` are log probabilities, summed over the paths of a prefix that end in a blank and
    in its last gloss, with what a language model and a bonus add to a prefix; ``total`` is both together. A place not
    in use has ``-inf`` in all three. ``last`` is the last gloss, the blank of the empty prefix. ``code`` and ``parent``
    are the fingerprints of a prefix and of the prefix without its last gloss. ``gained`` is what language model and
    bonus gave for the last gloss, one number when it is the same for all.
    """

    total: Tensor
    blank: Tensor
    spoken: Tensor
    last: Tensor
    code: Tensor
    parent: Tensor
    gained: Tensor | float

    @classmethod
    def empty(cls, batch: int, width: int, like: Tensor, gained: Tensor | float = 0.0) -> Prefixes:
        """Every clip starts with the empty prefix, for certain."""
        nothing = like.new_full((batch, width), -math.inf)
        start = nothing.clone()
        start[:, 0] = 0.0
        last = torch.full_like(nothing, BLANK, dtype=torch.int64)
        orphan = torch.full_like(last, _NO_PARENT)
        return cls(start, start, nothing, last, torch.zeros_like(last), orphan, gained)

    def advance(
        self, log_probs: Tensor, classes: Tensor, scores: Tensor, pairs: Pairs, codes: Tensor, gains: Tensor | float
    ) -> tuple[Prefixes, Move]:
        """Read one more step.

        Args:
            log_probs: ``[B, V]``.
            classes: the class of every pair ``[B, M]``.
            scores: its log probability ``[B, M]``.
            pairs: which prefixes may go on with which classes.
            codes: see :func:`fingerprints`.
            gains: what language model and bonus give for the class after the prefix, ``[B, M]`` or one number.
        """
        width = self.total.shape[1]
        apart = self.code[:, :, None] != self.parent[:, None]  # [B, i, j]: j is not i and one gloss more
        blank, spoken = self._stay(log_probs, apart)
        longer = self._append(classes, scores + gains, pairs, apart)
        candidates = torch.cat([torch.logaddexp(blank, spoken), longer], dim=1)  # [B, K + M]
        # A stable sort, because equal scores must not be ordered by what else is in the batch.
        total, order = candidates.sort(dim=1, descending=True, stable=True)
        total, order = total[:, :width], order[:, :width]
        grown = order >= width
        parents = pairs.parents.take(order)
        added = (order - width).clamp(min=0)
        glosses = classes.gather(1, added)
        code = self.code.gather(1, parents)
        gained = self.gained
        if isinstance(gained, Tensor):
            assert isinstance(gains, Tensor), "a gain per prefix needs gains per pair"
            gained = torch.where(grown, gains.gather(1, added), gained.gather(1, parents))
        parent = torch.where(grown, code, self.parent.gather(1, parents))
        following = Prefixes(
            total=total,
            blank=blank.gather(1, parents).masked_fill(grown, -math.inf),
            spoken=torch.where(grown, total, spoken.gather(1, parents)),
            last=torch.where(grown, glosses, self.last.gather(1, parents)),
            code=torch.where(grown, (code + codes.take(glosses)) * _MULTIPLIER, code),
            # A place not in use is nobody's child: it would keep its gloss from being appended.
            parent=parent.masked_fill(total == -math.inf, _NO_PARENT),
            gained=gained,
        )
        return following, Move(parents, glosses.masked_fill(~grown, BLANK))

    def within(self, margin: float) -> Prefixes:
        """Without the prefixes that are more than ``margin`` behind the best one of their clip."""
        behind = self.total < self.total[:, :1] - margin
        return replace(
            self,
            total=self.total.masked_fill(behind, -math.inf),
            blank=self.blank.masked_fill(behind, -math.inf),
            spoken=self.spoken.masked_fill(behind, -math.inf),
            parent=self.parent.masked_fill(behind, _NO_PARENT),
        )

    def _stay(self, log_probs: Tensor, apart: Tensor) -> tuple[Tensor, Tensor]:
        """The same prefixes one step later: by a blank, by the last gloss once more, or reached from a parent."""
        repeats = self.last[:, :, None] == self.last[:, None]
        leaving = torch.where(repeats, self.blank[:, :, None], self.total[:, :, None])  # a repeat needs a blank
        # A prefix has one parent, so the largest is the only finite one.
        arriving = leaving.masked_fill(apart, -math.inf).amax(1) + self.gained
        spoken = torch.logaddexp(self.spoken, arriving) + log_probs.gather(1, self.last)
        return self.total + log_probs[:, BLANK, None], spoken

    def _append(self, classes: Tensor, scores: Tensor, pairs: Pairs, apart: Tensor) -> Tensor:
        """Every pair ``[B, M]`` as one prefix more; children in use already are left to :meth:`_stay`."""
        rows = pairs.rows
        repeats = self.last.index_select(1, rows) == classes
        leaving = torch.where(repeats, self.blank.index_select(1, rows), self.total.index_select(1, rows))
        free = (apart.index_select(1, rows) | (self.last[:, None] != classes[:, :, None])).all(-1)
        return (leaving + scores).masked_fill(~free, -math.inf)
