"""Word error rate under named protocols, its significance, and the files transcripts come in. Imports no torch."""

from slr.scoring.accuracy import AccuracyReport, accuracy
from slr.scoring.comparison_report import render_comparisons
from slr.scoring.elan import write_elan
from slr.scoring.files import Transcript, read_transcripts
from slr.scoring.listing import alignments_text
from slr.scoring.protocols import PROTOCOLS, Protocol, protocol_by_name
from slr.scoring.report import as_json, render_report
from slr.scoring.score_files import FileScores, score_files
from slr.scoring.score_protocols import ProtocolScores, score_protocols
from slr.scoring.significance import (
    Comparison,
    GapClosed,
    Interval,
    PValues,
    RandomisationTest,
    RecipeComparison,
    RecipeGap,
    RecipeRate,
    SeedSpread,
    SegmentTest,
    SystemComparison,
    approximate_randomisation,
    compare_recipes,
    compare_systems,
    gap_closed,
    holm,
    mapsswe,
    paired_bootstrap,
    rate_interval,
    recipe_gap,
    recipe_rate,
    resolvable_alone,
    resolvable_difference,
    seed_spread,
    wer_interval,
)
from slr.scoring.wer import AlignedGloss, ClipScore, Counts, WerReport, score
from slr.scoring.writers import write_corpus, write_ctm, write_lines, write_stm

__all__ = [
    "PROTOCOLS",
    "AccuracyReport",
    "AlignedGloss",
    "ClipScore",
    "Comparison",
    "Counts",
    "FileScores",
    "GapClosed",
    "Interval",
    "PValues",
    "Protocol",
    "ProtocolScores",
    "RandomisationTest",
    "RecipeComparison",
    "RecipeGap",
    "RecipeRate",
    "SeedSpread",
    "SegmentTest",
    "SystemComparison",
    "Transcript",
    "WerReport",
    "accuracy",
    "alignments_text",
    "approximate_randomisation",
    "as_json",
    "compare_recipes",
    "compare_systems",
    "gap_closed",
    "holm",
    "mapsswe",
    "paired_bootstrap",
    "protocol_by_name",
    "rate_interval",
    "read_transcripts",
    "recipe_gap",
    "recipe_rate",
    "render_comparisons",
    "render_report",
    "resolvable_alone",
    "resolvable_difference",
    "score",
    "score_files",
    "score_protocols",
    "seed_spread",
    "wer_interval",
    "write_corpus",
    "write_ctm",
    "write_elan",
    "write_lines",
    "write_stm",
]
