"""What networks say of isolated clips, as short text: the class of the highest score, and the rank of the true one.

That is enough for every accuracy and every comparison, and a thousandth of the scores. Numbers follow each other with a
blank between, in the order of the clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slr.scoring import AccuracyReport
from workbench.isolated.scores import ClipScores


def labels_part(scores: Mapping[str, ClipScores]) -> dict[str, Any]:
    """Clips, labels and classes by part, as plain data."""
    first = next(iter(scores.values()))
    parts = {split: {"clips": list(one.ids), "labels": _text(one.labels)} for split, one in scores.items()}
    return {"classes": list(first.classes), **parts}


@dataclass(frozen=True)
class Outcomes:
    """The best class and the rank of the true one, of every clip of every part."""

    reports: Mapping[str, AccuracyReport]

    @classmethod
    def of(cls, scores: Mapping[str, ClipScores]) -> Outcomes:
        """From scores by part."""
        return cls({split: one.report() for split, one in scores.items()})

    def as_part(self) -> dict[str, Any]:
        """As plain data; :meth:`read` reads it."""
        return {
            split: {"best": _text(report.best), "ranks": _text(report.ranks)} for split, report in self.reports.items()
        }

    @classmethod
    def read(cls, part: Mapping[str, Any], labels: Mapping[str, Any]) -> Outcomes:
        """The outcomes of a record, whose clips have these labels.

        Raises:
            ValueError: when they do not fit.
        """
        classes = len(labels["classes"])
        reports = {}
        for split, found in part.items():
            texts = (labels[split]["labels"], found["best"], found["ranks"])
            true, best, ranks = (_numbers(text, classes) for text in texts)
            if {len(true), len(best), len(ranks)} != {len(labels[split]["clips"])}:
                raise ValueError(f"what is said of {split} is not about {len(labels[split]['clips'])} clips")
            report = AccuracyReport(true, best, ranks, classes)
            if ((report.ranks == 0) & (report.best != report.labels)).any():
                raise ValueError(f"a clip of {split} is said to be found, and taken for another class")
            reports[split] = report
        return cls(reports)


def _text(numbers: Sequence[int] | NDArray[np.int64]) -> str:
    return " ".join(str(int(number)) for number in numbers)


def _numbers(text: str, below: int) -> NDArray[np.int64]:
    words = text.split(" ")
    if not all(word.isdecimal() and int(word) < below for word in words):
        raise ValueError(f"classes are numbers below {below}")
    return np.asarray([int(word) for word in words], dtype=np.int64)
