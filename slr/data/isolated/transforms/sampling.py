"""Which frames of a clip a network sees: the samplers of the published systems.

All of them make clips of one length. Where nothing is random they are what the systems do in testing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor
from torch.nn import functional

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.seeding import uniform
from slr.data.transforms.ranges import check_range


@dataclass(frozen=True)
class SampleWithReplacement(Transform):
    """``length`` frames drawn with replacement and sorted; in testing evenly spaced, first and last included.

    CTR-GCN (Chen et al., ICCV 2021) on NW-UCLA, 52 frames.
    """

    length: int = 52

    def __post_init__(self) -> None:
        check_range("SampleWithReplacement length", self.length, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Every frame is equally likely at every draw."""
        if chance.view is None:
            return clip.at(torch.linspace(0, len(clip) - 1, self.length, dtype=torch.float64).to(torch.int64))
        return clip.at(torch.randint(len(clip), (self.length,), generator=chance.view).sort().values)

    def steps(self, frames: int) -> int:
        """Always ``length``."""
        return self.length


@dataclass(frozen=True)
class SampleSubset(Transform):
    """``length`` frames drawn without replacement and sorted; in testing frame ``floor(i T / length)`` at step ``i``.

    DSTA-SLR (Hu et al., 2024), 120 frames, 100 for AUTSL. A clip that is too short is repeated frame by frame, each
    ``ceil(length / T)`` times, before its frames are drawn.
    """

    length: int = 120

    def __post_init__(self) -> None:
        check_range("SampleSubset length", self.length, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """All subsets are equally likely."""
        if chance.view is None:
            return clip.at(torch.arange(self.length) * len(clip) // self.length)
        frames = torch.arange(len(clip)).repeat_interleave(math.ceil(self.length / len(clip)))
        drawn = torch.randperm(len(frames), generator=chance.view)[: self.length]
        return clip.at(frames[drawn.sort().values])

    def steps(self, frames: int) -> int:
        """Always ``length``."""
        return self.length


@dataclass(frozen=True)
class UniformSample(Transform):
    """``length`` frames spread over the whole clip with some chance; pyskl's sampler (Duan et al., 2022), 100 frames.

    Of ``n`` frames, with ``n < length``: consecutive ones from a random start, beginning anew at the end. With ``n``
    below twice the length: the first ``length`` of them, of which ``n - length`` random ones, and all after each, are
    one later. Else a random one out of each of ``length`` equal stretches. The start, and which ones, are random in
    testing too, so a clip is shown in several views; shown once, it starts at frame 0, the moves are spread evenly,
    and of each stretch the middle is taken.

    ``least_share`` below 1 takes a random stretch of the clip first, of a random share between it and 1, in training.
    """

    length: int = 100
    least_share: float = 1.0

    def __post_init__(self) -> None:
        check_range("UniformSample length", self.length, 1)
        check_range("UniformSample least_share", self.least_share, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """The frames are ascending, but for a clip that begins anew."""
        first, count = 0, len(clip)
        if chance.augment is not None and self.least_share < 1:
            count = max(1, int(uniform(chance.augment, self.least_share, 1) * len(clip)))
            first = int(torch.randint(len(clip) - count + 1, (), generator=chance.augment))
        return clip.at(first + self._frames(count, chance.view))

    def steps(self, frames: int) -> int:
        """Always ``length``."""
        return self.length

    def _frames(self, count: int, generator: Generator | None) -> Tensor:
        steps = torch.arange(self.length)
        if count < self.length:
            start = 0 if generator is None else int(torch.randint(count, (), generator=generator))
            return (start + steps) % count
        if count < 2 * self.length:
            return steps + self._moves(count - self.length, generator)
        edges = torch.arange(self.length + 1) * count // self.length
        sizes = edges[1:] - edges[:-1]
        if generator is None:
            return edges[:-1] + sizes // 2
        return edges[:-1] + (torch.rand(self.length, generator=generator, dtype=torch.float64) * sizes).long()

    def _moves(self, number: int, generator: Generator | None) -> Tensor:
        """How many of ``number`` moves by one lie before every step, or at it."""
        moved = torch.zeros(self.length, dtype=torch.int64)
        if generator is None:
            moved[(torch.arange(number) * 2 + 1) * self.length // (2 * max(number, 1))] = 1
        else:
            moved[torch.randperm(self.length, generator=generator)[:number]] = 1
        return moved.cumsum(0)


@dataclass(frozen=True)
class CropResize(Transform):
    """A stretch of the clip, stretched to ``length`` steps between its frames; CTR-GCN on NTU RGB+D, 64 steps.

    In training the stretch is a random share between ``low`` and ``high`` of the clip, but ``length`` frames at least
    where the clip has them, at a random place; in testing the middle ``test`` share of it. A joint is present at a step
    where it is in one of the two frames around it.
    """

    length: int = 64
    low: float = 0.5
    high: float = 1.0
    test: float = 0.95

    def __post_init__(self) -> None:
        check_range("CropResize length", self.length, 1)
        check_range("CropResize low", self.low, 0, self.high)
        check_range("CropResize high", self.high, self.low, 1)
        check_range("CropResize test", self.test, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Interpolation is linear, as ``torch.nn.functional.interpolate`` does it without aligned corners."""
        if chance.view is None:
            share = self.test
            cut = int((1 - share) * len(clip) / 2)
            return resized(clip.at(torch.arange(cut, len(clip) - cut)), self.length)
        share = uniform(chance.view, self.low, self.high)
        count = min(max(int(len(clip) * share), self.length), len(clip))
        first = int(torch.randint(len(clip) - count + 1, (), generator=chance.view))
        return resized(clip.at(torch.arange(first, first + count)), self.length)

    def steps(self, frames: int) -> int:
        """Always ``length``."""
        return self.length


def resized(clip: SkeletonClip, length: int) -> SkeletonClip:
    """The clip stretched or squeezed to ``length`` steps."""
    return replace(
        clip,
        values=_stretch(clip.values.flatten(1), length).view(length, *clip.values.shape[1:]),
        present=_stretch(clip.present.flatten(1).float(), length).view(length, *clip.present.shape[1:]) > 0,
        frames=_stretch(clip.frames[:, None], length)[:, 0],
    )


def _stretch(columns: Tensor, length: int) -> Tensor:
    """``[T, N]`` -> ``[length, N]``."""
    return functional.interpolate(columns.T[None], size=length, mode="linear", align_corners=False)[0].T


@dataclass(frozen=True)
class PadTo(Transform):
    """Exactly ``length`` frames: longer clips are cut, shorter ones filled.

    ``fill`` is ``zeros`` (ST-GCN, and pyskl's vanilla recipe, 300 frames) or ``repeat``, the clip over and over from
    its start (MS-G3D with 300 frames, DSTA-SLR with 150).
    """

    length: int
    fill: str = "zeros"

    def __post_init__(self) -> None:
        check_range("PadTo length", self.length, 1)
        if self.fill not in ("zeros", "repeat"):
            raise ValueError(f"PadTo fill is {self.fill!r}: there are zeros, repeat")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Zeros count as missing."""
        made = clip.at(torch.arange(self.length) % len(clip))
        if self.fill == "repeat" or len(clip) >= self.length:
            return made
        beyond = torch.arange(self.length) >= len(clip)
        return made.without(beyond[:, None, None])

    def steps(self, frames: int) -> int:
        """Always ``length``."""
        return self.length


@dataclass(frozen=True)
class Window(Transform):
    """``length`` consecutive frames, from a random one in training and else from the first; zeros where there are none.

    ST-GCN (Yan et al., AAAI 2018) on Kinetics, 150 frames: a clip that is too short lies at a random place of the
    window in training.
    """

    length: int = 150

    def __post_init__(self) -> None:
        check_range("Window length", self.length, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Zeros count as missing."""
        room = abs(len(clip) - self.length)
        first = 0 if chance.view is None else int(torch.randint(room + 1, (), generator=chance.view))
        frames = torch.arange(self.length) + (first if len(clip) >= self.length else -first)
        inside = (frames >= 0) & (frames < len(clip))
        return clip.at(frames.clamp(0, len(clip) - 1)).without(~inside[:, None, None])

    def steps(self, frames: int) -> int:
        """Always ``length``."""
        return self.length
