"""What a corpus of isolated clips is, before a single clip of it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from slr.skeleton import SkeletonLayout, skeleton_layout

COORDINATES = ("x", "y", "z")
SCORE = "score"
UNITS = ("metres", "pixels", "frame")

PartsOfSplits = Mapping[str, Mapping[str, Sequence[str]]]  # name of a split -> train, dev or test -> ids of clips


@dataclass(frozen=True)
class StoreSpec:
    """What holds for every clip of a corpus.

    Attributes:
        name: printed beside every result.
        layout: the joints in their stored order: a built-in name, a ``.yaml`` file, or the layout itself.
        channels: what a joint has: ``x``, ``y``, perhaps ``z``, and perhaps a ``score`` last, from 0 (missing) up.
        classes: name of every class; a label counts from 0 in it, and none of them is a blank.
        units: ``metres`` of a depth camera, ``pixels`` of a frame, or ``frame`` for shares of its width and height.
        persons: bodies in a clip; a clip with fewer has zeros for the rest.
        fps: frames per second of the recordings, where that is known.
        frame_size: width and height of the frames in pixels, where they are known.
        source: where the clips came from and what was done to them, in a sentence.

    Raises:
        ValueError: when one of them makes no sense.
    """

    name: str
    layout: str | SkeletonLayout
    channels: tuple[str, ...]
    classes: tuple[str, ...]
    units: str
    persons: int = 1
    fps: float | None = None
    frame_size: tuple[int, int] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", skeleton_layout(self.layout))
        coordinates = tuple(channel for channel in self.channels if channel != SCORE)
        if self.channels not in (coordinates, (*coordinates, SCORE)) or coordinates not in (("x", "y"), COORDINATES):
            raise ValueError(
                f"the channels of {self.name} are {', '.join(self.channels) or 'none'}: a joint has x, y and perhaps "
                "z, and perhaps a score after them"
            )
        if self.units not in UNITS:
            raise ValueError(f"unknown unit {self.units!r} of {self.name}: there are {', '.join(UNITS)}")
        if self.persons < 1:
            raise ValueError(f"{self.name} has {self.persons} persons in a clip: it needs one at least")
        if len(set(self.classes)) != len(self.classes) or not all(self.classes):
            twice = sorted({name for name in self.classes if self.classes.count(name) > 1})
            what = f"{twice[0]!r} stands twice" if twice else "one has no name"
            raise ValueError(f"the {len(self.classes)} classes of {self.name} need names of their own, and {what}")

    @property
    def skeleton(self) -> SkeletonLayout:
        """The joints in their stored order."""
        assert isinstance(self.layout, SkeletonLayout)
        return self.layout

    @property
    def shape(self) -> tuple[int, int, int]:
        """Persons, joints and channels of a frame."""
        return self.persons, len(self.skeleton), len(self.channels)


@dataclass(frozen=True)
class ClipRow:
    """What is known about one clip beside its keypoints; "" stands for what a corpus does not say."""

    id: str
    label: int
    signer: str = ""
    camera: str = ""
    setup: str = ""


class ClipSource(Protocol):
    """A corpus as somebody distributes it: what :func:`~slr.data.isolated.write_store` reads, clip by clip."""

    @property
    def spec(self) -> StoreSpec:
        """What holds for every clip."""
        ...

    def __len__(self) -> int:
        """How many clips there are, known before they are read."""
        ...

    def __iter__(self) -> Iterator[tuple[ClipRow, np.ndarray]]:
        """Every clip once, with keypoints ``[T, P, J, C]``; ``T`` is one at least."""
        ...

    def splits(self, rows: Sequence[ClipRow]) -> PartsOfSplits:
        """The splits of the clips that were read, by name; a clip that a split does not use stands in no part."""
        ...
