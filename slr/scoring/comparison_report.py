"""Comparisons of systems as something to read: differences, p values, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slr.scoring.significance import Interval, SystemComparison, resolvable_alone, wer_interval
from slr.scoring.wer import WerReport

_LEVEL = 0.05
_TESTS = {"bootstrap": "bootstrap", "randomisation": "randomisation", "mapsswe": "MAPSSWE"}


def render_comparisons(comparisons: Sequence[SystemComparison]) -> RenderableType:
    """All systems against the baseline, of which there is at least one: differences, p values, a sentence for each."""
    return Group(
        Text(f"compared with the first system, {comparisons[0].baseline}", style="bold"),
        _differences(comparisons),
        _p_values(comparisons),
        *(Text(_verdict(pair)) for pair in comparisons),
        Text(_method(comparisons), style="dim"),
    )


def render_resolution(report: WerReport) -> RenderableType:
    """What the test set of a single system can resolve, in one line."""
    resolvable = resolvable_alone(report)
    if resolvable is None:
        return Text("These clips are too few or too alike to say what difference they resolve.")
    return Text(f"Resolvable between two independent systems like this: {_points(resolvable)} points (80 % power).")


def resolution_as_dict(report: WerReport) -> dict[str, Any]:
    """``ci95``, the bounds of the word error rate, and ``resolvable``; ``None`` where there is nothing to recognise."""
    if not report.counts.reference:
        return {"ci95": None, "resolvable": None}
    interval = wer_interval(report)
    return {"ci95": [interval.low, interval.high], "resolvable": resolvable_alone(report)}


def comparison_as_dict(comparison: SystemComparison) -> dict[str, Any]:
    """Everything in a comparison as plain dictionaries and numbers."""
    return asdict(comparison)


def _differences(comparisons: Sequence[SystemComparison]) -> Table:
    table = _table("in points", "WER", "95 %\ninterval", "differ-\nence", "95 %\ninterval", "resolv-\nable")
    first = comparisons[0]
    table.add_row(Text(first.baseline), *_level(first.bootstrap.first), "", "", "")
    for pair in comparisons:
        change = pair.bootstrap.difference
        table.add_row(
            Text(pair.system),
            *_level(pair.bootstrap.second),
            Text(f"{100 * change.value:+.2f}", style="bold"),
            f"{100 * change.low:+.2f} to {100 * change.high:+.2f}",
            _points(pair.resolvable) if pair.resolvable is not None else "-",
        )
    return table


def _p_values(comparisons: Sequence[SystemComparison]) -> Table:
    several = len(comparisons) > 1
    table = _table("p (Holm)" if several else "p", *_TESTS.values(), "|Z|")
    for pair in comparisons:
        cells = []
        for test in _TESTS:
            plain, corrected = getattr(pair.p_values, test), getattr(pair.holm, test)
            shown = f"{_p(plain)} ({_p(corrected)})" if several else _p(plain)
            cells.append(Text(shown, style="bold" if corrected < _LEVEL else ""))
        z = f"{abs(pair.mapsswe.z):.2f}" if pair.mapsswe.z is not None else "-"
        table.add_row(Text(pair.system), *cells, z)
    return table


def _verdict(pair: SystemComparison) -> str:
    found = [shown for test, shown in _TESTS.items() if getattr(pair.holm, test) < _LEVEL]
    others = [shown for shown in _TESTS.values() if shown not in found]
    if not found:
        return f"{pair.system} cannot be told apart from {pair.baseline}: p < {_LEVEL} in none of the three tests."
    side = "better" if pair.bootstrap.difference.value < 0 else "worse"
    if not others:
        return f"{pair.system} is {side} than {pair.baseline}: p < {_LEVEL} in all three tests."
    return (
        f"{pair.system} may be {side} than {pair.baseline}: p < {_LEVEL} in {' and '.join(found)}, "
        f"not in {' and '.join(others)}."
    )


def _method(comparisons: Sequence[SystemComparison]) -> str:
    sampled = [pair.randomisation.assignments for pair in comparisons if not pair.randomisation.exact]
    exchanges = f"{max(sampled)} random exchanges" if sampled else "all exchanges"
    segments = sorted({pair.mapsswe.segments for pair in comparisons})
    between = f"{segments[0]} to {segments[-1]}" if len(segments) > 1 else str(segments[0])
    sentences = [
        f"Two-sided tests: bootstrap of {comparisons[0].bootstrap.resamples} resamples, randomisation by {exchanges} "
        f"of clips, MAPSSWE (NIST sc_stats) on {between} segments with at least one error.",
        f"Resolvable: a difference that would be found at p < {_LEVEL} on 80 % of such test sets.",
    ]
    if len(comparisons) > 1:
        sentences.insert(1, f"In brackets, and in the sentences above: corrected for {len(comparisons)} comparisons.")
    return " ".join(sentences)


def _level(interval: Interval) -> tuple[str, str]:
    return f"{interval.value:.2%}", f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _p(value: float) -> str:
    """Three decimals, and a fourth where three would hide on which side of the level it lies."""
    if value < 0.001:
        return "<0.001"
    shown = f"{value:.3f}"
    return f"{value:.4f}" if float(shown) == _LEVEL and value != _LEVEL else shown


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold", vertical="bottom")
    for heading in numbers:
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    return table
