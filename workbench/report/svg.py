"""Primitives of inline SVG: axes, markers, texts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

_MARKERS = (
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
    "M-2.8 -2.8h5.6v5.6h-5.6z",
    "M0 -3.6L3.4 2.6H-3.4z",
    "M0 -4L4 0L0 4L-4 0z",
)


@dataclass(frozen=True)
class Axis:
    """From values, ``low`` to ``high``, to pixels, ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value."""
        low, high, here = (math.log10(each) if self.log else each for each in (self.low, self.high, value))
        share = (here - low) / (high - low) if high > low else 0.5
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Values to write beside the axis."""
        if self.log:
            return log_ticks(self.low, self.high)
        return nice_ticks(self.low, self.high)


def nice_ticks(low: float, high: float, at_most: int = 5) -> list[float]:
    """Round numbers from ``low`` to ``high``, evenly apart."""
    if not high > low:
        return [low]
    rough = (high - low) / at_most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten from ``low`` to ``high``, with twice and five times them where there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5)):
        found = [float(f"{factor}e{power}") for power in powers for factor in factors]
        within = [tick for tick in found if low <= tick <= high]
        if len(within) > 2:
            return within
    return within or [low]


def shown(value: float) -> str:
    """A number with three digits at most, where that says enough."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def marker(x: float, y: float, style: int, tip: str) -> str:
    """The sign of a style, with a ``tip`` for whoever points at it."""
    title = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<path class="dot" transform="translate({x} {y})" d="{_MARKERS[style % len(_MARKERS)]}">{title}</path>'


def label(x: float, y: float, text: str, kind: str) -> str:
    """A text of one of the kinds of the style sheet."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def drawing(width: int, height: int, name: str, parts: Iterable[str]) -> str:
    """A whole drawing, which ``name`` says in words."""
    opening = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name, quote=True)}">'
    return f"{opening}{''.join(parts)}</svg>"
