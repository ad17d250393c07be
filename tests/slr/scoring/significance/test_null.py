"""Two systems that are equally good are told apart about once in twenty times, by every test."""

from __future__ import annotations

import numpy as np
import pytest

from slr.scoring import WerReport, approximate_randomisation, mapsswe, paired_bootstrap
from tests.slr.scoring.significance.systems import aligned

PAIRS, CLIPS = 800, 100
TESTS = {
    "bootstrap": lambda first, second, seed: paired_bootstrap(first, second, resamples=400, seed=seed),
    "randomisation": lambda first, second, seed: approximate_randomisation(first, second, assignments=400, seed=seed),
    "mapsswe": lambda first, second, seed: mapsswe(first, second),
}


def equal_systems(seed: int) -> list[WerReport]:
    """Two systems that err alike on the same clips, some of which are long and some hard."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(3, 20, CLIPS)
    rates = np.repeat(generator.beta(2, 6, CLIPS), lengths)
    return [aligned(*np.split(letters(rates, generator), np.cumsum(lengths)[:-1])) for _ in range(2)]


def letters(rates: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Correct, or by a third of the rate each substituted, deleted, followed by an insertion."""
    drawn = np.minimum(generator.random(len(rates)) / rates * 3, 3).astype(int)
    return np.array(["S", "D", "CI", "C"])[drawn]


@pytest.fixture(scope="module")
def p_values() -> dict[str, np.ndarray]:
    found: dict[str, list[float]] = {name: [] for name in TESTS}
    for seed in range(PAIRS):
        systems = equal_systems(seed)
        for name, test in TESTS.items():
            found[name].append(test(*systems, seed).p_value)
    return {name: np.array(values) for name, values in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTS)
def test_equal_systems_are_told_apart_once_in_twenty_times(p_values, name):
    # The share of 800 tosses of a coin that falls once in 20 times has a standard error of 0.0077.
    assert np.mean(p_values[name] < 0.05) == pytest.approx(0.05, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", TESTS)
def test_p_values_of_equal_systems_are_spread_evenly(p_values, name):
    for level in (0.1, 0.25, 0.5, 0.75):
        assert np.mean(p_values[name] < level) == pytest.approx(level, abs=0.05)
