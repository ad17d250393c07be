from __future__ import annotations

import itertools
import math
import statistics
import time

import numpy as np
import pytest

from slr.scoring import Counts, WerReport, gap_closed, paired_bootstrap, score, wer_interval


def report(*errors: int, glosses: int = 10) -> WerReport:
    """A system that gets ``errors[i]`` of the glosses of clip ``i`` wrong."""
    references = {str(clip): ["X"] * glosses for clip in range(len(errors))}
    hypotheses = {str(clip): ["Y"] * wrong + ["X"] * (glosses - wrong) for clip, wrong in enumerate(errors)}
    return score(references, hypotheses, "raw")


def random_reports(clips: int, rates: list[float], seed: int) -> list[WerReport]:
    """Systems that err independently of each other."""
    generator = np.random.default_rng(seed)
    return [report(*generator.binomial(10, rate, clips).tolist()) for rate in rates]


def every_resample(*systems: WerReport) -> list[tuple[float, ...]]:
    """Word error rates of all systems in every possible draw of clips."""
    clips = range(len(systems[0].clips))
    rates = []
    for draw in itertools.product(clips, repeat=len(clips)):
        drawn = [sum((system.clips[clip].counts for clip in draw), Counts()) for system in systems]
        rates.append(tuple(counts.errors / counts.reference for counts in drawn))
    return rates


def test_the_interval_is_that_of_all_possible_draws():
    system = report(0, 2, 3, 9, 1)
    rates = sorted(rate for (rate,) in every_resample(system))
    interval = wer_interval(system, resamples=20_000)
    assert interval.value == 0.3
    assert interval.low == pytest.approx(rates[math.floor(0.025 * len(rates))], abs=0.021)
    assert interval.high == pytest.approx(rates[math.ceil(0.975 * len(rates)) - 1], abs=0.021)


def test_the_p_value_is_twice_the_share_of_draws_with_the_other_sign():
    first, second = report(2, 3, 4, 2, 5), report(1, 4, 3, 2, 3)
    draws = every_resample(first, second)
    other = sum(b - a >= 0 for a, b in draws) / len(draws)
    assert paired_bootstrap(first, second, resamples=20_000).p_value == pytest.approx(2 * other, abs=0.02)


def test_a_difference_that_every_clip_shows_is_certain():
    comparison = paired_bootstrap(report(5, 6, 7, 8), report(3, 4, 5, 6), resamples=999)
    assert comparison.difference.value == pytest.approx(-0.2)
    assert (comparison.difference.low, comparison.difference.high) == pytest.approx((-0.2, -0.2))
    assert comparison.p_value == 2 / 1000
    assert (comparison.first.value, comparison.second.value) == (0.65, 0.45)


def test_a_system_does_not_differ_from_itself():
    system = report(1, 5, 3)
    comparison = paired_bootstrap(system, system)
    assert (comparison.difference.low, comparison.difference.high, comparison.p_value) == (0, 0, 1)


def test_exchanging_the_systems_turns_the_sign():
    first, second = random_reports(40, [0.3, 0.35], seed=0)
    there, back = paired_bootstrap(first, second), paired_bootstrap(second, first)
    assert there.difference.value == -back.difference.value
    assert (there.difference.low, there.difference.high) == pytest.approx((-back.difference.high, -back.difference.low))
    assert there.p_value == back.p_value


def test_equal_systems_are_told_apart_about_once_in_twenty():
    found = [
        paired_bootstrap(*random_reports(60, [0.3, 0.3], seed), resamples=500, seed=seed).p_value < 0.05
        for seed in range(150)
    ]
    assert 0.005 < statistics.mean(found) < 0.12


def test_pairing_finds_what_separate_intervals_cannot():
    generator = np.random.default_rng(0)
    hard = generator.integers(0, 9, 300)  # clips differ far more than systems do
    better = report(*hard.tolist())
    worse = report(*(hard + (generator.random(300) < 0.2)).tolist())
    comparison = paired_bootstrap(better, worse)
    assert comparison.first.high > comparison.second.low
    assert comparison.p_value < 0.001


def test_the_same_seed_gives_the_same_figures():
    first, second = random_reports(30, [0.3, 0.32], seed=1)
    assert paired_bootstrap(first, second, seed=4) == paired_bootstrap(first, second, seed=4)
    assert paired_bootstrap(first, second, seed=4) != paired_bootstrap(first, second, seed=5)


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


def test_only_systems_on_the_same_clips_under_one_protocol_are_compared():
    with pytest.raises(ValueError, match=r"2 clips under 'raw' and 3 under 'raw'"):
        paired_bootstrap(report(1, 2), report(1, 2, 3))
    other = score({"0": ["X"], "1": ["X"]}, {}, "phoenix2014")
    with pytest.raises(ValueError, match=r"'raw' and 2 under 'phoenix2014'"):
        paired_bootstrap(report(1, 2), other)
    with pytest.raises(ValueError, match="lengths differ"):
        paired_bootstrap(report(1, 2), report(1, 2, glosses=5))


def test_nothing_to_recognise_cannot_be_compared():
    silent = score({"a": []}, {"a": ["X"]}, "raw")
    with pytest.raises(ValueError, match="no gloss"):
        paired_bootstrap(silent, silent)
    with pytest.raises(ValueError, match="got 0"):
        wer_interval(report(1), resamples=0)


def test_ten_thousand_resamples_of_a_corpus_take_no_patience():
    systems = random_reports(629, [0.4, 0.3, 0.25], seed=0)
    start = time.perf_counter()
    gap_closed(*systems)
    assert time.perf_counter() - start < 5  # about a tenth of a second on an idle machine
