"""Draw the figures of a finished run into its folder, and show it all on one page that needs no network."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from workbench.cli import command, console, example_parser
from workbench.progress import make_progress
from workbench.report.command import Wanted, report


def main(arguments: Namespace) -> None:
    """Gather, draw, write, and print the page or the folder of the figures last."""
    asked = vars(arguments)
    wanted = Wanted(**{key: asked[key] for key in Wanted.__dataclass_fields__})
    print(report(arguments.run, wanted, arguments.words, make_progress(), console()))


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/report.py runs/stsg_to_stgt --html stsg_to_stgt.html")
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key of the run, such as data.root")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--split", choices=("dev", "test"), default="test", help="whose clips are shown")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="where figures go; default: figures/ of the run")
    parser.add_argument(
        "--no-frames",
        dest="pictures",
        action="store_false",
        help="no frame of the corpus on the page, for passing it on",
    )
    sys.exit(command(main, parser))
