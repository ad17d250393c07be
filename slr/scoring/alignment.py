"""Word alignment as NIST sclite does it: its costs, and its choice among alignments of equal cost.

A substitution costs 4, a deletion or an insertion 3. Among alignments of equal cost one is chosen from the ends of both
sentences backwards: the last glosses are matched or substituted if that is among the cheapest ways, else the last gloss
of the hypothesis is inserted, else the last gloss of the reference deleted. The choice matters, because alignments of
equal cost may hold different numbers of errors: three substitutions cost as much as two deletions and two insertions.

What is calculated is not the cost but what a cell saves over deleting and inserting everything: a match saves 6 and a
substitution 2, halved here to 3 and 1, so that skipping a gloss on either side changes nothing and the numbers are
small. Of the table only two bits a cell are kept, whether a pair and whether an insertion is among the best ways to end
there: 25 MB for two sentences of 10,000 glosses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

MATCH, SUBSTITUTION = 3, 1  # saved
_CELLS = 16_000_000  # cells of one chunk of pairs, two bits each
_Numbers = NDArray[np.int32]
_Bits = NDArray[np.uint8]

Pair = tuple[Sequence[str], Sequence[str]]
_Coded = tuple[list[int], list[int]]


def align(pairs: Sequence[Pair], *, deletions_first: bool = False) -> list[str]:
    """Align (reference, hypothesis) pairs; glosses are equal when they are the same string.

    Args:
        pairs: any number of sentences of any length.
        deletions_first: on a tie delete before inserting; sclite inserts first.

    Returns:
        One string per pair, a letter per aligned position: ``C`` correct, ``S`` substituted, ``D`` deleted, ``I``
        inserted.
    """
    if deletions_first:  # what is inserted into one side is deleted from the other
        swapped = align([(hypothesis, reference) for reference, hypothesis in pairs])
        return [operations.translate(_SWAPPED) for operations in swapped]
    ids: dict[str, int] = {}

    def code(sentence: Sequence[str]) -> list[int]:
        return [ids.setdefault(gloss, len(ids)) for gloss in sentence]

    coded = [(code(reference), code(hypothesis)) for reference, hypothesis in pairs]
    # A perfect transcript, and most pairs of a good system are one, has only one cheapest alignment.
    found = ["C" * len(reference) if reference == hypothesis else "" for reference, hypothesis in coded]
    order = sorted(
        (index for index, (reference, hypothesis) in enumerate(coded) if reference != hypothesis),
        key=lambda index: (len(coded[index][0]), len(coded[index][1])),
    )
    for chunk in _chunks(order, coded):
        for index, operations in zip(chunk, _align_chunk([coded[index] for index in chunk]), strict=True):
            found[index] = operations
    return found


_SWAPPED = str.maketrans("DI", "ID")


def _chunks(order: Sequence[int], coded: Sequence[_Coded]) -> Iterator[list[int]]:
    """Pairs of similar length together, as many as fit into memory, at least one."""
    chunk: list[int] = []
    longest = [0, 0]
    for index in order:
        grown = [max(longest[side], len(coded[index][side])) for side in (0, 1)]
        if chunk and (len(chunk) + 1) * grown[0] * grown[1] > _CELLS:
            yield chunk
            chunk, grown = [], [len(coded[index][side]) for side in (0, 1)]
        chunk.append(index)
        longest = grown
    if chunk:
        yield chunk


def _align_chunk(coded: Sequence[_Coded]) -> list[str]:
    paired, inserted = _fill(_pad([pair[0] for pair in coded], fill=-1), _pad([pair[1] for pair in coded], fill=-2))
    return [_walk(*pair, paired[index], inserted[index]) for index, pair in enumerate(coded)]


def _pad(rows: Sequence[list[int]], fill: int) -> _Numbers:
    padded = np.full((len(rows), max(map(len, rows))), fill, np.int32)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return padded


def _fill(reference: _Numbers, hypothesis: _Numbers) -> tuple[_Bits, _Bits]:
    """For every cell whether it may end in a pair, and whether in an insertion, ``[N, R, ceil(H / 8)]`` bits each."""
    (number, rows), columns = reference.shape, hypothesis.shape[1]
    paired = np.empty((number, rows, (columns + 7) // 8), np.uint8)
    inserted = np.empty_like(paired)
    small = MATCH * min(rows, columns) < np.iinfo(np.int16).max
    above = np.zeros((number, columns + 1), np.int16 if small else np.int32)
    for row in range(rows):
        pair = above[:, :-1] + np.where(hypothesis == reference[:, row, None], MATCH, SUBSTITUTION).astype(above.dtype)
        here = above.copy()  # a deletion saves nothing
        np.maximum(here[:, 1:], pair, out=here[:, 1:])
        np.maximum.accumulate(here, axis=1, out=here)  # nor does any number of insertions
        paired[:, row] = np.packbits(here[:, 1:] == pair, axis=1)
        inserted[:, row] = np.packbits(here[:, 1:] == here[:, :-1], axis=1)
        above = here
    return paired, inserted


def _walk(reference: list[int], hypothesis: list[int], paired: _Bits, inserted: _Bits) -> str:
    """From the ends of both sentences back to their beginnings."""
    width = paired.shape[1]
    paired_bytes, inserted_bytes = paired.tobytes(), inserted.tobytes()
    row, column = len(reference), len(hypothesis)
    letters: list[str] = []
    while row and column:
        place, bit = (row - 1) * width + (column - 1 >> 3), 128 >> (column - 1 & 7)
        if paired_bytes[place] & bit:
            row, column = row - 1, column - 1
            letters.append("C" if reference[row] == hypothesis[column] else "S")
        elif inserted_bytes[place] & bit:
            column -= 1
            letters.append("I")
        else:
            row -= 1
            letters.append("D")
    return "I" * column + "D" * row + "".join(reversed(letters))
