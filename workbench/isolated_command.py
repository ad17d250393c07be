"""``scripts/prepare.py CORPUS`` for corpora of isolated clips: a verb for each, and the store that it makes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from slr.data.isolated import NTU, NWUCLA, WLASL50, ClipSource, IsolatedStore, NTUArchive, write_store
from workbench.disk import saying_when_full
from workbench.making import Making
from workbench.progress import Progress, make_progress


def add_isolated_corpora(commands: Any) -> None:
    """Add the commands to the subcommands of a parser."""
    for add in (_nw_ucla, _wlasl50, _ntu):
        add(commands)


def _nw_ucla(commands: Any) -> None:
    parser = _corpus(commands, "nw-ucla", "NW-UCLA skeletons, one JSON file per clip", _open_nw_ucla)
    parser.add_argument("source", type=Path, help="folder of aXX_sXX_eXX_vXX.json, or all_sqe.tar.xz or .zip")
    parser.add_argument("--incomplete", action="store_true", help="take what there is of the 1484 clips")


def _open_nw_ucla(asked: Namespace) -> ClipSource:
    return NWUCLA(asked.source, complete=not asked.incomplete)


def _wlasl50(commands: Any) -> None:
    parser = _corpus(commands, "wlasl50", "keypoints of 50 WLASL glosses", lambda asked: WLASL50(asked.source))
    parser.add_argument("source", type=Path, help="wlasl50_real.npz")


def _ntu(commands: Any) -> None:
    for variant in ("60", "120"):
        about = f"NTU RGB+D {variant} skeletons"
        parser = _corpus(commands, f"ntu{variant}", about, partial(_open_ntu, variant=variant))
        parser.add_argument(
            "source", type=Path, help=f"folder or zip of .skeleton files; or NTU{variant}_*.npz of CTR-GCN's scripts"
        )
        parser.add_argument("--names", type=Path, metavar="FILE", help="names of the clips to read (default: all)")
        parser.add_argument("--without", type=Path, metavar="FILE", help="names of clips that have no skeletons")
        parser.add_argument("--incomplete", action="store_true", help="take what clips there are")
        parser.add_argument(
            "--returning", choices=("keep", "slide"), default="keep",
            help="a body that vanishes returns when it did, or at once as in the published scripts (default: keep)",
        )  # fmt: skip
        parser.add_argument(
            "--second", choices=("zeros", "copy"),
            help="what a missing second person is (default: zeros for 60, a copy of the first for 120)",
        )  # fmt: skip
        parser.add_argument(
            "--workers", type=int, default=1, help="processes that read a folder (default: %(default)s)"
        )


def _open_ntu(asked: Namespace, variant: str) -> ClipSource:
    if asked.source.suffix == ".npz":
        return NTUArchive(asked.source)
    return NTU(
        asked.source,
        variant,
        names=asked.names,
        without=asked.without,
        complete=not asked.incomplete,
        returning=asked.returning,
        second=asked.second,
        workers=asked.workers,
    )


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
