"""Word error rate under named protocols, its significance, and the files transcripts come in. Imports no torch."""

from slr.scoring.files import Transcript, read_transcripts
from slr.scoring.listing import alignments_text
from slr.scoring.protocols import PROTOCOLS, Protocol, protocol_by_name
from slr.scoring.report import as_json, render_comparison, render_report
from slr.scoring.score_files import FileScores, score_files
from slr.scoring.score_protocols import ProtocolScores, score_protocols
from slr.scoring.significance import (
    Comparison,
    GapClosed,
    Interval,
    gap_closed,
    paired_bootstrap,
    wer_interval,
)
from slr.scoring.wer import AlignedGloss, ClipScore, Counts, WerReport, score
from slr.scoring.writers import write_corpus, write_ctm, write_lines, write_stm

__all__ = [
    "PROTOCOLS",
    "AlignedGloss",
    "ClipScore",
    "Comparison",
    "Counts",
    "FileScores",
    "GapClosed",
    "Interval",
    "Protocol",
    "ProtocolScores",
    "Transcript",
    "WerReport",
    "alignments_text",
    "as_json",
    "gap_closed",
    "paired_bootstrap",
    "protocol_by_name",
    "read_transcripts",
    "render_comparison",
    "render_report",
    "score",
    "score_files",
    "score_protocols",
    "wer_interval",
    "write_corpus",
    "write_ctm",
    "write_lines",
    "write_stm",
]
