"""The rows of a study side by side: every seed, their mean, and its interval."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.analysis.forest import ForestRow
from workbench.report.svg import Axis, drawing, label, marker, shown

_NAMES, _RIGHT, _TOP, _ROW, _BOTTOM = 270, 16, 6, 24, 40
_LONGEST = 44  # letters of a name


def forest_chart(rows: Sequence[ForestRow], measure: str = "test WER", width: int = 760) -> str:
    """Rates in percent, a row below the other; a line leads down from the mean of the reference row.

    ``measure`` is what they are rates of.

    Raises:
        ValueError: when there is no row to show.
    """
    if not rows:
        raise ValueError("a chart needs rows")
    ends = [end for row in rows for end in (*row.rates, row.mean, *(row.bounds or ()))]
    room = 0.06 * (max(ends) - min(ends)) or 0.01
    height = _TOP + _ROW * len(rows) + _BOTTOM
    across = Axis(100 * max(0.0, min(ends) - room), 100 * (max(ends) + room), _NAMES, width - _RIGHT)
    foot = _TOP + _ROW * len(rows)
    parts = []
    for tick in across.ticks():
        parts.append(f'<path class="rule" d="M{across.at(tick)} {_TOP}V{foot}"/>')
        parts.append(label(across.at(tick), foot + 15, shown(tick), "tick mid"))
    parts.append(label((_NAMES + width - _RIGHT) / 2, foot + 32, f"{measure}, %", "tick mid"))
    for row in rows:
        if row.is_reference:
            parts.append(f'<path class="against" d="M{across.at(100 * row.mean)} {_TOP}V{foot}"/>')
    for number, row in enumerate(rows):
        parts.append(_row(row, across, _TOP + (number + 0.5) * _ROW))
    return drawing(width, height, f"{measure} of every row; the table above the chart holds the numbers", parts)


def _row(row: ForestRow, across: Axis, middle: float) -> str:
    name = row.label if len(row.label) <= _LONGEST else f"{row.label[: _LONGEST - 1]}…"
    parts = [label(_NAMES - 12, middle + 4, name, "tick end strong"), '<g class="s0">']
    if row.bounds is not None:
        low, high = (across.at(100 * bound) for bound in row.bounds)
        parts.append(f'<path class="whisker" d="M{low} {middle:.1f}H{high}"/>')
    for rate in row.rates if len(row.rates) > 1 else ():
        parts.append(f'<circle class="seed" cx="{across.at(100 * rate)}" cy="{middle:.1f}" r="2.6"/>')
    bounds = "" if row.bounds is None else f", 95 % interval {100 * row.bounds[0]:.1f} to {100 * row.bounds[1]:.1f}"
    runs = f"{len(row.rates)} run{'s' * (len(row.rates) != 1)}"
    tip = f"{row.label}: {100 * row.mean:.1f} %{bounds}, {runs}"
    parts += [marker(across.at(100 * row.mean), round(middle, 1), 3, tip), "</g>"]
    return "".join(parts)
