"""``scripts/prepare.py teacher-outputs``: its options, and what they become."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from workbench.import_outputs import ImportSettings, import_outputs
from workbench.progress import make_progress
from workbench.settings import data_section

_FORMAT = """Import what a teacher of another code base said about a corpus; teacher.outputs=DIR then teaches.

A file per clip, CLIP.npz (no pickle) or CLIP.safetensors, holds
  logits          [steps, columns]   raw scores or log posteriors of CTC, floating point
  NAME            [steps, width]     any features, by the name under which losses read them; NAME_logits are scores too
  NAME_length     whole number       how many steps of an array count, where it is padded
  clip            text               the id of the clip, where you want it checked
of plain clips, whole, as they were recorded. Training clips are all needed; of dev and test all or none."""
_CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def add_teacher_outputs(commands: Any) -> None:
    """Add the command to the subcommands of a parser."""
    parser = commands.add_parser(
        "teacher-outputs",
        help="what a teacher of another code base said, so that it can teach (teacher.outputs=DIR)",
        description=_FORMAT,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="one .npz or .safetensors file per clip, called by its id")
    parser.add_argument(
        "--glosses", type=Path, required=True, metavar="FILE",
        help="gloss of every column: lines, JSON, or VAC's gloss_dict.npy",
    )  # fmt: skip
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="WORD", help="configuration or corpus, then key=value words"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the store to make")
    parser.add_argument("--blank", type=int, default=0, help="column of the blank, -1 the last (default: %(default)s)")
    parser.add_argument("--fps", type=float, help="frames per second that the teacher saw (default: of the corpus)")
    parser.add_argument(
        "--frames-per-step", type=_rate, action="append", default=[], metavar="[TAP=]NUMBER",
        help="of these frames, per step of the logits or of a tap (default: worked out from all clips)",
    )  # fmt: skip
    parser.add_argument("--taps", nargs="*", metavar="TAP", help="features to import (default: all)")
    parser.add_argument("--index", type=Path, metavar="FILE", help="clip, tab, file: where files are called otherwise")
    parser.add_argument("--name", help="what tables call the teacher (default: the folder)")
    parser.add_argument(
        "--max-lacking", type=float, default=0.1, metavar="SHARE",
        help="of the corpus' glosses that the teacher may lack (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--precision", choices=("float16", "float32"), default="float16", help="default: %(default)s")
    parser.set_defaults(work=_work)


def _rate(word: str) -> tuple[str, float]:
    name, equals, number = word.rpartition("=")
    try:
        return (name if equals else "logits"), float(number)
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is neither a number nor TAP=NUMBER") from None


def _work(asked: Namespace) -> None:
    """Import, and print the folder of the store last."""
    settings = ImportSettings(
        folder=asked.folder,
        glosses=asked.glosses,
        out=asked.out,
        index=asked.index,
        name=asked.name,
        blank=asked.blank,
        fps=asked.fps,
        frames_per_step=dict(asked.frames_per_step),
        taps=asked.taps,
        max_lacking=asked.max_lacking,
        precision=asked.precision,
    )
    what, *words = asked.data
    print(import_outputs(settings, data_section(what, words, _CONFIGS), make_progress()))
