"""``scripts/prepare.py weights``: its options, and what they become."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from workbench.isolated.schema import IsolatedData
from workbench.progress import make_progress
from workbench.released import ReleasedSettings, import_weights, layout_lines, released_layouts
from workbench.schema import Data
from workbench.settings import any_data_section

_ABOUT = """Turn weights that other people released into a run folder: teacher.checkpoint=DIR teaches with them.

The file may be what torch.save wrote, bare or beside an optimiser, or safetensors. It is read without running what a
pickle may bring, and completely: a tensor too many or too few is refused by name. With --data, the corpus it was
trained on, scripts/evaluate.py DIR scores it, too. With --new-classes all but the classifier is kept, which then has to
be trained. --layouts lists the published systems.

example:
  python scripts/prepare.py weights vac.pt --layout vac --glosses gloss_dict.npy --data phoenix2014_vac --out vac"""
_CONFIGS = Path(__file__).resolve().parent.parent / "configs"


class _ListLayouts(argparse.Action):
    """Prints the published systems and ends."""

    def __init__(self, option_strings: list[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="list the published systems and end")

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        print("\n".join(layout_lines(released_layouts())))
        parser.exit()


def add_weights(commands: Any) -> None:
    """Add the command to the subcommands of a parser."""
    parser = commands.add_parser(
        "weights",
        help="weights that other people released, as a run folder",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="released weights: .pt, .pth, .pkl, .safetensors")
    parser.add_argument("--layout", required=True, metavar="NAME", help="the published system, see --layouts")
    parser.add_argument("--layouts", action=_ListLayouts)
    parser.add_argument(
        "--glosses", type=Path, metavar="FILE",
        help="gloss of every class: lines, JSON, or VAC's gloss_dict.npy; for networks of sentences",
    )  # fmt: skip
    parser.add_argument(
        "--classes", type=Path, metavar="FILE", help="name of every class, one per line; for isolated signs"
    )
    parser.add_argument(
        "--new-classes", action="store_true",
        help="the names are of other classes than those of the file: the classifier begins anew, untrained",
    )  # fmt: skip
    parser.add_argument("--blank", type=int, default=0, help="class of the blank, -1 the last (default: %(default)s)")
    parser.add_argument(
        "--data", nargs="+", metavar="WORD", help="configuration or corpus it was trained on, then key=value words"
    )
    parser.add_argument("--skeleton", metavar="NAME", help="skeleton layout, where it is not the published one")
    parser.add_argument("--key", metavar="NAME", help="where the state dict lies, in a file that holds several")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run folder to make")
    parser.set_defaults(work=_work)


def _work(asked: argparse.Namespace) -> None:
    """Convert, and print the run folder last."""
    settings = ReleasedSettings(
        file=asked.file,
        layout=asked.layout,
        out=asked.out,
        glosses=asked.glosses,
        classes=asked.classes,
        blank=asked.blank,
        key=asked.key,
        skeleton=asked.skeleton,
        new_classes=asked.new_classes,
    )
    data: Data | IsolatedData | None = None
    if asked.data is not None:
        what, *words = asked.data
        data = any_data_section(what, words, _CONFIGS)
    print(import_weights(settings, data, make_progress()))
