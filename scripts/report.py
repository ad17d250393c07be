"""Draw the figures of a finished run or study into its folder, and show it on one page that needs no network."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from workbench.cli import command, console, example_parser
from workbench.progress import make_progress
from workbench.report_command import Wanted, report


def main(arguments: Namespace) -> None:
    """Gather, draw, write, and print the page or the folder of the figures last."""
    asked = vars(arguments)
    wanted = Wanted(**{key: asked[key] for key in Wanted.__dataclass_fields__})
    print(report(arguments.folder, wanted, arguments.words, make_progress(), console()))


if __name__ == "__main__":
    parser = example_parser(
        __doc__,
        "python scripts/report.py runs/stsg_to_stgt --html stsg_to_stgt.html\n"
        "  python scripts/report.py runs/losses --html losses.html",
    )
    parser.add_argument("folder", type=Path, help="of a run, or of a study")
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key of a run, such as data.root")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--split", choices=("dev", "test"), default="test", help="whose clips are shown")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="where figures go; default: figures/ in the folder")
    parser.add_argument(
        "--no-frames",
        dest="pictures",
        action="store_false",
        help="no frame of the corpus on the page, for passing it on",
    )
    parser.add_argument(
        "--no-clips", dest="clips", action="store_false", help="of a study: its table and curves, without the corpus"
    )
    sys.exit(command(main, parser))
