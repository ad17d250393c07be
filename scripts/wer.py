"""Score recognised glosses against references, or compare systems on the same clips."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from slr.files import write_text
from slr.scoring import PROTOCOLS, FileScores, ProtocolScores, score_files, score_protocols

EXAMPLE = """example:
  python scripts/wer.py phoenix2014-groundtruth-dev.stm student.ctm
  python scripts/wer.py dev.corpus.csv baseline.ctm student.ctm another.ctm --json scores.json
  python scripts/wer.py phoenix2014-groundtruth-dev.stm student.ctm --all-protocols

files: .stm, .ctm, tables id|folder|signer|annotation, or lines "clip|gloss ...", "clip,gloss ...", "clip gloss ..."
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on what the user got wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reference", type=Path, metavar="REF", help="file of references")
    parser.add_argument("hypotheses", type=Path, metavar="HYP", help="file of hypotheses")
    parser.add_argument("second", type=Path, nargs="*", metavar="HYP2", help="other systems, compared with the first")
    parser.add_argument("--protocol", default="phoenix2014", help=f"{', '.join(PROTOCOLS)} (default: %(default)s)")
    parser.add_argument("--all-protocols", action="store_true", help="the same hypotheses under each, in one table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, gloss by gloss and clip by clip")
    parser.add_argument("--alignments", type=Path, metavar="FILE", help="write every clip as REF, HYP and Eval")
    given = parser.parse_args(arguments)
    if given.all_protocols and given.alignments:
        parser.error("--alignments needs one protocol, not --all-protocols")
    try:
        hypotheses = [given.hypotheses, *given.second]
        scores: FileScores | ProtocolScores
        if given.all_protocols:
            scores = score_protocols(given.reference, hypotheses)
        else:
            scores = score_files(given.reference, hypotheses, given.protocol)
            if given.alignments is not None:
                write_text(given.alignments, scores.alignments())
        if given.json is not None:
            write_text(given.json, scores.to_json())
    except (OSError, ValueError) as error:
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        print(f"wer.py: {reason}", file=sys.stderr)
        return 2
    Console(highlight=False).print(scores.render())
    return 0


if __name__ == "__main__":
    sys.exit(main())
