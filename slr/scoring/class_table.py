"""Which classes are found, and which are taken for which: as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from slr.scoring.accuracy import AccuracyReport

CLASS_COLUMNS = ("class", "clips", "top1", "top5", "taken", "precision")
CONFUSION_COLUMNS = ("class", "taken_for", "clips", "of")


@dataclass(frozen=True)
class Confused:
    """``times`` clips of ``label`` were taken for ``best``, out of ``clips``."""

    label: int
    best: int
    times: int
    clips: int


def confused_pairs(report: AccuracyReport) -> list[Confused]:
    """Every pair of classes of which one was taken for the other, the most frequent first."""
    matrix = report.confusion()
    clips = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    found = [Confused(int(a), int(b), int(matrix[a, b]), int(clips[a])) for a, b in zip(*matrix.nonzero(), strict=True)]
    return sorted(found, key=lambda pair: (-pair.times, pair.label, pair.best))


def class_rows(report: AccuracyReport, classes: Sequence[str]) -> Iterator[tuple[str | int | float | None, ...]]:
    """A row per class, as :data:`CLASS_COLUMNS` names them.

    ``top1`` (the recall of the class) and ``top5`` are None without a clip of the class, and ``precision``, the share
    of the clips ``taken`` for it that are of it, where none was.
    """
    matrix = report.confusion()
    size = report.num_classes
    clips = np.bincount(report.labels, minlength=size)
    hits = [np.bincount(report.labels[report.ranks < k], minlength=size) for k in (1, 5)]
    taken = matrix.sum(axis=0)
    for index, name in enumerate(classes):
        here, seen = int(clips[index]), int(taken[index])
        shares = [int(hit[index]) / here if here else None for hit in hits]
        yield name, here, *shares, seen, int(matrix[index, index]) / seen if seen else None


def confusion_rows(report: AccuracyReport, classes: Sequence[str]) -> Iterator[tuple[str | int, ...]]:
    """The confusion matrix without its zeros, as :data:`CONFUSION_COLUMNS` names them: class by class, best first."""
    matrix = report.confusion()
    for label, row in enumerate(matrix):
        for best in sorted(row.nonzero()[0], key=lambda index: (-row[index], index)):
            yield classes[label], classes[best], int(row[best]), int(row.sum())
