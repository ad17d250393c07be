from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import approximate_randomisation, score
from slr.scoring.significance import randomisation as room
from tests.reference import significance as slow
from tests.slr.scoring.significance.systems import random_reports, report

ERRORS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=10)


@given(ERRORS)
def test_few_clips_are_exchanged_in_every_possible_way(errors):
    first, second = ([row[system] for row in errors] for system in (0, 1))
    found = approximate_randomisation(report(*first), report(*second))
    assert found.exact
    assert found.p_value == slow.share_of_swaps(first, second)
    assert found.assignments == 2 ** sum(a != b for a, b in errors)


def test_both_slow_derivations_agree():
    first, second = (3, 1, 4, 1, 5, 2), (2, 2, 4, 0, 3, 1)
    assert slow.share_of_swaps_of_many(first, second) == slow.share_of_swaps(first, second)


@pytest.mark.parametrize("seed", range(5))
def test_many_clips_are_exchanged_at_random_often_enough(seed):
    first, second = random_reports(200, [0.3, 0.32], seed)
    found = approximate_randomisation(first, second, seed=seed)
    errors = [report.errors_and_lengths[:, 0].tolist() for report in (first, second)]
    exact = float(slow.share_of_swaps_of_many(*errors))
    assert (found.exact, found.assignments) == (False, 10_000)
    assert found.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 10_000))
    assert found.difference == second.wer - first.wer


def test_a_person_can_follow_three_clips():
    # Differences 2, 1 and 0: of the four assignments of the first two clips, two give 3 and two give 1.
    assert approximate_randomisation(report(4, 3, 5), report(2, 2, 5)).p_value == 0.5
    assert approximate_randomisation(report(4, 3, 5), report(2, 4, 5)).p_value == 1


def test_differences_all_on_one_side_are_as_rare_as_tossing_heads_only():
    assert approximate_randomisation(report(*[3] * 12), report(*[2] * 12)).p_value == 2 / 2**12
    assert approximate_randomisation(report(*[3] * 40), report(*[2] * 40), assignments=999).p_value == 1 / 1000


def test_a_system_does_not_differ_from_itself():
    system = report(1, 5, 3)
    found = approximate_randomisation(system, system)
    assert (found.difference, found.p_value, found.assignments) == (0, 1, 1)


def test_clips_without_glosses_count_with_their_errors():
    references = {"a": ["X"], "b": []}
    first, second = (score(references, {"a": ["X"], "b": extra}, "raw") for extra in ([], ["Y"]))
    found = approximate_randomisation(first, second)
    assert (found.difference, found.p_value) == (1, 1)


def test_exchanging_the_systems_changes_the_sign_only():
    first, second = random_reports(60, [0.3, 0.35], seed=0)
    there, back = approximate_randomisation(first, second), approximate_randomisation(second, first)
    assert (there.difference, there.p_value) == (-back.difference, back.p_value)


def test_the_seed_decides_and_the_size_of_a_chunk_does_not(monkeypatch):
    first, second = random_reports(60, [0.3, 0.32], seed=1)
    found = approximate_randomisation(first, second, seed=4)
    assert approximate_randomisation(first, second, seed=4) == found
    assert approximate_randomisation(first, second, seed=5) != found
    monkeypatch.setattr(room, "_CHUNK", 64)
    assert approximate_randomisation(first, second, seed=4) == found


def test_numbers_that_no_float_of_single_precision_holds_are_added_exactly():
    one, other = np.full(13, 2**24 + 1), np.zeros(13, np.int64)
    sums = room._random_sums(one - other, 50, seed=0)
    assert set(sums % 2) == {1}  # an odd number of odd numbers


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="same clips"):
        approximate_randomisation(report(1, 2), report(1, 2, 3))
    with pytest.raises(ValueError, match="got 0"):
        approximate_randomisation(report(1), report(2), assignments=0)
    silent = score({"a": []}, {"a": ["X"]}, "raw")
    with pytest.raises(ValueError, match="no gloss"):
        approximate_randomisation(silent, silent)
