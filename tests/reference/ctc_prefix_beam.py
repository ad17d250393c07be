"""Prefix beam search as one would write it down, a clip at a time, every class tried after every prefix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLANK = 0
Sentence = tuple[int, ...]


def prefix_beam(log_probs: NDArray[np.floating], width: int) -> list[tuple[Sentence, float]]:
    """The ``width`` best prefixes of ``[S, V]`` and their log probabilities, with no other pruning."""
    prefixes: list[Sentence] = [()]
    blank, spoken = np.zeros(1), np.full(1, -np.inf)
    for row in log_probs.astype(np.float64):
        total = np.logaddexp(blank, spoken)
        last = np.array([prefix[-1] if prefix else BLANK for prefix in prefixes])
        longer = total[:, None] + row  # [prefixes, V]
        rows = np.arange(len(prefixes))
        longer[rows, last] = blank + row[last]
        longer[:, BLANK] = -np.inf
        stay_blank, stay_spoken = total + row[BLANK], spoken + row[last]
        place = {prefix: index for index, prefix in enumerate(prefixes)}
        for child, prefix in enumerate(prefixes):
            parent = place.get(prefix[:-1]) if prefix else None
            if parent is not None:
                stay_spoken[child] = np.logaddexp(stay_spoken[child], longer[parent, prefix[-1]])
                longer[parent, prefix[-1]] = -np.inf
        candidates = np.concatenate([np.logaddexp(stay_blank, stay_spoken), longer.ravel()])
        best = np.argsort(-candidates, kind="stable")[:width] if len(candidates) < 64 else _largest(candidates, width)
        best = best[candidates[best] > -np.inf]
        grown = best >= len(prefixes)
        parents = np.where(grown, (best - len(prefixes)) // longer.shape[1], best)
        glosses = (best - len(prefixes)) % longer.shape[1]
        blank = np.where(grown, -np.inf, stay_blank[parents])
        spoken = np.where(grown, candidates[best], stay_spoken[parents])
        prefixes = [
            (*prefixes[parent], int(gloss)) if new else prefixes[parent]
            for parent, gloss, new in zip(parents, glosses, grown, strict=True)
        ]
    return list(zip(prefixes, np.logaddexp(blank, spoken).tolist(), strict=True))


def _largest(values: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    found = np.argpartition(-values, number)[:number]
    return found[np.argsort(-values[found], kind="stable")]
