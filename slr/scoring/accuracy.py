"""How often the class of an isolated clip is found: counts first, shares derived from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AccuracyReport:
    """Every clip's label, best class, and rank of the label among the scores.

    Attributes:
        labels: class of every clip, ``[N]``.
        best: class of the highest score, the first of equal ones, ``[N]``.
        ranks: how many other classes score at least as high as the label, ``[N]``. A tie counts against the network:
            one that says the same of all classes finds none.
        num_classes: how many classes there are.
    """

    labels: NDArray[np.int64]
    best: NDArray[np.int64]
    ranks: NDArray[np.int64]
    num_classes: int

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.labels)

    def hits(self, k: int = 1) -> int:
        """Clips whose label is among the ``k`` highest scores."""
        return int((self.ranks < k).sum())

    def per_instance(self, k: int = 1) -> float:
        """Share of clips whose label is among the ``k`` highest scores."""
        return self.hits(k) / len(self)

    def per_class(self, k: int = 1) -> float:
        """Mean over the classes that have a clip of the share of their clips that are hit; every class weighs alike."""
        counts = np.bincount(self.labels, minlength=self.num_classes)
        hits = np.bincount(self.labels[self.ranks < k], minlength=self.num_classes)
        there = counts > 0
        return float((hits[there] / counts[there]).mean())

    def interval(self, k: int = 1) -> tuple[float, float]:
        """Wilson's 95 % interval of :meth:`per_instance`, clips taken as independent."""
        share, count, z = self.per_instance(k), len(self), 1.959964
        middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
        half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
        return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))  # rounding stays inside

    def confusion(self) -> NDArray[np.int64]:
        """``[classes, classes]`` clips by label (row) and best class (column)."""
        matrix = np.zeros((self.num_classes, self.num_classes), dtype=np.int64)
        np.add.at(matrix, (self.labels, self.best), 1)
        return matrix

    def as_dict(self) -> dict[str, Any]:
        """Counts and shares, as ``result.json`` has them."""
        return {
            "top1": self.per_instance(1),
            "top1_ci95": list(self.interval(1)),
            "top5": self.per_instance(5),
            "top1_per_class": self.per_class(1),
            "top5_per_class": self.per_class(5),
            "hits": self.hits(1),
            "clips": len(self),
        }


def accuracy(scores: NDArray[np.floating], labels: NDArray[np.int64] | Sequence[int]) -> AccuracyReport:
    """Judge the scores of clips.

    Args:
        scores: ``[N, classes]``, higher is better; logits, probabilities or any other.
        labels: ``[N]`` from 0 to ``classes - 1``.

    Raises:
        ValueError: when there is no clip, the two do not fit, a label is no class, or a score is not a number.
    """
    labels = np.asarray(labels, dtype=np.int64)
    if scores.ndim != 2 or len(scores) != len(labels) or len(labels) == 0:
        raise ValueError(f"scores of shape {list(scores.shape)} for {len(labels)} labels: a row per clip, one at least")
    if ((labels < 0) | (labels >= scores.shape[1])).any():
        wrong = labels[(labels < 0) | (labels >= scores.shape[1])][0]
        raise ValueError(f"label {wrong} is none of the {scores.shape[1]} classes that have scores")
    if np.isnan(scores).any():
        row = int(np.isnan(scores).any(axis=1).argmax())
        raise ValueError(f"row {row} of the scores holds what is not a number: nothing can be said of this clip")
    own = scores[np.arange(len(labels)), labels][:, None]
    ranks = (scores >= own).sum(axis=1) - 1
    return AccuracyReport(labels, scores.argmax(axis=1).astype(np.int64), ranks.astype(np.int64), scores.shape[1])
