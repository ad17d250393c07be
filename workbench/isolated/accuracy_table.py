"""Accuracies as something to read."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.markup import escape
from rich.table import Table

from slr.scoring import AccuracyReport, ClassComparison
from workbench.isolated.scores import ClipScores

_LEVEL = 0.05


def percent(share: float) -> str:
    """A share in percent, without the sign."""
    return f"{100 * share:.1f}"


def accuracy_cells(report: AccuracyReport) -> list[str]:
    """Top-1, its interval, top-5, and both per class."""
    low, high = report.interval()
    shares = [report.per_instance(5), report.per_class(), report.per_class(5)]
    return [percent(report.per_instance()), f"{percent(low)} to {percent(high)}", *map(percent, shares)]


def accuracy_table(found: Mapping[str, ClipScores], title: str, first: str = "accuracy in %") -> Table:
    """A row per scores, by what they are called."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(first, overflow="fold")
    columns = ("stream", "clips", "top-1", "95 % interval", "top-5", "top-1\nper class", "top-5\nper class")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, scores in found.items():
        stream = escape(str(scores.about.get("stream", "-")))
        table.add_row(escape(name), stream, str(len(scores.ids)), *accuracy_cells(scores.report()))
    return table


def comparison_sentence(name: str, other: str, found: ClassComparison) -> str:
    """Whether ``name``, the second of a comparison, can be told apart from ``other``, the first."""
    points = f"{100 * found.difference.value:+.1f} points of top-1"
    bounds = f"95 % interval {100 * found.difference.low:+.1f} to {100 * found.difference.high:+.1f}"
    p = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
    clips = f"{found.only_second} clips that only it has right against {found.only_first}"
    if found.p_value >= _LEVEL:
        return f"{name} cannot be told apart from {other}: {points} ({bounds}), {clips}, McNemar {p}."
    side = "better" if found.difference.value > 0 else "worse"
    return f"{name} is {side} than {other}: {points} ({bounds}), {clips}, McNemar {p}."
