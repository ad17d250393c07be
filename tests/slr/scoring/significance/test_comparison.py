from __future__ import annotations

import pytest

from slr.scoring import approximate_randomisation, compare_systems, mapsswe, paired_bootstrap, resolvable_difference
from tests.slr.scoring.significance.systems import random_reports, report


@pytest.fixture(scope="module")
def systems():
    return dict(zip(("base", "better", "same", "worse"), random_reports(80, [0.3, 0.22, 0.3, 0.36], 0), strict=True))


def test_every_system_is_compared_with_the_first_by_every_test(systems):
    found = compare_systems(systems, resamples=500, seed=3)
    assert [(pair.baseline, pair.system) for pair in found] == [("base", name) for name in ("better", "same", "worse")]
    for pair in found:
        one, other = systems["base"], systems[pair.system]
        assert pair.bootstrap == paired_bootstrap(one, other, resamples=500, seed=3)
        assert pair.randomisation == approximate_randomisation(one, other, assignments=500, seed=3)
        assert pair.mapsswe == mapsswe(one, other)
        assert pair.resolvable == resolvable_difference(one, other)


def test_each_test_is_corrected_on_its_own(systems):
    found = compare_systems(systems, resamples=500)
    for test in ("bootstrap", "randomisation", "mapsswe"):
        plain = [getattr(pair.p_values, test) for pair in found]
        corrected = [getattr(pair.holm, test) for pair in found]
        assert min(corrected) == pytest.approx(3 * min(plain))
        assert all(after >= before for before, after in zip(plain, corrected, strict=True))
        assert corrected[1] == max(plain) or corrected[1] == 1  # the largest is not multiplied


def test_one_comparison_needs_no_correction(systems):
    (pair,) = compare_systems({name: systems[name] for name in ("base", "worse")}, resamples=500)
    assert pair.holm == pair.p_values


def test_a_single_system_is_compared_with_nothing(systems):
    assert compare_systems({"base": systems["base"]}) == ()


def test_identical_systems_have_no_difference_by_any_test():
    (pair,) = compare_systems({"a": report(1, 5), "b": report(1, 5)})
    assert (pair.p_values.bootstrap, pair.p_values.randomisation, pair.p_values.mapsswe) == (1, 1, 1)
    assert pair.resolvable is None


def test_systems_on_other_clips_are_refused():
    with pytest.raises(ValueError, match="same clips"):
        compare_systems({"a": report(1, 5), "b": report(1)})
