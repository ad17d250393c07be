"""The smallest difference of word error rates that a test set can resolve.

A difference is resolved when a test at the 5 % level, two-sided, would find it on 80 % of test sets like this one. For
an estimate that is normally distributed this is 1.96 + 0.84 = 2.80 of its standard errors (Cohen 1988, power of the
z test).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from slr.scoring.significance.counts import errors_and_glosses
from slr.scoring.wer import WerReport

_STANDARD_ERRORS = 1.959964 + 0.841621  # quantiles 0.975 (5 %, two-sided) and 0.80 (power) of the normal distribution


def resolvable_difference(first: WerReport, second: WerReport) -> float | None:
    """Smallest difference of word error rates, from 0, that these clips resolve between two systems like these.

    It follows from how much the difference of these two varies from clip to clip, and so is the smaller the more errors
    they share.

    Returns:
        ``None`` when there is nothing to estimate it from: one clip, or the same difference on all.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol.
    """
    one, other, glosses = errors_and_glosses(first, second).T
    return _resolvable(_standard_error(other - one, glosses))


def resolvable_alone(report: WerReport) -> float | None:
    """The same for two systems of this word error rate that err independently of each other, from one of them.

    Systems that share errors, as trained on the same data they do, are told apart at a smaller difference.

    Returns:
        ``None`` when there is nothing to estimate it from: one clip, or the same word error rate on all.

    Raises:
        ValueError: when the references hold no gloss.
    """
    return _resolvable(math.sqrt(2) * _standard_error(*errors_and_glosses(report).T))


def _resolvable(standard_error: float) -> float | None:
    return _STANDARD_ERRORS * standard_error if standard_error > 0 else None


def _standard_error(errors: NDArray[np.int64], glosses: NDArray[np.int64]) -> float:
    """Standard error of errors per gloss, a ratio of sums over clips (Cochran 1977, section 6.4); 0 for one clip."""
    clips, total = len(errors), int(glosses.sum())
    if clips < 2:
        return 0.0
    # Whole numbers as long as possible: what clips agree on must leave exactly nothing.
    residuals = (errors * total - glosses * errors.sum()).astype(np.float64) / total
    return math.sqrt(clips / (clips - 1) * float(residuals @ residuals)) / total
