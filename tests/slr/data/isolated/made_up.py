"""A made-up corpus of isolated clips: every number tells clip, frame, person, joint and channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from slr.data.isolated import ClipRow, StoreSpec, write_store
from slr.skeleton import SkeletonLayout

LAYOUT = SkeletonLayout.from_dict(
    {
        "name": "made-up",
        "joints": ["head", "left_shoulder", "right_shoulder", "left_hand", "right_hand"],
        "bones": [["head", "left_shoulder", "left_hand"], ["head", "right_shoulder", "right_hand"]],
        "groups": {"body": "rest"},
        "centre": "head",
        "reference": ["left_shoulder", "right_shoulder"],
    }
)


def keypoints(clip: int, frames: int, persons: int = 2, channels: int = 3) -> np.ndarray:
    """``1000 clip + 100 frame + 10 joint + channel``, and half of that for the second person."""
    grid = np.ix_(np.arange(frames), np.arange(persons), np.arange(len(LAYOUT)), np.arange(channels))
    values = 1000 * (clip + 1) + 100 * grid[0] + 10 * grid[2] + grid[3]
    return values / (1 + grid[1])


class MadeUp:
    """Clips of some lengths; classes go round, signers change every second clip, the last third is the test."""

    def __init__(
        self, lengths: Sequence[int] = (3, 1, 5, 2, 4, 6), classes: int = 2, persons: int = 2, **spec: object
    ) -> None:
        self.lengths = lengths
        fields = {"channels": ("x", "y", "z"), "units": "metres", "fps": 30.0, "source": "made up", **spec}
        names = tuple(f"sign {number}" for number in range(classes))
        self.spec = StoreSpec(name="made-up", layout=LAYOUT, classes=names, persons=persons, **fields)
        self.rows = [ClipRow(f"clip-{i}", i % classes, f"s{i // 2}", f"c{i % 3}") for i in range(len(lengths))]
        self.changed: dict[int, np.ndarray] = {}
        self.parts: Mapping[str, Mapping[str, Sequence[str]]] | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def clip(self, index: int) -> np.ndarray:
        made = keypoints(index, self.lengths[index], self.spec.persons, len(self.spec.channels))
        return self.changed.get(index, made)

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        return ((row, self.clip(index)) for index, row in enumerate(self.rows))

    def splits(self, rows: Sequence[ClipRow]) -> Mapping[str, Mapping[str, Sequence[str]]]:
        if self.parts is not None:
            return self.parts
        ids = [row.id for row in rows]
        third = len(ids) - len(ids) // 3
        return {"official": {"train": ids[:third], "test": ids[third:]}}


def made_store(folder: Path, source: MadeUp | None = None, **options: str) -> Path:
    return write_store(folder / "store", MadeUp() if source is None else source, **options)
