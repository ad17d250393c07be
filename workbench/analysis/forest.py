"""The rows of a study side by side: every run, their mean, and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.study_folder import StudyFolder, StudyRow


@dataclass(frozen=True)
class ForestRow:
    """A row: its label, a rate per run, their mean, and the bounds of its 95 % interval where there is one."""

    label: str
    rates: Sequence[float]
    mean: float
    bounds: tuple[float, float] | None
    is_reference: bool = False


def forest_rows(study: StudyFolder) -> list[ForestRow]:
    """The rows that were measured; rates of a paper belong to another corpus and are not among them."""
    return [_forest_row(row) for row in study.rows if row.test is not None]


def _forest_row(row: StudyRow) -> ForestRow:
    rates = [run.test for run in row.runs if run.test is not None]
    bounds = row.found["test_ci95"]
    assert row.test is not None
    return ForestRow(row.label, rates, row.test, (bounds[0], bounds[1]) if bounds else None, row.is_reference)
