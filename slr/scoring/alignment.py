"""Word alignment as NIST sclite does it: its costs, and its choice among alignments of equal cost.

A substitution costs 4, a deletion or an insertion 3. Among alignments of equal cost one is chosen from the ends of both
sentences backwards: the last glosses are matched or substituted if that is among the cheapest ways, else the last gloss
of the hypothesis is inserted, else the last gloss of the reference deleted. The choice matters, because alignments of
equal cost may hold different numbers of errors: three substitutions cost as much as two deletions and two insertions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SUBSTITUTION, DELETION, INSERTION = 4, 3, 3
_CELLS = 4_000_000  # cells of all tables of one chunk, 16 MB
_IntArray = NDArray[np.int32]

Pair = tuple[Sequence[str], Sequence[str]]


def align(pairs: Sequence[Pair]) -> list[str]:
    """Align (reference, hypothesis) pairs; glosses are equal when they are the same string.

    Returns:
        One string per pair, a letter per aligned position: ``C`` correct, ``S`` substituted, ``D`` deleted, ``I``
        inserted.
    """
    ids: dict[str, int] = {}
    coded = [[np.array([ids.setdefault(g, len(ids)) for g in side], np.int32) for side in pair] for pair in pairs]
    order = sorted(range(len(pairs)), key=lambda i: (len(coded[i][0]), len(coded[i][1])))
    found = [""] * len(pairs)
    for chunk in _chunks(order, coded):
        for index, operations in zip(chunk, _align_chunk([coded[i] for i in chunk]), strict=True):
            found[index] = operations
    return found


def _chunks(order: Sequence[int], coded: Sequence[Sequence[_IntArray]]) -> Iterator[list[int]]:
    """Pairs of similar length together, as many as fit into memory, at least one."""
    chunk: list[int] = []
    longest = [0, 0]
    for index in order:
        grown = [max(longest[side], len(coded[index][side]) + 1) for side in (0, 1)]
        if chunk and (len(chunk) + 1) * grown[0] * grown[1] > _CELLS:
            yield chunk
            chunk, grown = [], [len(coded[index][side]) + 1 for side in (0, 1)]
        chunk.append(index)
        longest = grown
    if chunk:
        yield chunk


def _align_chunk(coded: Sequence[Sequence[_IntArray]]) -> list[str]:
    reference = _pad([pair[0] for pair in coded], fill=-1)  # [N, R]
    hypothesis = _pad([pair[1] for pair in coded], fill=-2)  # [N, H]
    differs = SUBSTITUTION * (reference[:, :, None] != hypothesis[:, None]).astype(np.int32)
    cost = _fill(differs)
    return _trace(cost, differs, np.array([[len(side) for side in pair] for pair in coded]))


def _pad(rows: Sequence[_IntArray], fill: int) -> _IntArray:
    padded = np.full((len(rows), max(len(row) for row in rows)), fill, np.int32)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return padded


def _fill(differs: _IntArray) -> _IntArray:
    """Least cost ``[N, R + 1, H + 1]`` of aligning the first glosses of each side."""
    number, rows, columns = differs.shape
    ramp = INSERTION * np.arange(columns + 1, dtype=np.int32)
    cost = np.empty((number, rows + 1, columns + 1), np.int32)
    cost[:, 0] = ramp
    for row in range(rows):
        cell = cost[:, row] + DELETION
        np.minimum(cell[:, 1:], cost[:, row, :-1] + differs[:, row], out=cell[:, 1:])
        # Insertions run along the row: the least of all cells to the left, each with its insertions added.
        cost[:, row + 1] = np.minimum.accumulate(cell - ramp, axis=1) + ramp
    return cost


def _trace(cost: _IntArray, differs: _IntArray, lengths: NDArray[np.int_]) -> list[str]:
    """Walk back from the ends ``lengths`` ``[N, 2]`` of each pair, all pairs at once."""
    clips = np.arange(len(lengths))
    row, column = lengths[:, 0].copy(), lengths[:, 1].copy()
    letters: list[NDArray[np.str_]] = []
    while (row > 0).any() or (column > 0).any():
        here = cost[clips, row, column]
        up, left = np.maximum(row - 1, 0), np.maximum(column - 1, 0)
        both = (row > 0) & (column > 0)
        step_cost = differs[clips, np.minimum(up, differs.shape[1] - 1), left] if differs.size else np.zeros_like(here)
        diagonal = both & (here == cost[clips, up, left] + step_cost)
        inserted = ~diagonal & (column > 0) & (here == cost[clips, row, left] + INSERTION)
        deleted = ~diagonal & ~inserted & (row > 0)
        letter = np.where(
            diagonal, np.where(step_cost > 0, "S", "C"), np.where(inserted, "I", np.where(deleted, "D", ""))
        )
        letters.append(letter)
        row = row - (diagonal | deleted)
        column = column - (diagonal | inserted)
    backwards = itertools.zip_longest(*(letter.tolist() for letter in letters))
    walks = ["".join(walk)[::-1] for walk in backwards]
    return walks or [""] * len(lengths)
