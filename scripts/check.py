"""Check the environment, a configuration or a corpus before a long run."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from workbench.check import check
from workbench.cli import command, console, example_parser
from workbench.progress import make_progress

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def main(asked: Namespace) -> None:
    """Print what was found; an error among it is the user's to mend."""
    if not check(asked.what, asked.words, CONFIGS, make_progress(), console()):
        raise ValueError("there are errors: mend them as the table says before training")


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/check.py phoenix2014 data.root=/path/to/phoenix2014-release")
    parser.add_argument("what", nargs="?", metavar="CONFIG|CORPUS", help="a YAML file, or a name in configs/data")
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key")
    sys.exit(command(main, parser))
