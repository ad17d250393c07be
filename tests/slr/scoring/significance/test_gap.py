from __future__ import annotations

import math
import statistics
import time

import pytest

from slr.scoring import gap_closed
from tests.slr.scoring.significance.systems import every_resample, random_reports, report


def test_the_share_of_the_gap_is_exact_where_all_clips_agree():
    closed = gap_closed(baseline=report(8, 6), student=report(5, 3), teacher=report(4, 2))
    assert closed.value == pytest.approx(0.75)
    assert closed.ci95 == pytest.approx((0.75, 0.75))
    assert closed.p_value < 0.001
    assert closed.gap_in_standard_errors is None  # every draw shows the same gap


def test_the_interval_of_the_share_is_that_of_all_possible_draws():
    baseline, student, teacher = report(8, 6, 9, 5, 6), report(5, 5, 8, 4, 4), report(3, 4, 5, 3, 2)
    shares = sorted((b - s) / (b - t) for b, s, t in every_resample(baseline, student, teacher))
    closed = gap_closed(baseline, student, teacher, resamples=20_000)
    assert closed.value == pytest.approx(8 / 17)
    assert closed.ci95[0] == pytest.approx(shares[math.floor(0.025 * len(shares))], abs=0.02)
    assert closed.ci95[1] == pytest.approx(shares[math.ceil(0.975 * len(shares)) - 1], abs=0.02)
    gaps = [b - t for b, _, t in every_resample(baseline, student, teacher)]
    assert closed.gap_in_standard_errors == pytest.approx(0.34 / statistics.pstdev(gaps), rel=0.03)


def test_there_is_no_share_of_a_gap_that_is_none():
    closed = gap_closed(baseline=report(4, 3), student=report(2, 2), teacher=report(5, 5))
    assert (closed.value, closed.ci95) == (None, None)
    assert closed.gap_in_standard_errors < 0


def test_a_gap_the_clips_do_not_agree_on_has_no_interval():
    closed = gap_closed(baseline=report(5, 5, 6), student=report(4, 6, 5), teacher=report(2, 7, 6))
    assert closed.value == pytest.approx(1.0)
    assert closed.ci95 is None


def test_ten_thousand_resamples_of_a_corpus_take_no_patience():
    systems = random_reports(629, [0.4, 0.3, 0.25], seed=0)
    start = time.perf_counter()
    gap_closed(*systems)
    assert time.perf_counter() - start < 5  # about a tenth of a second on an idle machine
