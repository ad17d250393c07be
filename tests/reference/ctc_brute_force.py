"""CTC by listing every path: only for a handful of steps and classes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

BLANK = 0
Rows = Sequence[Sequence[float]]


def paths(steps: int, classes: int) -> Iterator[tuple[int, ...]]:
    """Every way to write one class per step."""
    return itertools.product(range(classes), repeat=steps)


def collapse(path: Sequence[int]) -> tuple[int, ...]:
    """What a path spells: runs fall together first, then blanks go."""
    runs = [label for label, _ in itertools.groupby(path)]
    return tuple(label for label in runs if label != BLANK)


def path_score(log_probs: Rows, path: Sequence[int]) -> float:
    """Log probability of one path."""
    return sum(log_probs[step][label] for step, label in enumerate(path))


def sentence_scores(log_probs: Rows, classes: int) -> dict[tuple[int, ...], float]:
    """Log probability of every sentence, summed over all its paths."""
    totals: dict[tuple[int, ...], float] = {}
    for path in paths(len(log_probs), classes):
        sentence = collapse(path)
        totals[sentence] = totals.get(sentence, 0.0) + math.exp(path_score(log_probs, path))
    return {sentence: math.log(total) if total > 0 else -math.inf for sentence, total in totals.items()}


def best_path(log_probs: Rows, classes: int, sentence: Sequence[int]) -> tuple[float, tuple[int, ...]] | None:
    """The most probable path that spells a sentence, or ``None`` when there is none."""
    spelling = [path for path in paths(len(log_probs), classes) if collapse(path) == tuple(sentence)]
    return max(((path_score(log_probs, path), path) for path in spelling), default=None)


def spans(path: Sequence[int]) -> list[tuple[int, int]]:
    """First and last step of every gloss of a path."""
    found, step = [], 0
    for label, run in itertools.groupby(path):
        length = len(list(run))
        if label != BLANK:
            found.append((step, step + length - 1))
        step += length
    return found


def prefix_beam(log_probs: Rows, width: int) -> list[tuple[tuple[int, ...], float]]:
    """Textbook prefix search with dictionaries: the ``width`` best prefixes and their log probabilities."""
    beam = {(): (1.0, 0.0)}  # prefix -> probability of its paths that end in a blank, and in its last gloss
    for row in log_probs:
        probabilities = [math.exp(value) for value in row]
        grown: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(prefix: tuple[int, ...], blank: float, spoken: float, grown: dict = grown) -> None:
            before = grown.get(prefix, (0.0, 0.0))
            grown[prefix] = (before[0] + blank, before[1] + spoken)

        for prefix, (blank, spoken) in beam.items():
            add(prefix, (blank + spoken) * probabilities[BLANK], 0.0)
            for gloss in range(1, len(row)):
                if prefix and prefix[-1] == gloss:
                    add(prefix, 0.0, spoken * probabilities[gloss])
                    add((*prefix, gloss), 0.0, blank * probabilities[gloss])
                else:
                    add((*prefix, gloss), 0.0, (blank + spoken) * probabilities[gloss])
        beam = dict(sorted(grown.items(), key=lambda item: -sum(item[1]))[:width])
    return [(prefix, math.log(sum(both))) for prefix, both in beam.items()]
