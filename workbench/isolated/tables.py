"""What a run leaves about classes: which were found, which were taken for which, as CSV and as a figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from slr.scoring import CLASS_COLUMNS, CONFUSION_COLUMNS, class_rows, confusion_rows
from workbench.disk import saying_when_full, write_text
from workbench.figures import FOLDER, draw_class_confusions
from workbench.isolated.scores import ClipScores


def leave_tables(scores: ClipScores, folder: Path, name: str, title: str) -> None:
    """Write ``classes.NAME.csv``, ``confusion.NAME.csv`` and ``figures/confusion.NAME.png`` and ``.svg``.

    Shares are empty where there is nothing to divide by. The confusion matrix is written without its zeros, a line per
    pair of classes.

    Raises:
        NoRoomError: when there is no room.
    """
    report = scores.report()
    classes, confusion = folder / f"classes.{name}.csv", folder / f"confusion.{name}.csv"
    with saying_when_full(folder):
        write_text(classes, _csv(CLASS_COLUMNS, class_rows(report, scores.classes)))
        write_text(confusion, _csv(CONFUSION_COLUMNS, confusion_rows(report, scores.classes)))
        draw_class_confusions(report, scores.classes, title, folder / FOLDER, f"confusion.{name}")


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue()
