"""Is the difference real? Intervals, three paired tests, a correction for several, and what a test set can resolve."""

from slr.scoring.significance.bootstrap import Comparison, Interval, paired_bootstrap, rate_interval, wer_interval
from slr.scoring.significance.classes import ClassComparison, compare_classifiers, gap_closed_of_classes
from slr.scoring.significance.comparison import PValues, SystemComparison, compare_systems
from slr.scoring.significance.correction import holm
from slr.scoring.significance.gap import GapClosed, gap_closed
from slr.scoring.significance.randomisation import RandomisationTest, approximate_randomisation
from slr.scoring.significance.resolution import resolvable_alone, resolvable_difference
from slr.scoring.significance.seeds import (
    RecipeComparison,
    RecipeGap,
    RecipeRate,
    SeedSpread,
    compare_recipes,
    recipe_gap,
    recipe_rate,
    seed_spread,
)
from slr.scoring.significance.segments import SegmentTest, mapsswe

__all__ = [
    "ClassComparison",
    "Comparison",
    "GapClosed",
    "Interval",
    "PValues",
    "RandomisationTest",
    "RecipeComparison",
    "RecipeGap",
    "RecipeRate",
    "SeedSpread",
    "SegmentTest",
    "SystemComparison",
    "approximate_randomisation",
    "compare_classifiers",
    "compare_recipes",
    "compare_systems",
    "gap_closed",
    "gap_closed_of_classes",
    "holm",
    "mapsswe",
    "paired_bootstrap",
    "rate_interval",
    "recipe_gap",
    "recipe_rate",
    "resolvable_alone",
    "resolvable_difference",
    "seed_spread",
    "wer_interval",
]
