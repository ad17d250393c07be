"""Run a study, or what of it is not done yet, and write its table."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace

from workbench.cli import command, console, example_parser
from workbench.study.command import run_study


def seeds(text: str) -> list[int]:
    """``0,1,2`` as numbers."""
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"seeds are whole numbers with commas between, such as 0,1,2, not {text!r}") from None


def main(arguments: Namespace) -> None:
    """Run what is missing and print the study's folder last."""
    run_study(arguments, console())


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/ablation.py experiments/losses.yaml --jobs 2 --dry-run")
    parser.add_argument("study", help="YAML file, see experiments/")
    parser.add_argument(
        "words", nargs="*", metavar="key=value", help="override any key of every row; data=NAME as in distill.py"
    )
    parser.add_argument("--seeds", type=seeds, metavar="0,1,2", help="instead of those of the study")
    parser.add_argument(
        "--out", metavar="DIR", default="runs", help="for the folder of the study (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="runs at once here (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", required=True, help="print grid, commands and time left")
    sys.exit(command(main, parser))
