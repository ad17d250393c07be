"""Holm's correction (Holm 1979): several comparisons, and still 5 % to be wrong about any of them."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: the level at which each comparison would just be significant.

    The smallest p value is multiplied by the number of comparisons, the next by one less, and so on; none becomes
    smaller than the one before it, or larger than 1.

    Raises:
        ValueError: when a p value is not between 0 and 1.
    """
    strange = next((p for p in p_values if not 0 <= p <= 1), None)
    if strange is not None:
        raise ValueError(f"p values lie between 0 and 1, got {strange}")
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted
