"""``scripts/prepare.py synthetic``, ``stitch`` and ``language-model``: their options, and what they become."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from slr.synthesis import KEYPOINT_LEVELS, PROFILES, SimulatedSpec, StitchSpec
from workbench.prepare import language_model, prepare
from workbench.progress import make_progress


def add_made_corpora(commands: Any) -> None:
    """Add the corpora that are made up, or made of recorded signs."""
    synthetic = commands.add_parser("synthetic", help="the simulated corpus")
    synthetic.add_argument("--profile", choices=tuple(PROFILES), default="small")
    synthetic.add_argument(
        "--sentence-lists", metavar="DIR", help="folder with train.tsv, dev.tsv, test.tsv of Phoenix"
    )
    synthetic.set_defaults(specify=_simulated, level="very-high")
    stitch = commands.add_parser("stitch", help="recorded isolated signs joined into sentences, frames rendered")
    stitch.add_argument("source", help="WLASL-50 keypoint file (wlasl50_real.npz)")
    stitch.set_defaults(specify=_stitched, level="none")
    for made in (synthetic, stitch):
        made.set_defaults(work=_corpus)
        made.add_argument("--seed", type=int, default=0)
        made.add_argument("--level", choices=tuple(KEYPOINT_LEVELS), help="keypoint level (default: %(default)s)")
        made.add_argument("--workers", type=int, help="rendering processes (default: one per processor)")
        made.add_argument("--out", metavar="DIR", default="data", help="made below this folder (default: %(default)s)")


def add_language_model(commands: Any) -> None:
    """Add the language model."""
    model = commands.add_parser("language-model", help="an n-gram model of glosses (ARPA) for the beam search")
    model.add_argument("source", help="training sentences to count: .csv, .stm, lines, or a corpus (boston104)")
    model.add_argument("words", nargs="*", metavar="key=value", help="settings of the corpus, as data.root=DIR")
    model.add_argument("--order", type=int, default=3, help="longest n-gram (default: %(default)s)")
    model.add_argument("--out", type=Path, metavar="FILE", default=Path("glosses.arpa"), help="default: %(default)s")
    model.set_defaults(work=_ngrams)


def _simulated(asked: Namespace) -> SimulatedSpec:
    return SimulatedSpec(profile=asked.profile, seed=asked.seed, sentence_lists=asked.sentence_lists)


def _stitched(asked: Namespace) -> StitchSpec:
    return StitchSpec(source=asked.source, seed=asked.seed)


def _corpus(asked: Namespace) -> None:
    """Make a corpus and print its folder last."""
    print(prepare(asked.specify(asked), asked.out, asked.level, asked.workers, make_progress()))


def _ngrams(asked: Namespace) -> None:
    """Count n-grams and print the file that was written."""
    print(language_model(asked.source, asked.words, asked.order, asked.out, make_progress()))
