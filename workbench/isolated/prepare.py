"""Stores of isolated clips, made unless they are there, and what is told about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slr.data.isolated import ClipSource, IsolatedStore, write_store
from workbench.disk import saying_when_full
from workbench.making import Making
from workbench.progress import Progress


@dataclass(frozen=True)
class Storing:
    """Where a store goes and how: the arguments of :func:`slr.data.isolated.write_store`."""

    out: Path
    dtype: str = "float32"
    non_finite: str = "refuse"


def prepare_store(storing: Storing, open_source: Callable[[], ClipSource], progress: Progress) -> Path:
    """Make a store unless it is there, and say what is in it.

    Raises:
        ValueError: when the source is missing or faulty, or something else lies where the store should.
        OSError: when there is no room.
    """
    out = storing.out
    made = not out.exists()
    if made:
        with Making(progress, "storing") as making, saying_when_full(out):
            write_store(out, open_source(), dtype=storing.dtype, non_finite=storing.non_finite, progress=making)
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
