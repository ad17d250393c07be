"""Is the difference real? Bootstrap over clips (Bisani and Ney 2004), several systems drawn together.

A resample draws as many clips as there are, with replacement, the same for every system, and pools their errors.
Nothing is assumed about the distribution of errors, only that the clips are a random sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.scoring.wer import WerReport

_FloatArray = NDArray[np.float64]
_CHUNK = 500  # resamples at a time, so that the draws of a large corpus stay small in memory


@dataclass(frozen=True)
class Interval:
    """A measured value and the bounds between which 95 % of the resamples lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same clips.

    ``difference`` is the second word error rate minus the first, negative when the second system is better.
    ``p_value`` is two-sided: twice the share of resamples in which the sign of the difference is not the measured
    one.
    """

    first: Interval
    second: Interval
    difference: Interval
    p_value: float
    resamples: int


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


def wer_interval(report: WerReport, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The word error rate of one system with its 95 % interval."""
    errors, glosses = _resampled(_stack(report), resamples, seed)
    return _interval(report.wer, errors / glosses)


def paired_bootstrap(first: WerReport, second: WerReport, *, resamples: int = 10_000, seed: int = 0) -> Comparison:
    """Compare two systems on the same clips.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol.
    """
    one, other, glosses = _resampled(_stack(first, second), resamples, seed)
    differences = (other - one) / glosses
    return Comparison(
        first=_interval(first.wer, one / glosses),
        second=_interval(second.wer, other / glosses),
        difference=_interval(second.wer - first.wer, differences),
        p_value=_p_value(differences),
        resamples=resamples,
    )


def gap_closed(
    baseline: WerReport, student: WerReport, teacher: WerReport, *, resamples: int = 10_000, seed: int = 0
) -> GapClosed:
    """The share of the gap between baseline and teacher that the student closes.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol.
    """
    counts = _stack(baseline, student, teacher)
    gap, gain = baseline.wer - teacher.wer, baseline.wer - student.wer
    of_baseline, of_student, of_teacher, glosses = _resampled(counts, resamples, seed)
    gaps, gains = (of_baseline - of_teacher) / glosses, (of_baseline - of_student) / glosses
    spread = float(gaps.std(ddof=1)) if gaps.min() < gaps.max() else 0.0
    return GapClosed(
        value=gain / gap if gap > 0 else None,
        ci95=_ratio_bounds(gains, gaps) if gap > 0 else None,
        p_value=_p_value(gains),
        gap_in_standard_errors=gap / spread if spread > 0 else None,
    )


def _stack(*reports: WerReport) -> NDArray[np.int64]:
    """Errors of every system and reference glosses, ``[clips, systems + 1]``."""
    first = reports[0]
    clips = [clip.clip for clip in first.clips]
    columns = []
    for report in reports:
        by_clip = dict(zip((clip.clip for clip in report.clips), report.errors_and_lengths, strict=True))
        if by_clip.keys() != set(clips) or report.protocol.name != first.protocol.name:
            raise ValueError(
                "only systems scored on the same clips under one protocol can be compared, not "
                f"{len(clips)} clips under {first.protocol.name!r} and {len(by_clip)} under {report.protocol.name!r}"
            )
        columns.append(np.array([by_clip[clip] for clip in clips]))
    if any((column[:, 1] != columns[0][:, 1]).any() for column in columns):
        raise ValueError("only systems scored against the same references can be compared: their lengths differ")
    return np.column_stack([*(column[:, 0] for column in columns), columns[0][:, 1]])


def _resampled(counts: NDArray[np.int64], resamples: int, seed: int) -> _FloatArray:
    """The columns of ``counts`` summed over the clips of every resample, ``[systems + 1, resamples]``."""
    if resamples < 1:
        raise ValueError(f"a bootstrap needs resamples, got {resamples}")
    random = np.random.default_rng(seed)
    clips = len(counts)
    sums = []
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        drawn = random.integers(0, clips, (rows, clips)) + clips * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * clips).reshape(rows, clips)
        sums.append(weights.astype(np.float64) @ counts)  # exact: whole numbers far below 2 ** 53
    pooled = np.concatenate(sums)
    # A resample may hold only clips without glosses; such a draw says nothing about a rate.
    return pooled[pooled[:, -1] > 0].T


def _interval(value: float, resampled: _FloatArray) -> Interval:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def _p_value(differences: _FloatArray) -> float:
    """Two-sided; at least ``2 / (resamples + 1)``, since finitely many resamples prove no more."""
    number = len(differences)
    less_likely = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (less_likely + 1) / (number + 1))


def _ratio_bounds(gains: _FloatArray, gaps: _FloatArray) -> tuple[float, float] | None:
    """Bounds of a ratio whose denominator may come close to zero.

    A resample without a gap counts as unbounded on both sides, so that the bounds exist only while fewer than 2.5 %
    are so.
    """
    unbounded = gaps <= 0
    ratios = gains / np.where(unbounded, 1.0, gaps)
    low = float(np.quantile(np.where(unbounded, -np.inf, ratios), 0.025, method="lower"))
    high = float(np.quantile(np.where(unbounded, np.inf, ratios), 0.975, method="higher"))
    return (low, high) if np.isfinite(low) and np.isfinite(high) else None
