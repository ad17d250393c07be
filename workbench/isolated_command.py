"""``scripts/prepare.py CORPUS`` for corpora of isolated clips: a verb for each, and the store that it makes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slr.data.isolated import NWUCLA, WLASL50, ClipSource, IsolatedStore, write_store
from workbench.disk import saying_when_full
from workbench.making import Making
from workbench.progress import Progress, make_progress


def add_isolated_corpora(commands: Any) -> None:
    """Add the commands to the subcommands of a parser."""
    nw_ucla = _corpus(commands, "nw-ucla", "NW-UCLA skeletons, one JSON file per clip", lambda asked: NWUCLA(
        asked.source, complete=not asked.incomplete))  # fmt: skip
    nw_ucla.add_argument("source", type=Path, help="folder of aXX_sXX_eXX_vXX.json, or all_sqe.tar.xz or .zip")
    nw_ucla.add_argument("--incomplete", action="store_true", help="take what there is of the 1484 clips")
    wlasl50 = _corpus(commands, "wlasl50", "keypoints of 50 WLASL glosses", lambda asked: WLASL50(asked.source))
    wlasl50.add_argument("source", type=Path, help="wlasl50_real.npz")


def _corpus(commands: Any, name: str, about: str, open_source: Callable[[Namespace], ClipSource]) -> ArgumentParser:
    parser = commands.add_parser(name, help=about, description=f"Store {about}, for configurations to read by index.")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("data") / name, help="the store to make (default: %(default)s)"
    )
    parser.add_argument("--dtype", choices=("float32", "float16"), default="float32", help="default: %(default)s")
    parser.add_argument(
        "--non-finite", choices=("refuse", "missing"), default="refuse",
        help="what a NaN or an infinity is: a fault, or a missing joint (default: %(default)s)",
    )  # fmt: skip
    parser.set_defaults(work=lambda asked: print(prepare_store(asked, open_source, make_progress())))
    return parser


def prepare_store(asked: Namespace, open_source: Callable[[Namespace], ClipSource], progress: Progress) -> Path:
    """Make a store unless it is there, and say what is in it.

    Raises:
        ValueError: when the source is missing or faulty, or something else lies where the store should.
        OSError: when there is no room.
    """
    out: Path = asked.out
    made = not out.exists()
    if made:
        with Making(progress, "storing") as making, saying_when_full(out):
            write_store(out, open_source(asked), dtype=asked.dtype, non_finite=asked.non_finite, progress=making)
    store = IsolatedStore(out)
    if not made:
        progress.line(f"{out} is there already; remove it to have it made again")
    for line in _description(store):
        progress.line(line)
    return out


def _description(store: IsolatedStore) -> list[str]:
    card, frames = store.card, store.card["frames"]
    lines = [
        f"{card['name']}: {card['clips']} clips of {len(card['classes'])} classes, {frames['all']} frames "
        f"({frames['shortest']} to {frames['longest']}), {store.spec.skeleton.name}, {', '.join(card['channels'])}"
    ]
    for split, parts in store.splits.items():
        lines.append(f"  {split}: " + ", ".join(f"{count} {part}" for part, count in parts.items()))
    for what, key in (
        ("show nothing at all", "clips_of_zeros"),
        ("had joints that were not finite", "joints_not_finite"),
    ):
        if card[key]:
            some = ", ".join(list(card[key])[:3])
            lines.append(f"  {len(card[key])} clips {what}, such as {some}")
    return lines
