"""The rows that a training leaves behind, one per epoch, sorted for curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
_WIDE_RANGE = 20  # of the values of a term, from which a logarithmic axis shows more


def networks_of(rows: Iterable[Row]) -> list[str]:
    """The networks that rows are about, in order of appearance."""
    return list(dict.fromkeys(row["network"] for row in rows))


def last_stages(rows: Sequence[Row]) -> list[Row]:
    """The rows of the last stage of every network: earlier ones have losses and epochs of their own."""
    last = {row["network"]: row["stage"] for row in rows}
    return [row for row in rows if row["stage"] == last[row["network"]]]


def terms_of(rows: Iterable[Row]) -> list[str]:
    """The names of all loss terms, those that most networks share first."""
    names = [name for row in rows for name in row.get("terms", {})]
    shared = {name: len({row["network"] for row in rows if name in row.get("terms", {})}) for name in names}
    return sorted(dict.fromkeys(names), key=lambda name: -shared[name])


def curve_of(rows: Iterable[Row], network: str, term: str) -> list[tuple[int, float]]:
    """Epochs and values of a term of a network, those that no curve can show left out."""
    mine = ((row["epoch"], row.get("terms", {}).get(term)) for row in rows if row["network"] == network)
    return [(epoch, value) for epoch, value in mine if value is not None and math.isfinite(value)]


def spans_decades(values: Sequence[float]) -> bool:
    """Whether values are better seen on a logarithmic axis."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > _WIDE_RANGE
