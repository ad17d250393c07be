"""Counts of numbers in bars of one width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_BARS = 20  # on either side; what lies further out is in the last one


def histogram(numbers: Sequence[float], width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middles of bars around 0, ascending, and the share of ``numbers`` in each; the outermost hold all beyond them.

    Raises:
        ValueError: when there is no number, or the width is not positive.
    """
    if not len(numbers) or not width > 0:
        raise ValueError(f"a histogram needs numbers and bars wider than 0, got {len(numbers)} and {width}")
    bars = np.rint(np.asarray(numbers) / width).astype(int)
    reach = min(MOST_BARS, int(np.abs(bars).max()))
    counts = np.bincount(bars.clip(-reach, reach) + reach, minlength=2 * reach + 1)
    return np.arange(-reach, reach + 1, dtype=np.float64) * width, counts / len(numbers)
