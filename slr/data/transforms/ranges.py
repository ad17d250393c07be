"""Settings of transforms, checked when they are made rather than in the middle of an epoch."""

from __future__ import annotations

import math


def check_range(what: str, value: float, low: float, high: float = math.inf) -> None:
    """Raise a ValueError unless ``low <= value <= high``."""
    if not low <= value <= high:
        limit = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
        raise ValueError(f"{what} is {value:g}: it must be {limit}")
