"""Bootstrap over clips (Bisani and Ney 2004), several systems drawn together.

A resample draws as many clips as there are, with replacement, the same for every system, and pools their errors.
Nothing is assumed about the distribution of errors, only that the clips are a random sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from slr.scoring.significance.counts import errors_and_glosses
from slr.scoring.wer import WerReport

FloatArray = NDArray[np.float64]
_CHUNK = 500  # resamples at a time, so that the draws of a large corpus stay small in memory
_KEPT = 20_000_000  # clips drawn in all resamples together, up to which they are kept for the next call


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
    ``p_value`` is two-sided: twice the smaller of the shares of resamples whose difference is at most 0 and at least 0,
    with one more counted on each, see :func:`two_sided`; at most 1.
    """

    first: Interval
    second: Interval
    difference: Interval
    p_value: float
    resamples: int


def wer_interval(report: WerReport, *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """The word error rate of one system with its 95 % interval."""
    return rate_interval(errors_and_glosses(report), resamples=resamples, seed=seed)


def rate_interval(counts: NDArray[np.int64], *, resamples: int = 10_000, seed: int = 0) -> Interval:
    """Errors per gloss with their 95 % interval, from both numbers of every clip, ``[clips, 2]``.

    One clip at least has a gloss.
    """
    errors, glosses = resampled(counts, resamples, seed)
    return _interval(float(counts[:, 0].sum() / counts[:, 1].sum()), errors / glosses)


def paired_bootstrap(first: WerReport, second: WerReport, *, resamples: int = 10_000, seed: int = 0) -> Comparison:
    """Compare two systems on the same clips.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol.
    """
    one, other, glosses = resampled(errors_and_glosses(first, second), resamples, seed)
    differences = (other - one) / glosses
    return Comparison(
        first=_interval(first.wer, one / glosses),
        second=_interval(second.wer, other / glosses),
        difference=_interval(second.wer - first.wer, differences),
        p_value=two_sided(differences),
        resamples=resamples,
    )


def resampled(counts: NDArray[np.int64], resamples: int, seed: int) -> FloatArray:
    """The columns of ``counts`` summed over the clips of every resample, ``[columns, resamples]``.

    The last column holds reference glosses; resamples without any are left out, since they say nothing about a rate.

    Raises:
        ValueError: when there is no resample to draw.
    """
    if resamples < 1:
        raise ValueError(f"a bootstrap needs resamples, got {resamples}")
    clips = len(counts)
    weights = _kept_weights if clips * resamples <= _KEPT else _weights
    numbers = counts.astype(np.float64)
    chunk = np.empty((_CHUNK, clips))  # one place in memory for all chunks: fresh pages cost more than the product
    sums = []
    for weight in weights(clips, resamples, seed):
        np.copyto(chunk[: len(weight)], weight)
        sums.append(chunk[: len(weight)] @ numbers)  # exact: whole numbers far below 2 ** 53
    pooled = np.concatenate(sums)
    return pooled[pooled[:, -1] > 0].T


def two_sided(differences: FloatArray) -> float:
    """Two-sided p value, ``2 (m + 1) / (n + 1)`` and at most 1.

    ``m`` of ``n`` resamples are on the less likely side of 0, or on it; finitely many resamples prove no less than
    ``2 / (n + 1)``.
    """
    number = len(differences)
    less_likely = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (less_likely + 1) / (number + 1))


def _weights(clips: int, resamples: int, seed: int) -> Iterator[NDArray[np.integer]]:
    """How often each clip is in every resample, ``[up to _CHUNK, clips]`` at a time."""
    random = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        drawn = random.integers(0, clips, (rows, clips))
        drawn += clips * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * clips).reshape(rows, clips)


@lru_cache(maxsize=1)
def _kept_weights(clips: int, resamples: int, seed: int) -> tuple[NDArray[np.integer], ...]:
    """The same, remembered: drawing takes ten times as long as summing, and every system of a corpus draws alike."""
    return tuple(weight.astype(np.min_scalar_type(clips)) for weight in _weights(clips, resamples, seed))


def _interval(value: float, resampled_values: FloatArray) -> Interval:
    low, high = np.quantile(resampled_values, (0.025, 0.975))
    return Interval(value, float(low), float(high))
