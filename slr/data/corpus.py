"""What every corpus reader offers, and the view of it that training gets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from slr.skeleton import SkeletonLayout
from slr.vocabulary import Vocabulary

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class Clip:
    """One recorded sentence of a corpus.

    ``source`` is the corpus's own pointer to the recording, relative to the corpus (a folder, a file name, a glob).
    """

    id: str
    split: str
    signer: str
    glosses: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True)
class Exclusion:
    """A clip that the annotations list and the corpus leaves out, and why."""

    clip: str
    split: str
    reason: str


@runtime_checkable
class Corpus(Protocol):
    """A corpus of clips with transcripts, RGB frames and keypoints; frames are counted from 0 within a clip."""

    @property
    def name(self) -> str:
        """Printed beside every result; says so when the recordings are simulated or rendered."""
        ...

    @property
    def fps(self) -> float:
        """Frames per second of the recordings."""
        ...

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of a full frame in pixels, the frame in which :meth:`pose` counts."""
        ...

    @property
    def layout(self) -> SkeletonLayout:
        """The joints that :meth:`pose` delivers, in their order."""
        ...

    @property
    def excluded(self) -> tuple[Exclusion, ...]:
        """Clips of the annotations that :meth:`clips` leaves out."""
        ...

    def clips(self, split: str) -> list[Clip]:
        """The clips of ``"train"``, ``"dev"`` or ``"test"`` in the order of the annotations."""
        ...

    def num_frames(self, clip: Clip) -> int:
        """Frames of the recording, at least one."""
        ...

    def rgb(self, clip: Clip, frames: Tensor) -> Tensor:
        """Source frames ``frames`` ``[T]`` int64, repeats allowed, as ``[T, 3, H, W]`` uint8."""
        ...

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        """Keypoints of source frames ``[T]``: ``[T, J, C]`` float32 x, y in pixels, confidence 0 (missing) to 1.

        A corpus in three dimensions has z before the confidence: pixels, too, from the plane of the picture towards
        whoever looks at it.
        """
        ...

    def vocabulary(self, over: str = "train") -> Vocabulary:
        """Glosses of the training clips (``"train"``) or of all three splits (``"union"``)."""
        ...

    def fingerprint(self, clip: Clip, stream: str = "rgb") -> str:
        """Sixteen hex digits that change when what the clip's ``"rgb"`` or ``"pose"`` stream shows changes."""
        ...


def check_split(split: str) -> None:
    """Raise a ValueError when ``split`` is none of the three."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: a corpus has {', '.join(SPLITS)}")


def check_stream(stream: str) -> None:
    """Raise a ValueError when ``stream`` is neither ``"rgb"`` nor ``"pose"``."""
    if stream not in ("rgb", "pose"):
        raise ValueError(f"unknown stream {stream!r}: a clip has 'rgb' and 'pose'")


def gather_vocabulary(corpus: Corpus, over: str) -> Vocabulary:
    """The vocabulary of a corpus, for readers that have no dictionary of their own.

    The union of the splits is what most published Phoenix-2014 systems use (1295 glosses instead of 1231); its extra
    glosses never occur in training, so a network cannot learn them.

    Raises:
        ValueError: when ``over`` is neither ``"train"`` nor ``"union"``.
    """
    if over not in ("train", "union"):
        raise ValueError(f"vocabulary over {over!r} is not known: take 'train' or 'union'")
    splits: Iterable[str] = SPLITS if over == "union" else ("train",)
    return Vocabulary.from_sentences(clip.glosses for split in splits for clip in corpus.clips(split))


def pose_channels(corpus: Corpus) -> int:
    """``C``, the channels of a joint: 3 (x, y, confidence), or 4 in three dimensions."""
    return corpus.pose(corpus.clips("train")[0], torch.zeros(1, dtype=torch.int64)).shape[-1]


def without_test(corpus: Corpus) -> Corpus:
    """The corpus as training may see it: everything about the test split raises a ValueError.

    ``vocabulary("union")`` still answers: it hands out gloss names that the user asked for by that option, never a
    test clip or its transcript.
    """
    return corpus if isinstance(corpus, _WithoutTest) else _WithoutTest(corpus)


class _WithoutTest:
    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    @property
    def name(self) -> str:
        return self._corpus.name

    @property
    def fps(self) -> float:
        return self._corpus.fps

    @property
    def frame_size(self) -> tuple[int, int]:
        return self._corpus.frame_size

    @property
    def layout(self) -> SkeletonLayout:
        return self._corpus.layout

    @property
    def excluded(self) -> tuple[Exclusion, ...]:
        return self._corpus.excluded

    def clips(self, split: str) -> list[Clip]:
        self._refuse(split)
        return self._corpus.clips(split)

    def num_frames(self, clip: Clip) -> int:
        self._refuse(clip.split)
        return self._corpus.num_frames(clip)

    def rgb(self, clip: Clip, frames: Tensor) -> Tensor:
        self._refuse(clip.split)
        return self._corpus.rgb(clip, frames)

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        self._refuse(clip.split)
        return self._corpus.pose(clip, frames)

    def vocabulary(self, over: str = "train") -> Vocabulary:
        return self._corpus.vocabulary(over)

    def fingerprint(self, clip: Clip, stream: str = "rgb") -> str:
        self._refuse(clip.split)
        return self._corpus.fingerprint(clip, stream)

    def _refuse(self, split: str) -> None:
        if split == "test":
            raise ValueError(
                f"training may not open the test split of {self.name}: choose on 'dev', and report 'test' afterwards"
            )
