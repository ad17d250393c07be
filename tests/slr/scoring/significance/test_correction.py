from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import holm
from tests.reference import significance as slow


@given(st.lists(st.floats(0, 1), max_size=7), st.floats(0.001, 0.999))
def test_an_adjusted_value_below_a_level_is_a_hypothesis_that_holm_rejects_at_it(p_values, level):
    adjusted = holm(p_values)
    if all(abs(value - level) > 1e-9 for value in adjusted):  # else rounding decides
        assert {i for i, value in enumerate(adjusted) if value <= level} == slow.rejected_by_holm(p_values, level)


def test_a_person_can_follow_four():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_single_one_stays_and_none_is_none():
    assert holm([0.3]) == [0.3]
    assert holm([]) == []


def test_nothing_exceeds_one_and_equal_values_stay_equal():
    assert holm([0.9, 0.8, 0.9]) == [1, 1, 1]
    assert holm([0.01, 0.01]) == [0.02, 0.02]


@pytest.mark.parametrize("strange", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(strange):
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, strange])
