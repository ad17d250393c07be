"""Recipes of several seeds: against slow derivations, and under the null."""

from __future__ import annotations

import itertools
import math
from statistics import fmean, stdev

import numpy as np
import pytest

from slr.scoring import (
    SeedSpread,
    WerReport,
    compare_recipes,
    gap_closed,
    paired_bootstrap,
    recipe_gap,
    recipe_rate,
    resolvable_difference,
    seed_spread,
    wer_interval,
)
from tests.slr.scoring.significance.systems import aligned, random_reports, report

# Student's t: 97.5 % of its distribution lie below, by degrees of freedom.
T_975 = {1: 12.706, 2: 4.303, 4: 2.776}
GLOSSES = 6


def test_one_seed_is_the_paired_bootstrap_of_two_networks():
    first, second, teacher = random_reports(40, [0.3, 0.2, 0.1], seed=1)
    alone = paired_bootstrap(first, second)
    found = compare_recipes([[first]], [[second]])
    assert (found.difference.low, found.difference.high) == (alone.difference.low, alone.difference.high)
    assert found.p_value == found.p_value_clips == alone.p_value
    assert recipe_rate([[first]]).rate == wer_interval(first)
    assert recipe_rate([[first]]).deviation is None
    assert recipe_gap([[first]], [[second]], [[teacher]]).ci95 == gap_closed(first, second, teacher).ci95
    assert found.resolvable == pytest.approx(resolvable_difference(first, second), rel=0.06)


def test_where_clips_do_not_matter_the_interval_is_students():
    """Every clip alike: what is left is the mean of three numbers."""
    wrong = ((1, 2, 2), (2, 4, 3))  # of 10 glosses in each of 20 clips, by seed
    first, second = ([[report(*[errors] * 20) for errors in seeds]] for seeds in wrong)
    differences = [(b - a) / 10 for a, b in zip(*wrong, strict=True)]
    half = T_975[2] * stdev(differences) / math.sqrt(3)
    found = compare_recipes(first, second, resamples=100_000).difference
    assert found.value == pytest.approx(fmean(differences))
    assert found.high - found.value == pytest.approx(half, rel=0.04)
    assert found.value - found.low == pytest.approx(half, rel=0.04)
    rate = recipe_rate(second, resamples=100_000)
    assert rate.deviation == pytest.approx(stdev(errors / 10 for errors in wrong[1]))
    assert rate.rate.high - rate.rate.value == pytest.approx(T_975[2] * rate.deviation / math.sqrt(3), rel=0.04)


def test_where_seeds_do_not_matter_the_interval_is_that_of_the_clips():
    first, second = random_reports(60, [0.3, 0.2], seed=2)
    found = compare_recipes([[first] * 3], [[second] * 3])
    alone = paired_bootstrap(first, second)
    assert found.difference.low == pytest.approx(alone.difference.low)
    assert found.difference.high == pytest.approx(alone.difference.high)
    assert found.p_value == alone.p_value


def test_the_spread_is_that_of_the_residuals_of_rows_and_seeds():
    rates = [[0.1, 0.2, 0.4], [0.2, 0.5, 0.4], [0.3, 0.3, 0.2], [0.1, 0.1, 0.5]]
    recipes = [[[report(round(10 * rate)) for rate in row]] for row in rates]
    squares = 0.0
    for row, seed in itertools.product(range(4), range(3)):
        of_row, of_seed = fmean(rates[row]), fmean(rates[one][seed] for one in range(4))
        overall = fmean(itertools.chain.from_iterable(rates))
        squares += (rates[row][seed] - of_row - of_seed + overall) ** 2
    found = seed_spread(recipes)
    assert found is not None
    assert found.freedom == 6
    assert found.variance == pytest.approx(squares / 6)


def test_of_two_recipes_it_is_half_the_variance_of_their_differences():
    first, second = ([[report(wrong) for wrong in seeds]] for seeds in ((1, 4, 2), (3, 3, 5)))
    found = seed_spread([first, second])
    assert found is not None
    assert found.freedom == 2
    assert found.variance == pytest.approx(stdev([0.2, -0.1, 0.3]) ** 2 / 2)
    assert compare_recipes(first, second) == compare_recipes(first, second, spread=found)


def test_there_is_no_spread_of_one_recipe_or_one_seed():
    assert seed_spread([[[report(1), report(2)]]]) is None
    assert seed_spread([[[report(1)]], [[report(2)]]]) is None


def test_a_wider_spread_of_other_recipes_makes_it_less_certain():
    first, second = [random_reports(50, [rate] * 3, seed=index) for index, rate in enumerate((0.3, 0.2))]
    close, wide = (compare_recipes([first], [second], spread=SeedSpread(deviation**2, 8)) for deviation in (0.001, 0.1))
    assert close.p_value < 0.01 < 0.05 < wide.p_value
    assert close.p_value_clips == wide.p_value_clips
    assert wide.resolvable > close.resolvable


def test_every_corpus_weighs_the_same():
    long, short = random_reports(80, [0.2, 0.4], seed=3), random_reports(10, [0.1, 0.2], seed=4)
    found = compare_recipes([[long[0]], [short[0]]], [[long[1]], [short[1]]])
    assert found.difference.value == pytest.approx(((long[1].wer - long[0].wer) + (short[1].wer - short[0].wer)) / 2)
    assert found.seeds == 2


def test_a_gap_that_is_none_has_no_share():
    first, second = random_reports(30, [0.2, 0.2], seed=5)
    assert recipe_gap([[first]], [[second]], [[first]]).value is None


def test_a_gap_over_seeds_is_the_share_of_the_mean_rates():
    alone, student, teacher = [random_reports(60, [rate] * 3, seed=index) for index, rate in enumerate((0.4, 0.3, 0.1))]
    found = recipe_gap([alone], [student], [teacher])
    rates = [fmean(one.wer for one in runs) for runs in (alone, student, teacher)]
    assert found.value == pytest.approx((rates[0] - rates[1]) / (rates[0] - rates[2]))
    assert found.ci95 is not None
    assert found.ci95[0] < found.value < found.ci95[1]


def test_what_cannot_be_compared_is_refused():
    first, second = random_reports(5, [0.2, 0.3], seed=6)
    other = random_reports(6, [0.2], seed=6)[0]
    for runs in ([[second, second]], [[second], [second]], [[]], []):
        with pytest.raises(ValueError, match="same number of seeds on the same corpora"):
            compare_recipes([[first]], runs)
    with pytest.raises(ValueError, match="same clips"):
        compare_recipes([[first]], [[other]])


def trained(random: np.random.Generator, recipes: int, seeds: int, spread: float) -> list[list[list[WerReport]]]:
    """Runs of one recipe under several names: what differs are seeds, and how each gets on with each clip.

    Clips are easy or hard for all. A ``spread`` of 0.1 (in log-odds) is 1.4 points of WER at 17 %.
    """
    clips = 80
    difficulty = random.normal(math.log(0.17 / 0.83), 1.0, clips)
    runs = []
    for _ in range(recipes * seeds):
        odds = np.exp(difficulty + random.normal(0, spread) + random.normal(0, 0.5, clips))
        errors = random.binomial(GLOSSES, odds / (1 + odds))
        runs.append(aligned(*("S" * wrong + "C" * (GLOSSES - wrong) for wrong in errors)))
    return [[runs[index * seeds : (index + 1) * seeds]] for index in range(recipes)]


TABLES = 300
CONDITIONS = {"two seeds": (2, 0.1), "three seeds": (3, 0.1), "five seeds": (5, 0.1), "three alike": (3, 0.0)}


@pytest.fixture(scope="module", params=CONDITIONS)
def false_alarms(request):
    """Per way of testing, whether each of many tables of equal recipes calls two of them different at 5 %."""
    seeds, spread = CONDITIONS[request.param]
    found: dict[str, list[bool]] = {"clips": [], "clips and seeds": [], "spread of the table": []}
    for number in range(TABLES):
        table = trained(np.random.default_rng(number), 3, seeds, spread)
        own = compare_recipes(table[0], table[1], resamples=400, seed=number)
        pooled = compare_recipes(table[0], table[1], spread=seed_spread(table), resamples=400, seed=number)
        found["clips"].append(own.p_value_clips < 0.05)
        found["clips and seeds"].append(own.p_value < 0.05)
        found["spread of the table"].append(pooled.p_value < 0.05)
    return request.param, {name: float(np.mean(alarms)) for name, alarms in found.items()}


@pytest.mark.slow
def test_equal_recipes_are_told_apart_once_in_twenty_times(false_alarms):
    # The share of 300 tosses of a coin that falls once in 20 times has a standard error of 0.013.
    _, found = false_alarms
    assert found["clips and seeds"] == pytest.approx(0.05, abs=0.025)
    assert found["spread of the table"] == pytest.approx(0.05, abs=0.025)


@pytest.mark.slow
def test_clips_alone_tell_equal_recipes_apart_far_too_often(false_alarms):
    """Why seeds are counted: resampling clips alone is right about networks, and wrong about recipes."""
    condition, found = false_alarms
    if condition == "three alike":
        assert found["clips"] == pytest.approx(0.05, abs=0.025)
    else:
        assert found["clips"] > 0.12
