"""Two classifiers on the same clips: is the difference of their accuracies real?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.scoring.accuracy import AccuracyReport
from slr.scoring.significance.bootstrap import Interval, resampled
from slr.scoring.significance.gap import GapClosed, gap_of_counts


@dataclass(frozen=True)
class ClassComparison:
    """A second classifier against a first.

    ``difference`` is the second accuracy minus the first, positive when the second is better, with its bootstrap
    interval over clips. ``only_first`` and ``only_second`` count the clips that one of them alone has right;
    ``p_value`` is two-sided, from McNemar's exact test on these two counts.
    """

    difference: Interval
    only_first: int
    only_second: int
    p_value: float


def compare_classifiers(
    first: AccuracyReport, second: AccuracyReport, *, resamples: int = 10_000, seed: int = 0
) -> ClassComparison:
    """Compare the top-1 accuracies of two classifiers on the same clips, in the same order.

    McNemar 1947 in its exact form: if neither is better, a clip that only one has right could as well have been the
    other's, so that the smaller count is that of heads among fair coins.

    Raises:
        ValueError: when the reports are not about the same labels.
    """
    counts = _errors(first, second)
    one, other, clips = resampled(counts, resamples, seed)
    low, high = np.quantile((one - other) / clips, (0.025, 0.975))
    only_first, only_second = (int(((counts[:, a] == 0) & (counts[:, b] == 1)).sum()) for a, b in ((0, 1), (1, 0)))
    value = second.per_instance() - first.per_instance()
    return ClassComparison(
        Interval(value, float(low), float(high)), only_first, only_second, _exact_mcnemar(only_first, only_second)
    )


def gap_closed_of_classes(
    baseline: AccuracyReport,
    student: AccuracyReport,
    teacher: AccuracyReport,
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> GapClosed:
    """The share of the gap of top-1 errors between baseline and teacher that the student closes.

    Raises:
        ValueError: when the reports are not about the same labels.
    """
    return gap_of_counts(_errors(baseline, student, teacher), resamples=resamples, seed=seed)


def _errors(*reports: AccuracyReport) -> NDArray[np.int64]:
    """Which classifier errs on which clip, and a one for every clip: ``[clips, classifiers + 1]``."""
    if any(not np.array_equal(report.labels, reports[0].labels) for report in reports):
        raise ValueError("only classifiers of the same clips can be compared, and these have other labels")
    columns = [(report.ranks > 0).astype(np.int64) for report in reports]
    return np.stack([*columns, np.ones_like(columns[0])], axis=1)


def _exact_mcnemar(one: int, other: int) -> float:
    coins = one + other
    tail = sum(math.comb(coins, heads) for heads in range(min(one, other) + 1))
    return min(1.0, 2 * tail / 2**coins)
