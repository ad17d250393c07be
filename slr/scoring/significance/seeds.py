"""Recipes instead of networks: differences that hold for other seeds as well as for other clips.

A recipe is trained with several seeds, and every network reads the same clips. What it says about the recipe is
uncertain twice: other clips would have given other errors, and so would other seeds. Clips are many and are resampled
as for two networks (:mod:`slr.scoring.significance.bootstrap`), all networks together. Seeds are few: drawing three of
three gives ten different draws, and a variance a third too small. Their deviation is drawn from Student's t instead,
with the spread between the seeds that there are, which is exact for normally distributed seeds however few they are.

Where several recipes are compared, the spread between seeds may be taken from all of them together
(:func:`seed_spread`), as an analysis of variance does: three seeds of two recipes alone leave it almost unknown.

A deviation between two seeds holds, beside the seed, how it got on with these very clips. So does the resampling of
clips. This interplay is counted once: the resampled deviations are shrunk by what of their variance it makes up. The
same is done for readers and cases in diagnostic studies (Obuchowski and Rockette 1995, Hillis 2007), by formulas.

Runs of the same seed in two recipes are compared with each other, since they may share what the seed decides, such as
the teacher. On several corpora every corpus weighs the same, and a claim is about these corpora.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.scoring.significance.bootstrap import FloatArray, Interval, resampled, two_sided
from slr.scoring.significance.counts import errors_and_glosses
from slr.scoring.significance.gap import ratio_bounds
from slr.scoring.wer import WerReport

# The reports of one recipe: of every corpus, of every seed.
Runs = Sequence[Sequence[WerReport]]


@dataclass(frozen=True)
class RecipeRate:
    """The word error rate of a recipe.

    ``rate`` is the mean over seeds with its interval, over clips and seeds; ``deviation`` the standard deviation
    between seeds, ``None`` when there is one of each corpus.
    """

    rate: Interval
    deviation: float | None


@dataclass(frozen=True)
class SeedSpread:
    """How far the seeds of a recipe lie apart: a ``variance`` of word error rates known to ``freedom`` degrees."""

    variance: float
    freedom: int


@dataclass(frozen=True)
class RecipeComparison:
    """Two recipes with the same seeds on the same clips.

    ``difference`` is the mean word error rate of the second minus that of the first, with its 95 % interval;
    ``p_value`` is two-sided. Both say what other clips and other seeds would give, or only what other clips would when
    there is one seed. ``p_value_clips`` takes the networks as they are: it says whether these very networks differ.
    ``resolvable`` and ``resolvable_clips`` are the smallest differences of recipes, or of networks as they are, that
    such a test finds four times out of five; ``None`` where nothing varies.
    """

    difference: Interval
    p_value: float
    p_value_clips: float
    resolvable: float | None
    resolvable_clips: float | None
    seeds: int


@dataclass(frozen=True)
class RecipeGap:
    """The share of the gap between baseline and teacher that a recipe closes: ``None`` when there is no gap.

    ``ci95`` is ``None`` when the draws do not agree that there is one; ``gap_in_standard_errors`` is its width over its
    own standard error, below about 3 a ratio to it is worth little.
    """

    value: float | None
    ci95: tuple[float, float] | None
    gap_in_standard_errors: float | None


def recipe_rate(runs: Runs, *, resamples: int = 10_000, seed: int = 0) -> RecipeRate:
    """The mean word error rate of a recipe.

    Raises:
        ValueError: when the runs of a corpus are not about the same clips under one protocol.
    """
    draws = _Draws([runs], resamples, seed)
    return RecipeRate(_interval(*draws.of([1.0])), draws.deviation([1.0]))


def seed_spread(recipes: Sequence[Runs]) -> SeedSpread | None:
    """The spread between seeds that recipes have in common, taken to be the same for all of them.

    It is that of the residuals of recipe and seed: what a seed does to all recipes alike, such as a good teacher does,
    counts neither for nor against one of them (two-way analysis of variance, one run per cell).

    Args:
        recipes: two or more, with the same seeds on the same corpora.

    Returns:
        ``None`` where there is one recipe, or one seed of every corpus.

    Raises:
        ValueError: when they have other numbers of runs, or the references of a corpus hold no gloss.
    """
    _check_shapes(recipes)
    squares, freedom = 0.0, 0
    for index in range(len(recipes[0])):
        rates = np.array([[report.wer for report in runs[index]] for runs in recipes])  # [recipes, seeds]
        residuals = rates - rates.mean(axis=0) - rates.mean(axis=1, keepdims=True) + rates.mean()
        squares += float((residuals**2).sum())
        freedom += (rates.shape[0] - 1) * (rates.shape[1] - 1)
    return SeedSpread(squares / freedom, freedom) if freedom else None


def compare_recipes(
    first: Runs, second: Runs, *, spread: SeedSpread | None = None, resamples: int = 10_000, seed: int = 0
) -> RecipeComparison:
    """Compare two recipes; run ``i`` of a corpus has the same seed in both.

    Args:
        first: the one to compare with.
        second: the one that may be better.
        spread: between seeds, of one recipe; that of these two alone when it is left out.
        resamples: draws.
        seed: of the draws.

    Raises:
        ValueError: when they have other numbers of runs, or runs of a corpus are not about the same clips.
    """
    draws = _Draws([first, second], resamples, seed)
    spread = spread or seed_spread([first, second])
    value, by_clips = draws.of([-1.0, 1.0], clips_alone=True)
    drawn = by_clips
    if spread is not None and draws.freedom:
        _, drawn = draws.of([-1.0, 1.0], spread=SeedSpread(2 * spread.variance, spread.freedom))
    return RecipeComparison(
        difference=_interval(value, drawn),
        p_value=two_sided(drawn),
        p_value_clips=two_sided(by_clips),
        resolvable=_resolvable(drawn - value),
        resolvable_clips=_resolvable(by_clips - value),
        seeds=sum(len(corpus) for corpus in first),
    )


def recipe_gap(baseline: Runs, student: Runs, teacher: Runs, *, resamples: int = 10_000, seed: int = 0) -> RecipeGap:
    """The share of the gap between baseline and teacher that the student closes, mean rates over the seeds.

    Raises:
        ValueError: as :func:`compare_recipes` does.
    """
    draws = _Draws([baseline, student, teacher], resamples, seed)
    gain, gains = draws.of([1.0, -1.0, 0.0])
    gap, gaps = draws.of([1.0, 0.0, -1.0])
    spread = float(gaps.std(ddof=1)) if gaps.min() < gaps.max() else 0.0
    return RecipeGap(
        value=gain / gap if gap > 0 else None,
        ci95=ratio_bounds(gains, gaps) if gap > 0 else None,
        gap_in_standard_errors=gap / spread if spread > 0 else None,
    )


class _Draws:
    """Mean rates of several recipes on clips and seeds that might have been, the same ones for all recipes."""

    def __init__(self, recipes: Sequence[Runs], resamples: int, seed: int) -> None:
        _check_shapes(recipes)
        self._corpora = [
            _Corpus([[*runs[index]] for runs in recipes], resamples, seed + index) for index in range(len(recipes[0]))
        ]
        self._resamples = min(corpus.resamples for corpus in self._corpora)
        self._seed = seed
        # Degrees of freedom of the spread between seeds, as these runs know it.
        self.freedom = sum(corpus.seeds - 1 for corpus in self._corpora)
        shape = (self._resamples, sum(corpus.seeds for corpus in self._corpora))
        self._normal = np.random.default_rng((seed, 1)).standard_normal(shape)

    def of(
        self, combination: Sequence[float], *, spread: SeedSpread | None = None, clips_alone: bool = False
    ) -> tuple[float, FloatArray]:
        """A sum of rates, each with a factor: as measured, and as drawn ``[resamples]``.

        ``spread`` is that of the sum between seeds, as these runs have it when it is left out.
        """
        factors = np.array(combination)
        measured = [factors @ corpus.rates for corpus in self._corpora]  # [seeds] each
        value = float(np.mean([rates.mean() for rates in measured]))
        drawn = np.mean([corpus.drawn(factors)[: self._resamples] for corpus in self._corpora], axis=0)
        if clips_alone or self.freedom == 0:
            return value, drawn
        shared = value + self._without_interplay(factors, drawn) * (drawn - value)
        return value, shared + self._of_seeds(measured, spread)

    def deviation(self, combination: Sequence[float]) -> float | None:
        """Standard deviation between the seeds of a corpus; None when there is one seed of each."""
        if self.freedom == 0:
            return None
        residuals = _residuals([np.array(combination) @ corpus.rates for corpus in self._corpora])
        return math.sqrt(float(residuals @ residuals) / self.freedom)

    def _without_interplay(self, factors: FloatArray, drawn: FloatArray) -> float:
        """The factor that leaves of the resampled deviations those that all seeds share."""
        variance = float(drawn.var())
        if variance == 0:
            return 1.0
        interplay = [corpus.interplay(factors) for corpus in self._corpora]
        known = [value for value in interplay if value is not None]
        # A corpus with one seed does not tell the two apart; it is taken for the average of the others.
        mean = sum(known) / len(known) if known else 0.0
        total = sum(
            (mean if value is None else value) / corpus.seeds
            for value, corpus in zip(interplay, self._corpora, strict=True)
        )
        return math.sqrt(max(0.0, 1 - total / len(self._corpora) ** 2 / variance))

    def _of_seeds(self, measured: Sequence[FloatArray], spread: SeedSpread | None) -> FloatArray:
        """Deviations of the mean over seeds, ``[resamples]``: Student's t with the spread between seeds.

        Of the measured spread they are a random sum of the measured deviations, so that rates that move together do so
        here too.
        """
        share = math.sqrt(sum(1 / corpus.seeds for corpus in self._corpora)) / len(self._corpora)
        if spread is None:
            return share * (self._normal @ _residuals(measured)) / np.sqrt(self._chi_square(self.freedom))
        normal = self._normal.sum(axis=1) / math.sqrt(self._normal.shape[1])
        scale = math.sqrt(spread.variance * spread.freedom)
        return share * scale * normal / np.sqrt(self._chi_square(spread.freedom))

    def _chi_square(self, freedom: int) -> FloatArray:
        """``[resamples]``, the same ones for every sum of rates."""
        return np.random.default_rng((self._seed, 2)).chisquare(freedom, self._resamples)


class _Corpus:
    """Networks ``[recipes, seeds]`` on the clips of one corpus: their rates, and these on resampled clips."""

    def __init__(self, reports: list[list[WerReport]], resamples: int, seed: int) -> None:
        self.seeds = len(reports[0])
        shape = (len(reports), self.seeds)
        counts = errors_and_glosses(*(report for runs in reports for report in runs))
        *drawn, self._drawn_glosses = resampled(counts, resamples, seed)
        self.resamples = len(self._drawn_glosses)
        self.rates: FloatArray = (counts[:, :-1].sum(axis=0) / counts[:, -1].sum()).reshape(shape)
        self._drawn_errors: FloatArray = np.reshape(drawn, (*shape, -1)).sum(axis=1)
        self._errors: NDArray[np.int64] = counts[:, :-1].T.reshape(*shape, -1)
        self._glosses: NDArray[np.int64] = counts[:, -1]

    def drawn(self, factors: FloatArray) -> FloatArray:
        """The sum of mean rates on resampled clips, ``[resamples]``; exactly 0 where errors are even."""
        return (factors @ self._drawn_errors) / (self._drawn_glosses * self.seeds)

    def interplay(self, factors: FloatArray) -> float | None:
        """Variance of one seed's rate that is due to how it gets on with single clips; None for one seed."""
        clips = len(self._glosses)
        if self.seeds < 2 or clips < 2:
            return None
        combined = np.tensordot(factors, self._errors, axes=1)  # [seeds, clips]
        rates = combined.sum(axis=1) / self._glosses.sum()
        # What a clip adds to the rate, a ratio of sums over clips (Cochran 1977, section 6.4).
        parts = (combined - rates[:, None] * self._glosses) / self._glosses.sum()
        apart = parts - parts.mean(axis=0)
        return float((apart**2).sum()) / (self.seeds - 1) * clips / (clips - 1)


def _check_shapes(recipes: Sequence[Runs]) -> None:
    shape = [len(corpus) for corpus in recipes[0]]
    if not shape or not all(shape) or any([len(corpus) for corpus in runs] != shape for runs in recipes):
        raise ValueError("recipes are compared with the same number of seeds on the same corpora, one at least")


def _residuals(measured: Sequence[FloatArray]) -> FloatArray:
    """Deviations of all seeds from the mean of their corpus."""
    return np.concatenate([rates - rates.mean() for rates in measured])


def _interval(value: float, drawn: FloatArray) -> Interval:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def _resolvable(deviations: FloatArray) -> float | None:
    """What is found on 80 % of such test sets at the 5 % level, two-sided.

    The distance from 0 beyond which 5 % lie, and from there the one that 80 % reach.
    """
    size = np.abs(deviations)
    threshold, reach = np.quantile(size, (0.95, 0.60))
    return float(threshold + reach) if size.max() > 0 else None
