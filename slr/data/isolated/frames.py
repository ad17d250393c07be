"""Frames beside the keypoints of isolated clips, for a teacher that reads video."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from slr.data.frame_cache import FrameCache
from slr.data.frames import decode_frames, list_frames
from slr.data.transforms import RgbPipeline

# Not the end of VIDEO.
_ID = re.compile(r"(?<![A-Za-z])ID(?![A-Za-z])")


class ClipFrames(ABC):
    """The frames of the clips of a store, by the id of a clip: one for every frame that the store has of it."""

    @property
    @abstractmethod
    def frame_size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @abstractmethod
    def read(self, clip: str, frames: Tensor) -> Tensor:
        """The frames with these numbers ``[T]`` int64, from 0 and repeats allowed: ``[T, 3, H, W]`` uint8.

        Raises:
            ValueError: when they are not there.
        """

    @abstractmethod
    def contents(self) -> str:
        """A hash that changes with what the frames show."""


class FrameFolders(ClipFrames):
    """Frames as images, a folder for each clip.

    Args:
        root: the folder above them.
        size: width and height of all of them in pixels.
        pattern: where the images of a clip lie below ``root``; ``ID``, where no letter stands beside it, stands for its
            id. They are taken in the order of the numbers in their names.
        cache_mb: megabytes of frames that each loading process keeps in memory.

    Raises:
        ValueError: when there is no such folder, or the pattern does not say where the id stands.
    """

    def __init__(
        self, root: Path | str, size: tuple[int, int], pattern: str = "ID/*.png", cache_mb: float = 0.0
    ) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise ValueError(f"there is no folder {self.root}: data.frames.root is the folder above those of the clips")
        if not _ID.search(pattern):
            raise ValueError(f"the pattern {pattern!r} is the same for every clip: write ID where the id stands")
        self._size = (int(size[0]), int(size[1]))
        self._pattern = pattern
        self._cache = FrameCache(cache_mb)

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    def read(self, clip: str, frames: Tensor) -> Tensor:
        """Decoded images.

        Raises:
            ValueError: when the clip has too few images, or one cannot be read or has another size.
        """
        return self._cache.read(clip, frames, lambda missing: self._decoded(clip, missing))

    def contents(self) -> str:
        """Of the names and sizes of the files; to read them all would take hours."""
        folder = _ID.split(self._pattern)[0].rpartition("/")[0]
        files = sorted(path for path in (self.root / folder).rglob("*") if path.is_file())
        told = "\n".join(f"{path.relative_to(self.root).as_posix()} {path.stat().st_size}" for path in files)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def _decoded(self, clip: str, frames: Tensor) -> Tensor:
        paths = list_frames(self.root, _ID.sub(lambda _: clip, self._pattern), clip)
        last = int(frames.max())
        if last >= len(paths):
            raise ValueError(
                f"clip {clip!r} has {len(paths)} images below {self.root} and {last + 1} frames of keypoints at least: "
                "both are one per frame"
            )
        found = decode_frames([paths[number] for number in frames.tolist()], clip)
        if found.shape[-2:] != (self._size[1], self._size[0]):
            raise ValueError(
                f"the frames of clip {clip!r} have {found.shape[-1]}x{found.shape[-2]} pixels, and data.frames.size "
                f"says {self._size[0]}x{self._size[1]}"
            )
        return found


@dataclass(frozen=True)
class RgbView:
    """Frames of clips and the pipeline that makes of them what a network reads."""

    frames: ClipFrames
    pipeline: RgbPipeline

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of what a network reads, in pixels."""
        return self.pipeline.delivered_size(self.frames.frame_size)

    def __call__(self, clip: str, frames: Tensor, *, flip: bool, generator: Generator | None) -> Tensor:
        """``[T, 3, H, W]`` float32 from -1 to 1; random with a generator alone."""
        shown, places = torch.unique(frames, return_inverse=True)  # a pipeline may show a frame several times
        prepared = self.pipeline.prepare(self.frames.read(clip, shown))
        return self.pipeline(prepared[places], flip=flip, generator=generator)
