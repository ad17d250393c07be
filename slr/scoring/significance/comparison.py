"""Several systems against the first of them, by every test at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slr.scoring.significance.bootstrap import Comparison, paired_bootstrap
from slr.scoring.significance.correction import holm
from slr.scoring.significance.randomisation import RandomisationTest, approximate_randomisation
from slr.scoring.significance.resolution import resolvable_difference
from slr.scoring.significance.segments import SegmentTest, mapsswe
from slr.scoring.wer import WerReport


@dataclass(frozen=True)
class PValues:
    """Two-sided p values of the three tests."""

    bootstrap: float
    randomisation: float
    mapsswe: float


@dataclass(frozen=True)
class SystemComparison:
    """A system against the baseline, which is the first of each pair; all by their names.

    ``holm`` holds the p values of the three tests corrected for the number of systems compared with the baseline; those
    of a single system are what they were. ``resolvable`` is the smallest difference of word error rates that these
    clips resolve between the two, see :func:`resolvable_difference`.
    """

    baseline: str
    system: str
    bootstrap: Comparison
    randomisation: RandomisationTest
    mapsswe: SegmentTest
    holm: PValues
    resolvable: float | None

    @property
    def p_values(self) -> PValues:
        """Those of the three tests, uncorrected."""
        return PValues(self.bootstrap.p_value, self.randomisation.p_value, self.mapsswe.p_value)


def compare_systems(
    reports: Mapping[str, WerReport], *, resamples: int = 10_000, seed: int = 0
) -> tuple[SystemComparison, ...]:
    """Compare every system with the first one, the baseline.

    Args:
        reports: the systems by name, all on the same clips under one protocol.
        resamples: draws of the bootstrap, and random assignments of the randomisation test.

    Raises:
        ValueError: when the reports are not about the same clips under the same protocol.
    """
    (baseline, first), *others = reports.items()
    bootstraps = [paired_bootstrap(first, other, resamples=resamples, seed=seed) for _, other in others]
    randomised = [approximate_randomisation(first, other, assignments=resamples, seed=seed) for _, other in others]
    segmented = [mapsswe(first, other) for _, other in others]
    corrected = zip(
        holm([test.p_value for test in bootstraps]),
        holm([test.p_value for test in randomised]),
        holm([test.p_value for test in segmented]),
        strict=True,
    )
    return tuple(
        SystemComparison(
            baseline=baseline,
            system=name,
            bootstrap=bootstraps[index],
            randomisation=randomised[index],
            mapsswe=segmented[index],
            holm=PValues(*p_values),
            resolvable=resolvable_difference(first, other),
        )
        for index, ((name, other), p_values) in enumerate(zip(others, corrected, strict=True))
    )
