"""Reading a store of isolated clips by index, through memory maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slr.data.isolated.mapped import MappedRows
from slr.data.isolated.spec import ClipRow, StoreSpec
from slr.data.isolated.writer import ATTRIBUTES, CARD, FORMAT
from slr.skeleton import SkeletonLayout


class IsolatedStore:
    """The clips that :class:`~slr.data.isolated.StoreWriter` wrote.

    Nothing but the rows of the clips is held in memory; keypoints are read from a memory map when they are asked for. A
    store may be sent to another process, which maps its files again.

    Raises:
        ValueError: when there is no store at ``path``, or it is damaged or of another version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.card = _read_card(self.path)
        try:
            self.spec = _spec(self.card, where=str(self.path / CARD))
            self._counts = (self.card["clips"], self.card["frames"]["all"])
        except (KeyError, TypeError, AttributeError) as fault:
            raise ValueError(
                f"{self.path / CARD} is damaged (it lacks or spoils {fault}): prepare the store again"
            ) from fault
        self.offsets: NDArray[np.int64] = self._load("offsets")
        self.labels: NDArray[np.int64] = self._load("labels")
        self.ids: NDArray[np.str_] = self._load("ids")
        self._keypoints: MappedRows = self._opened("keypoints", MappedRows)
        self._check()

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.labels)

    @property
    def splits(self) -> Mapping[str, Mapping[str, int]]:
        """How many clips every part of every split has."""
        return self.card["splits"]

    def part_codes(self, split: str) -> NDArray[np.uint8]:
        """The part of every clip in a split ``[N]``: 0 for none, then 1, 2, 3 for train, dev, test.

        Raises:
            ValueError: when there is no such split.
        """
        if split not in self.splits:
            raise ValueError(f"{self.spec.name} has no split {split!r}: there are {', '.join(self.splits) or 'none'}")
        return self._load(f"splits/{split}")

    def num_frames(self, index: int) -> int:
        """Frames of a clip, one at least."""
        return int(self.offsets[index + 1] - self.offsets[index])

    def row(self, index: int) -> ClipRow:
        """What is known about a clip beside its keypoints."""
        known = {name: str(values[index]) for name, values in self._attributes.items()}
        return ClipRow(str(self.ids[index]), int(self.labels[index]), **known)

    def read(self, index: int) -> NDArray[np.float32]:
        """The keypoints of a clip, ``[T, P, J, C]`` float32, a copy."""
        return self._keypoints.read(int(self.offsets[index]), int(self.offsets[index + 1])).astype(np.float32)

    @cached_property
    def _attributes(self) -> dict[str, NDArray[np.str_]]:
        return {name: self._load(name) for name in ATTRIBUTES}

    def _load(self, name: str) -> np.ndarray:
        return self._opened(name, partial(np.load, allow_pickle=False))

    def _opened(self, name: str, how: Callable[[Path], Any]) -> Any:
        file = self.path / f"{name}.npy"
        try:
            return how(file)
        except (OSError, ValueError, EOFError) as fault:
            raise ValueError(f"{file} is missing or damaged ({fault}): prepare the store again") from fault

    def _check(self) -> None:
        clips, shape = self._counts[0], (self._counts[1], *self.spec.shape)
        found = (len(self.offsets) - 1, len(self.labels), len(self.ids))
        if set(found) != {clips} or self._keypoints.shape != shape or int(self.offsets[-1]) != shape[0]:
            raise ValueError(
                f"{self.path} is damaged: {CARD} tells of {clips} clips and keypoints {list(shape)}, and there are "
                f"{found[0]}, {found[1]} and {found[2]} clips and keypoints {list(self._keypoints.shape)}; prepare it "
                "again"
            )
        if self.offsets[0] != 0 or (np.diff(self.offsets) < 1).any():
            raise ValueError(f"{self.path} is damaged: its offsets do not rise from 0; prepare it again")
        if ((self.labels < 0) | (self.labels >= len(self.spec.classes))).any():
            raise ValueError(f"{self.path} is damaged: it has labels that are no class; prepare it again")


def _spec(card: Mapping[str, Any], where: str) -> StoreSpec:
    return StoreSpec(
        name=card["name"],
        layout=SkeletonLayout.from_dict(card["layout"], where=where),
        channels=tuple(card["channels"]),
        classes=tuple(card["classes"]),
        units=card["units"],
        persons=card["persons"],
        fps=card["fps"],
        frame_size=tuple(card["frame_size"]) if card["frame_size"] else None,
        source=card["source"],
    )


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"there is no store of isolated clips at {folder}: make one with scripts/prepare.py, or name its folder"
        ) from None
    except (OSError, ValueError) as fault:
        raise ValueError(f"{path} cannot be read ({fault}): prepare the store again") from fault
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else None
        raise ValueError(f"{path} has format {found!r} and this version reads {FORMAT!r}: prepare the store again")
    return card
