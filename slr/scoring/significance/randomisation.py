"""Approximate randomisation (Noreen 1989): had the two systems changed places on some clips, would it matter?

If neither system is better, the errors of a clip could as well have come from the other one. Every clip is given to the
two systems anew by the toss of a coin, and the p value is the share of such assignments whose difference of word error
rates is at least as large, on either side, as the measured one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.scoring.significance.counts import errors_and_glosses
from slr.scoring.wer import WerReport

_ENUMERATED = 12  # clips that differ, up to which all 2 ** 12 assignments are tried
_CHUNK = 500_000  # coins tossed at a time; as numbers to multiply they take 4 MB


@dataclass(frozen=True)
class RandomisationTest:
    """``difference`` is the second word error rate minus the first; ``p_value`` is two-sided.

    ``assignments`` were tried: all there are when ``exact``, else random ones besides the measured one.
    """

    difference: float
    p_value: float
    assignments: int
    exact: bool


def approximate_randomisation(
    first: WerReport, second: WerReport, *, assignments: int = 10_000, seed: int = 0
) -> RandomisationTest:
    """Compare two systems on the same clips.

    All assignments are tried when at most 12 clips differ in their number of errors. Else the measured assignment is
    counted among the random ones, so that the p value is at least ``1 / (assignments + 1)`` and never too small.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol, or nothing is to be tried.
    """
    if assignments < 1:
        raise ValueError(f"a randomisation test needs assignments, got {assignments}")
    counts = errors_and_glosses(first, second)
    differences = counts[:, 1] - counts[:, 0]
    differences = differences[differences != 0]
    exact = len(differences) <= _ENUMERATED
    sums = _every_sum(differences) if exact else _random_sums(differences, assignments, seed)
    as_large = int((np.abs(sums) >= abs(differences.sum())).sum())
    return RandomisationTest(
        difference=second.wer - first.wer,
        p_value=as_large / len(sums) if exact else (as_large + 1) / (assignments + 1),
        assignments=len(sums),
        exact=exact,
    )


def _every_sum(differences: NDArray[np.int64]) -> NDArray[np.int64]:
    number = len(differences)
    swapped = (np.arange(2**number)[:, None] >> np.arange(number)) & 1
    return (1 - 2 * swapped) @ differences


def _random_sums(differences: NDArray[np.int64], assignments: int, seed: int) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    number = len(differences)
    rows = max(1, _CHUNK // number)
    weights = differences.astype(np.float64)  # whole numbers far below 2 ** 53, and much faster to multiply
    sums = []
    for start in range(0, assignments, rows):
        coins = random.integers(0, 2**32, (min(rows, assignments - start), (number + 31) // 32), np.uint32)
        swapped = np.unpackbits(coins.view(np.uint8), axis=1, count=number)
        sums.append(weights.sum() - 2 * (swapped @ weights))
    return np.concatenate(sums).astype(np.int64)
