from __future__ import annotations

import numpy as np
import pytest

from workbench.analysis.histogram import MOST_BARS, histogram


def test_bars_lie_around_zero_and_hold_everything() -> None:
    middles, shares = histogram([-0.16, 0.0, 0.01, 0.2], 0.1)
    np.testing.assert_allclose(middles, [-0.2, -0.1, 0.0, 0.1, 0.2])
    np.testing.assert_allclose(shares, [0.25, 0, 0.5, 0, 0.25])


def test_what_lies_far_out_is_in_the_last_bar() -> None:
    middles, shares = histogram([-100.0, 0.0, 100.0, 50.0], 0.1)
    assert len(middles) == 2 * MOST_BARS + 1
    assert (shares[0], shares[-1], shares.sum()) == (0.25, 0.5, 1.0)


def test_nothing_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="needs numbers and bars wider than 0"):
        histogram([], 0.1)
    with pytest.raises(ValueError, match="needs numbers and bars wider than 0"):
        histogram([1.0], 0.0)
