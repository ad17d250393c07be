"""Charts as inline SVG in the colours of the page: light or dark, in print, and without a script.

Every series has a style number; the style sheet gives it a colour and a dash, this module a marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from workbench.analysis.breakdown import Breakdown, Rate
from workbench.report.svg import Axis, drawing, label, marker, shown

Point = tuple[float, float]
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 8, 34
_SPREAD = 0.56  # of the place of a group, over which its series stand side by side


@dataclass(frozen=True)
class Series:
    """A named line, with the number of its style."""

    title: str
    style: int
    points: Sequence[Point]


def line_chart(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    log: bool = False,
    from_zero: bool = False,
    markers: bool = False,
    size: tuple[int, int] = (320, 190),
) -> str:
    """Lines over a common axis; ``log`` needs positive values. Each point says its value when it is pointed at."""
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    width, height = size
    across = Axis(min(xs), max(xs), _LEFT, width - _RIGHT)
    up = Axis(min(0.0, *ys) if from_zero else min(ys), _headroom(max(ys), log), height - _BOTTOM, _TOP, log)
    parts = [_frame(across, up, width, height, x_label, y_label)]
    for one in series:
        path = "M" + "L".join(f"{across.at(x)} {up.at(y)}" for x, y in one.points)
        parts.append(f'<g class="s{one.style}"><path class="line" d="{path}"/>')
        for x, y in one.points if markers else ():
            tip = f"{one.title}: {shown(y)} at {x_label} {shown(x)}"
            parts.append(marker(across.at(x), up.at(y), one.style, tip))
        parts.append("</g>")
    name = f"{y_label} over {x_label}: " + "; ".join(_ends(one) for one in series)
    return drawing(width, height, name, parts)


def group_chart(breakdown: Breakdown, order: Sequence[tuple[str, str, int]]) -> str:
    """Rates by group with their intervals, in percent; ``order`` holds role, title and style of every series."""
    height, groups = 210, breakdown.groups
    width = max(520, _LEFT + _RIGHT + (30 + 14 * len(order)) * len(groups))
    highs = [100 * (rate.high or rate.value) for one in groups for rate in one.rates.values() if rate]
    up = Axis(0, _headroom(max(highs, default=1.0), False), height - 46, _TOP)
    wide = (width - _LEFT - _RIGHT) / len(groups)
    parts = [_rules(up, width), _side(f"{breakdown.rate}, %", height - 12)]
    for number, group in enumerate(groups):
        middle = _LEFT + (number + 0.5) * wide
        parts.append(label(middle, height - 30, group.label, "tick mid strong"))
        parts.append(label(middle, height - 17, f"{group.glosses} glosses", "tick mid"))
        parts.append(label(middle, height - 5, f"{group.clips} clip{'s' * (group.clips != 1)}", "tick mid"))
        for place, (role, title, style) in enumerate(order):
            rate = group.rates[role]
            if rate is not None:
                x = round(middle + wide * _SPREAD * ((place + 0.5) / len(order) - 0.5), 1)
                tip = f"{title}, {group.label}: {percent(rate)}"
                parts.append(f'<g class="s{style}">{_whisker(x, rate, up)}')
                parts.append(f"{marker(x, up.at(100 * rate.value), style, tip)}</g>")
    name = f"{breakdown.rate} by {breakdown.title}; the table below the chart holds the numbers"
    return drawing(width, height, name, parts)


def interval_bar(rate: Rate, most: float, style: int) -> str:
    """One rate with its interval on a line from 0 to ``most``, for a cell of a table."""
    across = Axis(0, most, 6, 154)
    x = across.at(rate.value)
    parts = ['<path class="rule" d="M6 10H154"/>', f'<g class="s{style}">']
    if rate.low is not None and rate.high is not None:
        parts.append(f'<path class="whisker" d="M{across.at(rate.low)} 10H{across.at(rate.high)}"/>')
    parts += [marker(x, 10, style, percent(rate)), "</g>"]
    return drawing(160, 20, percent(rate), parts)


def percent(rate: Rate) -> str:
    """A rate in words."""
    interval = (
        f", 95 % interval {100 * rate.low:.1f} to {100 * rate.high:.1f}"
        if rate.low is not None and rate.high is not None
        else ""
    )
    return f"{100 * rate.value:.1f} %{interval}"


def key(order: Iterable[tuple[str, int]]) -> str:
    """What the styles stand for, from titles and style numbers."""
    items = "".join(
        f'<li><svg class="s{style}" width="34" height="12" aria-hidden="true"><path class="line" d="M1 6H33"/>'
        f"{marker(17, 6, style, '')}</svg>{escape(title)}</li>"
        for title, style in order
    )
    return f'<ul class="key">{items}</ul>'


def _headroom(high: float, log: bool) -> float:
    return high if log else (1.06 * high or 1.0)


def _frame(across: Axis, up: Axis, width: int, height: int, x_label: str, y_label: str) -> str:
    ticks = "".join(label(across.at(tick), height - 19, shown(tick), "tick mid") for tick in across.ticks())
    below = label((_LEFT + width - _RIGHT) / 2, height - 4, x_label, "tick mid")
    return _rules(up, width) + ticks + below + _side(y_label, height)


def _rules(up: Axis, width: int) -> str:
    parts = []
    for tick in up.ticks():
        parts.append(f'<path class="rule" d="M{_LEFT} {up.at(tick)}H{width - _RIGHT}"/>')
        parts.append(label(_LEFT - 5, up.at(tick) + 3.5, shown(tick), "tick end"))
    return "".join(parts)


def _side(name: str, height: float) -> str:
    middle = (height - _BOTTOM + _TOP) / 2
    return f'<text class="tick mid" transform="translate(10 {middle:.0f}) rotate(-90)">{escape(name)}</text>'


def _whisker(x: float, rate: Rate, up: Axis) -> str:
    if rate.low is None or rate.high is None:
        return ""
    return f'<path class="whisker" d="M{x} {up.at(100 * rate.low)}V{up.at(100 * rate.high)}"/>'


def _ends(one: Series) -> str:
    (_, first), (_, last) = one.points[0], one.points[-1]
    return f"{one.title} from {shown(first)} to {shown(last)}"
