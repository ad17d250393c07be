"""Evaluate a network of a finished run on dev or test."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from slr.scoring import PROTOCOLS
from workbench.cli import command, console, example_parser
from workbench.evaluate import Question, evaluate
from workbench.progress import make_progress


def main(arguments: Namespace) -> None:
    """Recognise, score, and print the file of hypotheses last."""
    asked = arguments
    question = Question(asked.split, asked.network, asked.decoder, asked.beam_width, asked.protocol)
    print(evaluate(asked.run, question, asked.words, make_progress(), console()))


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/evaluate.py runs/stsg_to_stgt --split test --decoder greedy")
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key of the run, such as data.root")
    parser.add_argument("--split", choices=("dev", "test"), default="dev")
    parser.add_argument("--network", choices=("teacher", "baseline", "student"), help="default: what the run was for")
    parser.add_argument("--decoder", choices=("greedy", "beam"))
    parser.add_argument("--beam-width", type=int)
    parser.add_argument("--protocol", choices=sorted(PROTOCOLS))
    sys.exit(command(main, parser))
