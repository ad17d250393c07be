"""Make a corpus: the simulated one, or recorded signs stitched into sentences."""

from __future__ import annotations

import sys
from argparse import Namespace

from slr.synthesis import KEYPOINT_LEVELS, PROFILES, SimulatedSpec, StitchSpec
from workbench.cli import command, example_parser
from workbench.prepare import prepare
from workbench.progress import make_progress


def simulated(asked: Namespace) -> SimulatedSpec:
    """The specification of a simulated corpus."""
    return SimulatedSpec(profile=asked.profile, seed=asked.seed, sentence_lists=asked.sentence_lists)


def stitched(asked: Namespace) -> StitchSpec:
    """The specification of a stitched corpus."""
    return StitchSpec(source=asked.source, seed=asked.seed)


def main(asked: Namespace) -> None:
    """Make the corpus and print its folder last."""
    print(prepare(asked.specify(asked), asked.out, asked.level, asked.workers, make_progress()))


if __name__ == "__main__":
    parser = example_parser(__doc__, "python scripts/prepare.py synthetic --profile tiny --out data/synthetic")
    corpora = parser.add_subparsers(required=True, metavar="CORPUS")
    synthetic = corpora.add_parser("synthetic", help="the simulated corpus")
    synthetic.add_argument("--profile", choices=tuple(PROFILES), default="small")
    synthetic.add_argument(
        "--sentence-lists", metavar="DIR", help="folder with train.tsv, dev.tsv, test.tsv of Phoenix"
    )
    synthetic.set_defaults(specify=simulated, level="very-high")
    stitch = corpora.add_parser("stitch", help="recorded isolated signs joined into sentences, frames rendered")
    stitch.add_argument("source", help="WLASL-50 keypoint file (wlasl50_real.npz)")
    stitch.set_defaults(specify=stitched, level="none")
    for made in (synthetic, stitch):
        made.add_argument("--seed", type=int, default=0)
        made.add_argument("--level", choices=tuple(KEYPOINT_LEVELS), help="keypoint level (default: %(default)s)")
        made.add_argument("--workers", type=int, help="rendering processes (default: one per processor)")
        made.add_argument("--out", metavar="DIR", default="data", help="made below this folder (default: %(default)s)")
    sys.exit(command(main, parser, subcommands=True))
