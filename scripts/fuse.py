"""Fuse the streams of isolated runs, from the scores that they left."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from slr.scoring import PRESETS
from slr.scoring.fusion import QUANTITIES
from workbench.cli import command, console, example_parser
from workbench.isolated.fusion import FusionRequest, fuse_files


def main(arguments: Namespace) -> None:
    """Print streams and fusion, and last the file of fused scores where one was asked for."""
    asked = FusionRequest(
        scores=tuple(arguments.scores),
        weights=tuple(arguments.weights or ()) or None,
        preset=arguments.preset,
        search=tuple(arguments.search or ()) or None,
        on=arguments.on,
        out=arguments.out,
    )
    written = fuse_files(asked, console())
    if written is not None:
        print(written)


if __name__ == "__main__":
    parser = example_parser(
        __doc__,
        "python scripts/fuse.py runs/joint/scores.test runs/bone/scores.test --weights 1.5 1\n"
        "  python scripts/fuse.py runs/{joint,bone,jm,bm}/scores.test --search runs/{joint,bone,jm,bm}/scores.dev",
    )
    parser.add_argument("scores", nargs="+", type=Path, metavar="SCORES", help="score files, a stream each")
    parser.add_argument("--weights", nargs="+", type=float, metavar="W", help="one per stream (default: all alike)")
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help=f"published weights of joint, bone, joint-motion, bone-motion: {', '.join(PRESETS)}",
    )
    parser.add_argument(
        "--search", nargs="+", type=Path, metavar="SCORES", help="find weights on these clips, which were held out"
    )
    parser.add_argument("--on", choices=QUANTITIES, help="what is weighed (default: what preset or files say)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the fused scores, with tables beside them")
    sys.exit(command(main, parser))
