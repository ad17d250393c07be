"""What the transforms of isolated clips are given, and where they get their random numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from slr.data.isolated.spec import SCORE
from slr.skeleton import SkeletonLayout


@dataclass(frozen=True)
class SkeletonClip:
    """A clip on its way through a pipeline.

    ``values`` is ``[T, P, J, C]``; ``present`` ``[T, P, J]`` bool says which joints were seen (a joint that is missing
    is zero in all channels when the pipeline begins); ``frames`` ``[T]`` float32 is the source frame behind every step,
    between two frames where steps were interpolated. ``channels`` names the ``C`` channels, ``frame_size`` is width and
    height in pixels where they are known.
    """

    values: Tensor
    present: Tensor
    frames: Tensor
    layout: SkeletonLayout
    channels: tuple[str, ...]
    frame_size: tuple[int, int] | None = None
    flipped: bool = False

    @classmethod
    def of(
        cls,
        values: Tensor,
        layout: SkeletonLayout,
        channels: Sequence[str],
        frame_size: tuple[int, int] | None = None,
    ) -> SkeletonClip:
        """A clip as a corpus delivers it."""
        frames = torch.arange(len(values), dtype=torch.float32)
        return cls(values, values.ne(0).any(-1), frames, layout, tuple(channels), frame_size)

    def __len__(self) -> int:
        """Steps ``T``."""
        return len(self.values)

    @property
    def dimensions(self) -> int:
        """Channels that are coordinates; a score, where there is one, follows them."""
        return len(self.channels) - (self.channels[-1] == SCORE)

    @property
    def position(self) -> Tensor:
        """``[T, P, J, 2 or 3]`` coordinates."""
        return self.values[..., : self.dimensions]

    def placed(self, position: Tensor, *, missing: str = "keep") -> SkeletonClip:
        """The clip with other coordinates; where a joint is missing they stay, unless ``missing`` is ``"move"``."""
        if missing == "keep":
            position = torch.where(self.present[..., None], position, self.position)
        return replace(self, values=torch.cat([position, self.values[..., self.dimensions :]], dim=-1))

    def at(self, steps: Tensor) -> SkeletonClip:
        """The steps numbered ``[T']`` int64, repeats allowed."""
        return replace(self, values=self.values[steps], present=self.present[steps], frames=self.frames[steps])

    def without(self, lost: Tensor) -> SkeletonClip:
        """The clip with the joints of ``lost`` (bool, broadcast to ``[T, P, J]``) missing."""
        present = self.present & ~lost
        return replace(self, values=torch.where(lost[..., None], 0.0, self.values), present=present)


@dataclass(frozen=True)
class Chance:
    """Where a transform gets its random numbers.

    ``augment`` is there in training alone. ``view`` is there in training, and where a clip is shown several times in
    testing: samplers draw from it which frames to show.
    """

    augment: Generator | None = None
    view: Generator | None = None

    @classmethod
    def training(cls, generator: Generator) -> Chance:
        """One generator for everything."""
        return cls(generator, generator)


@dataclass(frozen=True)
class Transform(ABC):
    """A step of a pipeline: a small frozen dataclass, so that it can be named, described and compared."""

    @abstractmethod
    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """The changed clip; the one given is left as it is."""

    def steps(self, frames: int) -> int:
        """The most steps that can be left of a clip of ``frames`` steps."""
        return frames
