"""Run a study, or what of it is not done yet, and write its table."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace

from workbench.cli import command, console, example_parser
from workbench.study.command import StudyOptions, run_study


def seeds(text: str) -> list[int]:
    """``0,1,2`` as numbers."""
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"seeds are whole numbers with commas between, such as 0,1,2, not {text!r}") from None


def splits(text: str) -> list[str]:
    """``fold-0,fold-1`` as names."""
    return text.split(",")


def options(text: str) -> dict[str, str | int]:
    """``key=value,key=value`` as a mapping."""
    pairs = [word.partition("=") for word in text.split(",") if word]
    if not all(key and sign and value for key, sign, value in pairs):
        raise ArgumentTypeError(f"options are key=value with commas between, not {text!r}")
    return {key: int(value) if value.isdigit() else value for key, _, value in pairs}


def main(arguments: Namespace) -> None:
    """Run what is missing, write the table, and print the folder of the study last."""
    run_study(StudyOptions(**vars(arguments)), console())


if __name__ == "__main__":
    parser = example_parser(
        __doc__,
        "python scripts/ablation.py experiments/losses.yaml --jobs 2\n"
        "  python scripts/ablation.py experiments/losses.yaml "
        "--slurm slurm_partition=gpu,gpus_per_node=1,timeout_min=600",
    )
    parser.add_argument("study", help="YAML file, see experiments/")
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key of every row, as in distill.py")
    parser.add_argument("--seeds", type=seeds, metavar="0,1,2", help="instead of the study's")
    parser.add_argument("--splits", type=splits, metavar="fold-0,fold-1", help="instead of the study's")
    parser.add_argument("--reference", metavar="ROW", help="hold all rows against this one, instead of the study's")
    parser.add_argument("--out", metavar="DIR", default="runs", help="for the study's folder (default: %(default)s)")
    parser.add_argument("--jobs", type=int, metavar="N", help="runs at once (default: 1; with --slurm all)")
    parser.add_argument("--slurm", type=options, nargs="?", const={}, metavar="key=value,...", help="through submitit")
    parser.add_argument("--table-only", action="store_true", help="run nothing: the table of what is there")
    parser.add_argument("--dry-run", action="store_true", help="print grid, commands, and their time once it is known")
    parser.add_argument("--fresh", action="store_true", help="do every run again, all its networks trained anew")
    parser.add_argument("--keep", metavar="FILE", help="add records of the finished runs to FILE, a .json or .json.gz")
    parser.add_argument("--records", metavar="FILE", action="append", help="these, not records/STUDY.json; repeatable")
    parser.add_argument("--no-records", action="store_true", help="look at run folders alone")
    sys.exit(command(main, parser))
