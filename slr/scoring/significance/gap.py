"""How much of the way from a baseline to its teacher a student went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.scoring.significance.bootstrap import FloatArray, resampled, two_sided
from slr.scoring.significance.counts import errors_and_glosses
from slr.scoring.wer import WerReport


@dataclass(frozen=True)
class GapClosed:
    """How much of the way from a baseline to its teacher a student went.

    ``value`` is (baseline - student) / (baseline - teacher) in word error rates: 0 at the baseline, 1 at the teacher;
    ``None`` when the teacher is not better than the baseline, so that there is no way to go. ``ci95`` is ``None`` as
    well when the resamples do not agree that there is one. ``p_value`` is that of baseline against student,
    two-sided. ``gap_in_standard_errors`` is the width of the gap over its own standard error: below about 3 a ratio
    to it is worth little.
    """

    value: float | None
    ci95: tuple[float, float] | None
    p_value: float
    gap_in_standard_errors: float | None


def gap_closed(
    baseline: WerReport, student: WerReport, teacher: WerReport, *, resamples: int = 10_000, seed: int = 0
) -> GapClosed:
    """The share of the gap between baseline and teacher that the student closes.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol.
    """
    return gap_of_counts(errors_and_glosses(baseline, student, teacher), resamples=resamples, seed=seed)


def gap_of_counts(counts: NDArray[np.int64], *, resamples: int, seed: int) -> GapClosed:
    """The same from the errors of the three and what they are divided by, clip by clip: ``[clips, 4]``."""
    whole = counts.sum(axis=0)
    gap, gain = float((whole[0] - whole[2]) / whole[3]), float((whole[0] - whole[1]) / whole[3])
    of_baseline, of_student, of_teacher, glosses = resampled(counts, resamples, seed)
    gaps, gains = (of_baseline - of_teacher) / glosses, (of_baseline - of_student) / glosses
    spread = float(gaps.std(ddof=1)) if gaps.min() < gaps.max() else 0.0
    return GapClosed(
        value=gain / gap if gap > 0 else None,
        ci95=ratio_bounds(gains, gaps) if gap > 0 else None,
        p_value=two_sided(gains),
        gap_in_standard_errors=gap / spread if spread > 0 else None,
    )


def ratio_bounds(gains: FloatArray, gaps: FloatArray) -> tuple[float, float] | None:
    """Bounds of a ratio whose denominator may come close to zero.

    A resample without a gap counts as unbounded on both sides, so that the bounds exist only while fewer than 2.5 %
    are so.
    """
    unbounded = gaps <= 0
    ratios = gains / np.where(unbounded, 1.0, gaps)
    low = float(np.quantile(np.where(unbounded, -np.inf, ratios), 0.025, method="lower"))
    high = float(np.quantile(np.where(unbounded, np.inf, ratios), 0.975, method="higher"))
    return (low, high) if np.isfinite(low) and np.isfinite(high) else None
