"""What a corpus of isolated clips offers, and the reader of one that was prepared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from slr.data.corpus import SPLITS, check_split
from slr.data.isolated.spec import SCORE
from slr.data.isolated.splits import HELD_OUT_BY, held_out
from slr.data.isolated.store import IsolatedStore
from slr.skeleton import SkeletonLayout, skeleton_layout


@dataclass(frozen=True)
class IsolatedClip:
    """One recorded sign or action; ``index`` is its place in the corpus, "" stands for what is not known."""

    id: str
    split: str
    label: int
    index: int
    signer: str = ""
    camera: str = ""
    setup: str = ""


@runtime_checkable
class IsolatedCorpus(Protocol):
    """Clips of one sign or action each, as skeletons. Parts are called as everywhere: train, dev and test."""

    @property
    def name(self) -> str:
        """Printed beside every result, the split with it."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by label; there is no blank."""
        ...

    @property
    def layout(self) -> SkeletonLayout:
        """The joints that :meth:`pose` delivers, in their order."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """What a joint has: x, y, perhaps z, perhaps a score."""
        ...

    @property
    def persons(self) -> int:
        """Bodies in a clip."""
        ...

    @property
    def units(self) -> str:
        """``metres``, ``pixels``, or ``frame`` for shares of the frame."""
        ...

    @property
    def fps(self) -> float | None:
        """Frames per second of the recordings, where that is known."""
        ...

    @property
    def frame_size(self) -> tuple[int, int] | None:
        """Width and height of the frames in pixels, where they are known."""
        ...

    def clips(self, split: str) -> list[IsolatedClip]:
        """The clips of ``"train"``, ``"dev"`` or ``"test"``; dev may be empty."""
        ...

    def num_frames(self, clip: IsolatedClip) -> int:
        """Frames of a clip, one at least."""
        ...

    def pose(self, clip: IsolatedClip) -> Tensor:
        """The whole clip, ``[T, P, J, C]`` float32; a joint, or a person, that is missing is zero in all channels."""
        ...

    def contents(self, splits: Sequence[str]) -> str:
        """A hash that changes with anything that the clips of some parts show, or are labelled."""
        ...


class StoredCorpus:
    """A corpus that ``scripts/prepare.py`` made, in one of its splits.

    Where a split has no dev part of its own, ``held_out`` takes one from train: whole signers where they are known, and
    else as many clips of each class, always the same ones. With ``held_out: 0`` there is no dev: the network of the
    last epoch is kept, and nothing was chosen by its scores.

    Args:
        root: folder of the store.
        split: name of the split; may be left out where there is one.
        held_out: share of train that is held out as dev.
        held_out_by: what dev and train never share: ``signer``, ``camera`` or ``setup``; ``class`` for none of these;
            ``auto`` for signers where they are known.
        layout: joints to pick from those stored.
        channels: channels to pick from those stored.
        persons: bodies to keep, the first ones.

    Raises:
        ValueError: when there is no such store, split, joint or channel, or nothing can be held out.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        split: str | None = None,
        held_out: float = 0.0,
        held_out_by: str = "auto",
        layout: str | SkeletonLayout | None = None,
        channels: Sequence[str] | None = None,
        persons: int | None = None,
    ) -> None:
        self.store = IsolatedStore(root)
        spec = self.store.spec
        self.split = _chosen_split(self.store, split)
        self.name = spec.name if len(self.store.splits) == 1 else f"{spec.name}, {self.split}"
        self.layout = spec.skeleton if layout is None else skeleton_layout(layout)
        self.channels = spec.channels if channels is None else tuple(channels)
        self.persons = spec.persons if persons is None else persons
        self.classes, self.units, self.fps, self.frame_size = spec.classes, spec.units, spec.fps, spec.frame_size
        self._joints = None if layout is None else self.layout.selection_from(spec.skeleton)
        self._channels = _chosen_channels(spec.channels, self.channels, spec.name)
        if not 1 <= self.persons <= spec.persons:
            raise ValueError(f"{spec.name} has {spec.persons} persons, and persons is {self.persons}")
        if held_out_by not in HELD_OUT_BY:
            raise ValueError(f"held_out_by is {held_out_by!r}: there are {', '.join(HELD_OUT_BY)}")
        self._members = self._parts(held_out, held_out_by)

    def clips(self, split: str) -> list[IsolatedClip]:
        """The clips of a part in the order of the store."""
        check_split(split)
        rows = ((index, self.store.row(index)) for index in self._members[split])
        return [IsolatedClip(row.id, split, row.label, index, row.signer, row.camera, row.setup) for index, row in rows]

    def num_frames(self, clip: IsolatedClip) -> int:
        """Frames of a clip."""
        return self.store.num_frames(clip.index)

    def pose(self, clip: IsolatedClip) -> Tensor:
        """``[T, P, J, C]`` float32; where a joint has the score 0, all of it is 0."""
        pose = torch.from_numpy(self.store.read(clip.index))[:, : self.persons]
        if self.store.spec.channels[-1] == SCORE:
            pose = torch.where(pose[..., -1:] > 0, pose, 0.0)
        if self._joints is not None:
            pose = pose[:, :, self._joints]
        return pose if self._channels is None else pose[..., self._channels]

    def contents(self, splits: Sequence[str]) -> str:
        """A hash of the store, of which of its clips stand in the parts, and of what is picked of a clip."""
        picked = [self.layout.to_dict(), self.channels, self.persons]
        told = [self.store.card, picked, {split: self._members[split] for split in splits}]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def _parts(self, share: float, by: str) -> dict[str, list[int]]:
        codes = self.store.part_codes(self.split)
        parts = {part: np.flatnonzero(codes == code).tolist() for code, part in enumerate(SPLITS, start=1)}
        if not parts["train"]:
            raise ValueError(f"split {self.split!r} of {self.store.spec.name} has no clip to train on")
        if share == 0:
            return parts
        if parts["dev"]:
            raise ValueError(
                f"split {self.split!r} of {self.store.spec.name} has a dev part of its own: leave held_out at 0"
            )
        rows = [self.store.row(index) for index in parts["train"]]
        known = by if by != "auto" else "signer" if all(row.signer for row in rows) else "class"
        groups = ["" if known == "class" else getattr(row, known) for row in rows]
        if known != "class" and not any(groups):
            raise ValueError(f"{self.store.spec.name} names no {known} of its clips: hold out by class instead")
        held = held_out(groups, [row.label for row in rows], [row.id for row in rows], share)
        for part, wanted in (("dev", True), ("train", False)):
            parts[part] = [index for index, out in zip(parts["train"], held, strict=True) if out is wanted]
        return parts


def without_test_clips(corpus: IsolatedCorpus) -> IsolatedCorpus:
    """The corpus as training may see it: asking for test clips raises a ValueError."""
    return corpus if isinstance(corpus, _WithoutTest) else _WithoutTest(corpus)


class _WithoutTest:
    def __init__(self, corpus: IsolatedCorpus) -> None:
        self._corpus = corpus
        self.name, self.classes, self.layout = corpus.name, corpus.classes, corpus.layout
        self.channels, self.persons, self.units = corpus.channels, corpus.persons, corpus.units
        self.fps, self.frame_size = corpus.fps, corpus.frame_size

    def clips(self, split: str) -> list[IsolatedClip]:
        self._refuse(split)
        return self._corpus.clips(split)

    def num_frames(self, clip: IsolatedClip) -> int:
        self._refuse(clip.split)
        return self._corpus.num_frames(clip)

    def pose(self, clip: IsolatedClip) -> Tensor:
        self._refuse(clip.split)
        return self._corpus.pose(clip)

    def contents(self, splits: Sequence[str]) -> str:
        for split in splits:
            self._refuse(split)
        return self._corpus.contents(splits)

    def _refuse(self, split: str) -> None:
        if split == "test":
            raise ValueError(f"training may not open the test split of {self.name}: select on dev, report on test")


def _chosen_split(store: IsolatedStore, split: str | None) -> str:
    names = list(store.splits)
    if split is None and len(names) == 1:
        return names[0]
    if split is None or split not in names:
        asked = "has several splits" if split is None else f"has no split {split!r}"
        raise ValueError(f"{store.spec.name} {asked}: choose one of {', '.join(names) or 'none'}")
    return split


def _chosen_channels(stored: tuple[str, ...], wanted: tuple[str, ...], name: str) -> list[int] | None:
    missing = [channel for channel in wanted if channel not in stored]
    if missing or not wanted:
        raise ValueError(f"{name} has the channels {', '.join(stored)}, and {', '.join(missing) or 'none'} is wanted")
    return None if wanted == stored else [stored.index(channel) for channel in wanted]
