"""Isolated clips as sentences of one gloss, so that what is known about error rates holds for accuracies too.

A clip whose class is found is a gloss read right, any other a substitution: the word error rate is one minus the top-1
accuracy, and intervals, comparisons over seeds and shares of a gap are those of :mod:`slr.scoring.significance`.
"""

from __future__ import annotations

from collections.abc import Sequence

from slr.scoring.accuracy import AccuracyReport
from slr.scoring.protocols import Protocol
from slr.scoring.wer import ClipScore, WerReport

TOP1 = Protocol("top-1", "one sign per clip, right or wrong")


def class_errors(report: AccuracyReport, clips: Sequence[str], classes: Sequence[str]) -> WerReport:
    """A report whose word error rate is ``1 - report.per_instance()``.

    A clip whose class shares the highest score with another is wrong, as :class:`AccuracyReport` counts it.

    Args:
        report: of the clips.
        clips: their ids, in its order.
        classes: names of all classes.

    Raises:
        ValueError: when there are other numbers of clips or classes.
    """
    if len(clips) != len(report) or len(classes) != report.num_classes:
        raise ValueError(
            f"{len(clips)} ids and {len(classes)} names do not fit {len(report)} clips of {report.num_classes} classes"
        )
    return WerReport(
        TOP1,
        tuple(
            ClipScore(clip, (classes[label],), (classes[best],), "C" if rank == 0 else "S")
            for clip, label, best, rank in zip(clips, report.labels, report.best, report.ranks, strict=True)
        ),
    )
