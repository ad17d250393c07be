from __future__ import annotations

import math

import numpy as np
import pytest

from slr.scoring import paired_bootstrap, score, wer_interval
from slr.scoring.significance import bootstrap as room
from tests.slr.scoring.significance.systems import every_resample, random_reports, report


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


def test_only_systems_on_the_same_clips_under_one_protocol_are_compared():
    with pytest.raises(ValueError, match=r"2 clips under 'raw' and 3 under 'raw'"):
        paired_bootstrap(report(1, 2), report(1, 2, 3))
    other = score({"0": ["X"], "1": ["X"]}, {}, "phoenix2014")
    with pytest.raises(ValueError, match=r"'raw' and 2 under 'phoenix2014'"):
        paired_bootstrap(report(1, 2), other)
    with pytest.raises(ValueError, match="those of clip '0' differ"):
        paired_bootstrap(report(1, 2), report(1, 2, glosses=5))


def test_nothing_to_recognise_cannot_be_compared():
    silent = score({"a": []}, {"a": ["X"]}, "raw")
    with pytest.raises(ValueError, match="no gloss"):
        paired_bootstrap(silent, silent)
    with pytest.raises(ValueError, match="got 0"):
        wer_interval(report(1), resamples=0)


def test_a_large_corpus_is_drawn_anew_for_every_call_with_the_same_figures(monkeypatch):
    first, second = random_reports(30, [0.3, 0.32], seed=1)
    kept = paired_bootstrap(first, second, resamples=1200)
    monkeypatch.setattr(room, "_KEPT", 30 * 1200 - 1)
    assert paired_bootstrap(first, second, resamples=1200) == kept


def test_clips_without_glosses_count_with_their_errors():
    references = {"a": ["X"] * 4, "b": []}
    quiet = score(references, {"a": ["X"] * 4, "b": []}, "raw")
    loud = score(references, {"a": ["X"] * 4, "b": ["Y"]}, "raw")
    comparison = paired_bootstrap(quiet, loud, resamples=2000)
    # Of four draws, one holds b alone and is left out; the others give 0, 1/4 and 1/4 more errors per gloss.
    assert (comparison.difference.low, comparison.difference.high) == (0, 0.25)
    assert comparison.p_value == pytest.approx(2 / 3, abs=0.05)


def test_one_clip_is_its_own_only_draw():
    comparison = paired_bootstrap(report(3), report(2), resamples=99)
    assert (comparison.difference.low, comparison.difference.high) == pytest.approx((-0.1, -0.1))
