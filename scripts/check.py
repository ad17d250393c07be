"""Check the environment, a configuration or a corpus before a long run; or list every network with what it costs."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from workbench.check import check
from workbench.cli import command, console, example_parser
from workbench.networks import list_networks
from workbench.progress import make_progress

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def main(asked: Namespace) -> None:
    """Print what was found; an error among it is the user's to mend."""
    if asked.what == "networks":
        list_networks(make_progress(), console(), as_markdown=asked.markdown, into=asked.into)
    elif asked.markdown or asked.into:
        raise ValueError("--markdown and --into are for the table of networks: python scripts/check.py networks")
    elif not check(asked.what, asked.words, CONFIGS, make_progress(), console()):
        raise ValueError("there are errors: mend them as the table says before training")


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/check.py phoenix2014 data.root=/path/to/phoenix2014-release")
    parser.add_argument(
        "what", nargs="?", metavar="CONFIG|CORPUS|networks", help="a YAML file, a name in configs/data, or: networks"
    )
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key")
    parser.add_argument("--markdown", action="store_true", help="the table of networks in Markdown")
    parser.add_argument("--into", metavar="FILE", help="write that table between its markers in a Markdown file")
    sys.exit(command(main, parser))
