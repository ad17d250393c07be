from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from slr.scoring import WerReport, paired_bootstrap, resolvable_alone, resolvable_difference, score, wer_interval
from tests.slr.scoring.significance.systems import random_reports, report

TIMES = 2.8015852  # standard errors: quantiles 0.975 and 0.8 of the normal distribution, from a table


def test_on_clips_of_equal_length_it_is_that_of_a_plain_mean():
    first, second = report(3, 1, 4, 1, 5), report(2, 2, 1, 1, 4)
    spread = statistics.stdev([-0.1, 0.1, -0.3, 0.0, -0.1])  # of the difference of the clips' own rates
    assert resolvable_difference(first, second) == pytest.approx(TIMES * spread / math.sqrt(5))
    alone = statistics.stdev([0.3, 0.1, 0.4, 0.1, 0.5])
    assert resolvable_alone(first) == pytest.approx(TIMES * math.sqrt(2) * alone / math.sqrt(5))


def test_on_clips_of_any_length_it_follows_from_the_spread_of_the_resamples():
    generator = np.random.default_rng(0)
    references = {str(clip): ["X"] * generator.integers(0, 30) for clip in range(400)}

    def system(right: float) -> WerReport:
        hypotheses = {c: generator.choice(["X", "Y"], len(r), p=[right, 1 - right]) for c, r in references.items()}
        return score(references, {clip: glosses.tolist() for clip, glosses in hypotheses.items()}, "raw")

    first, second = system(0.7), system(0.75)
    for resolvable, interval, independent in (
        (resolvable_difference(first, second), paired_bootstrap(first, second).difference, 1),
        (resolvable_alone(first), wer_interval(first), math.sqrt(2)),
    ):
        spread = (interval.high - interval.low) / (2 * 1.959964)
        assert resolvable == pytest.approx(TIMES * independent * spread, rel=0.05)


def test_a_difference_of_that_size_is_found_four_times_in_five():
    rate, clips = 0.3, 150
    resolvable = TIMES * math.sqrt(2 * rate * (1 - rate) / (10 * clips))
    found, measured = [], []
    for seed in range(300):
        first, second = random_reports(clips, [rate + resolvable / 2, rate - resolvable / 2], seed)
        found.append(paired_bootstrap(first, second, resamples=500, seed=seed).p_value < 0.05)
        measured.append((resolvable_difference(first, second), resolvable_alone(first)))
    assert statistics.mean(found) == pytest.approx(0.8, abs=0.07)
    assert [statistics.mean(column) for column in zip(*measured, strict=True)] == pytest.approx(
        [resolvable] * 2, rel=0.03
    )


def test_systems_that_share_errors_are_told_apart_at_less():
    (first,) = random_reports(100, [0.3], seed=0)
    errors = first.errors_and_lengths[:, 0]
    second = report(*np.maximum(errors - (np.arange(100) % 4 == 0), 0).tolist())
    assert resolvable_difference(first, second) < 0.5 * resolvable_alone(first)


def test_nothing_is_stated_where_nothing_varies():
    system = report(1, 5, 3)
    assert resolvable_difference(system, system) is None
    assert resolvable_difference(report(3, 3, 3), report(1, 1, 1)) is None
    assert resolvable_alone(report(3)) is None
    assert resolvable_alone(report(3, 3)) is None
    assert resolvable_difference(report(3), report(2)) is None


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="same clips"):
        resolvable_difference(report(1), report(1, 2))
    silent = score({"a": []}, {"a": ["X"]}, "raw")
    with pytest.raises(ValueError, match="no gloss"):
        resolvable_alone(silent)
