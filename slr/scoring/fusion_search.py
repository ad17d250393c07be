"""Weights of a fusion, by trying every combination of a grid: all of them counted, few of them looked at.

A class can take a clip from its label only where it scores at least as high, that is where the weighted sum of its
leads over the label is not negative. Over a box of weights such a sum lies between two bounds, each a product with the
corners of the box. So a whole box is settled for a clip when some class leads everywhere in it, or none can anywhere;
a class that cannot lead, or that another one beats everywhere in the box, is not looked at there again. What is not
settled is asked in the halves of the box, and in small boxes combination by combination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Axis = tuple[int, ...]
Span = tuple[int, int]

# Published for four streams (DSTA-SLR, code): joint 1.0 to 2.0, bone 0.5 to 1.5, both motions 0.1 to 1.0; in tenths,
# whole numbers, so that sums of scores in float32 are exact and a tie is a tie.
_TENTHS: tuple[Axis, ...] = (tuple(range(10, 21)), tuple(range(5, 16)), tuple(range(1, 11)), tuple(range(1, 11)))
_CHUNK = 128  # clips at a time, so that their scores stay in the cache
_SMALL = 64  # combinations of a box that is no longer halved
_SLACK = 1e-4  # share of the largest lead by which the first, single-precision look may be wrong


@dataclass(frozen=True)
class WeightSearch:
    """What a grid gives on some clips.

    ``weights`` are those with the most ``hits`` of ``clips``; of several such combinations (``tied``, among all that
    were ``tried``) the one nearest to their mean, and the first of those. ``hits_by_weights`` has one axis per stream,
    in the order of ``axes``.
    """

    weights: tuple[float, ...]
    hits: int
    clips: int
    tied: int
    tried: int
    axes: tuple[tuple[float, ...], ...]
    hits_by_weights: NDArray[np.int64]


def search_weights(streams: Sequence[NDArray[np.floating]], labels: NDArray[np.int64]) -> WeightSearch:
    """Try the published grid of the first streams on clips of known class: 12,100 combinations for four streams.

    A clip is a hit when its label scores higher than every other class.

    Args:
        streams: ``[clips, classes]`` each, two to four of them.
        labels: ``[clips]``.

    Raises:
        ValueError: when there are other numbers of streams, they differ in shape, or scores are not finite.
    """
    if not 2 <= len(streams) <= len(_TENTHS):
        raise ValueError(f"the published grid has weights of 2 to {len(_TENTHS)} streams, and there are {len(streams)}")
    if len({stream.shape for stream in streams}) > 1 or len(labels) != len(streams[0]) or not len(labels):
        raise ValueError("streams judge the same clips and classes, and every clip has a label")
    if not all(np.isfinite(stream).all() for stream in streams):
        raise ValueError("scores to search weights for are finite")
    axes = _TENTHS[: len(streams)]
    counter = _Counter(axes)
    for first in range(0, len(labels), _CHUNK):
        part = slice(first, first + _CHUNK)
        leads, clips = _possible_leads([stream[part] for stream in streams], labels[part], axes)
        counter.all_won += len(labels[part]) - len(np.unique(clips))
        counter.add(leads, clips)
    counter.finish()
    hits = counter.hits + counter.all_won
    best = np.argwhere(hits == hits.max())  # [tied, streams]
    middle = best[int(np.square(len(best) * best - best.sum(axis=0)).sum(axis=1).argmin())]  # whole numbers: exact
    return WeightSearch(
        weights=tuple(axis[index] / 10 for axis, index in zip(axes, middle, strict=True)),
        hits=int(hits.max()),
        clips=len(labels),
        tied=len(best),
        tried=hits.size,
        axes=tuple(tuple(value / 10 for value in axis) for axis in axes),
        hits_by_weights=hits,
    )


def _possible_leads(
    streams: Sequence[NDArray[np.floating]], labels: NDArray[np.int64], axes: Sequence[Axis]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The leads ``[N, streams]`` over the label of every class that may have one somewhere, and of which clip it is.

    Single precision decides with some slack; what it leaves is exact.
    """
    rows = np.arange(len(labels))
    most: NDArray[np.float32] | None = None
    largest = np.float32(0)
    for stream, axis in zip(streams, axes, strict=True):
        scores = stream.astype(np.float32, copy=False)
        lead = scores - scores[rows, labels][:, None]
        largest = max(largest, np.abs(lead).max())
        bound = lead * np.float32(axis[0])
        np.maximum(lead, 0, out=lead)
        lead *= np.float32(axis[-1] - axis[0])
        bound += lead
        most = bound if most is None else np.add(most, bound, out=most)
    assert most is not None
    most[rows, labels] = -np.inf
    clips, classes = (most >= -_SLACK * largest * sum(axis[-1] for axis in axes)).nonzero()
    own = labels[clips]
    leads = [stream[clips, classes].astype(np.float64) - stream[clips, own] for stream in streams]
    return np.stack(leads, axis=1), clips


class _Counter:
    """Counts hits over the grid from the leads of some clips after the others."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = [np.asarray(axis, dtype=np.float64) for axis in axes]
        self.hits = np.zeros([len(axis) for axis in axes], dtype=np.int64)
        self.all_won = 0  # clips that are hits whatever the weights
        self._whole = [(0, len(axis)) for axis in axes]
        self._leads: list[NDArray[np.float64]] = []
        self._clips: list[NDArray[np.int64]] = []
        self._seen = 0

    def add(self, leads: NDArray[np.float64], clips: NDArray[np.int64]) -> None:
        """Count some clips; what the whole grid does not settle of them is kept for :meth:`finish`."""
        leads, clips = self._open(leads, clips, self._whole)
        self._leads.append(leads)
        self._clips.append(clips + self._seen)
        self._seen += int(clips.max(initial=0)) + 1

    def finish(self) -> None:
        """Count what was kept."""
        leads, clips = np.concatenate(self._leads), np.concatenate(self._clips)
        if len(leads):
            self._halve(leads, clips, self._whole)

    def _visit(self, leads: NDArray[np.float64], clips: NDArray[np.int64], box: list[Span]) -> None:
        leads, clips = self._open(leads, clips, box)
        if not len(leads):
            return
        if np.prod([end - begin for begin, end in box]) <= _SMALL:
            self._try(leads, clips, box)
        else:
            self._halve(leads, clips, box)

    def _open(
        self, leads: NDArray[np.float64], clips: NDArray[np.int64], box: list[Span]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The leads that a box does not settle; clips that are hits all over it are counted."""
        if not len(leads):
            return leads, clips
        low = np.asarray([axis[begin] for axis, (begin, _) in zip(self.axes, box, strict=True)])
        high = np.asarray([axis[end - 1] for axis, (_, end) in zip(self.axes, box, strict=True)])
        gains = np.maximum(leads, 0)
        losses = leads - gains
        least, most = gains @ low + losses @ high, gains @ high + losses @ low
        starts = _starts(clips)
        highest = np.repeat(np.maximum.reduceat(least, starts), np.diff(starts, append=len(clips)))
        # Lost clips, where some class leads everywhere, are not counted and not looked at again.
        kept = (highest < 0) & (most >= 0) & (most >= highest)
        lost = int((highest[starts] >= 0).sum())
        remaining = clips[kept]
        won = len(starts) - lost - (len(_starts(remaining)) if len(remaining) else 0)
        self.hits[tuple(slice(begin, end) for begin, end in box)] += won
        return leads[kept], remaining

    def _halve(self, leads: NDArray[np.float64], clips: NDArray[np.int64], box: list[Span]) -> None:
        axis = max(range(len(box)), key=lambda number: self._reach(leads, number, box[number]))
        begin, end = box[axis]
        middle = (begin + end) // 2
        for half in ((begin, middle), (middle, end)):
            self._visit(leads, clips, [*box[:axis], half, *box[axis + 1 :]])

    def _reach(self, leads: NDArray[np.float64], number: int, span: Span) -> float:
        """How much the sums move along a side of a box; a side of one weight is never halved."""
        begin, end = span
        if end - begin < 2:
            return -1.0
        values = self.axes[number]
        return float((values[end - 1] - values[begin]) * np.abs(leads[:, number]).mean())

    def _try(self, leads: NDArray[np.float64], clips: NDArray[np.int64], box: list[Span]) -> None:
        sides = [axis[begin:end] for axis, (begin, end) in zip(self.axes, box, strict=True)]
        weights = np.stack([grid.ravel() for grid in np.meshgrid(*sides, indexing="ij")])  # [streams, combinations]
        highest = np.maximum.reduceat(leads @ weights, _starts(clips), axis=0)
        hits = (highest < 0).sum(axis=0).reshape([len(side) for side in sides])
        self.hits[tuple(slice(begin, end) for begin, end in box)] += hits


def _starts(clips: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the rows of every clip begin; those of a clip stand together."""
    return np.flatnonzero(np.diff(clips, prepend=-1))
