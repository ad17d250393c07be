"""Other times of a clip: parts of it, other speeds, frames left out. Nothing happens in testing, but for bins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.seeding import chance as drawn
from slr.data.seeding import uniform
from slr.data.transforms.ranges import check_range


@dataclass(frozen=True)
class TemporalCrop(Transform):
    """A stretch of the clip, of a random share between ``least`` and all of it, at a random place."""

    least: float = 0.7
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_range("TemporalCrop least", self.least, 0, 1)
        check_range("TemporalCrop probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """One frame at least is left."""
        if chance.augment is None or not drawn(chance.augment, self.probability):
            return clip
        count = max(1, round(uniform(chance.augment, self.least, 1) * len(clip)))
        first = int(torch.randint(len(clip) - count + 1, (), generator=chance.augment))
        return clip.at(torch.arange(first, first + count))


@dataclass(frozen=True)
class TimeWarp(Transform):
    """Another speed for the whole clip, uniform between ``low`` and ``high``: the nearest frames, more or fewer."""

    low: float = 0.8
    high: float = 1.2
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_range("TimeWarp low", self.low, 0.01, self.high)
        check_range("TimeWarp probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """First and last frame stay."""
        if chance.augment is None or not drawn(chance.augment, self.probability):
            return clip
        count = max(1, round(len(clip) / uniform(chance.augment, self.low, self.high)))
        return clip.at(torch.linspace(0, len(clip) - 1, count).round().to(torch.int64))

    def steps(self, frames: int) -> int:
        """At the lowest speed."""
        return max(1, round(frames / self.low))


@dataclass(frozen=True)
class SplineSpeed(Transform):
    """A speed that changes smoothly: times are those of a monotone spline through ``knots`` random points.

    Of the clip, cut into ``knots - 1`` equal parts, each part lasts ``exp(strength * n)`` times as long as before, n
    standard normal, and together they last as long as the clip. Between the knots runs a cubic of Fritsch and Carlson
    (1980), which never turns back. Frames are interpolated, see :func:`at_times`.
    """

    knots: int = 4
    strength: float = 0.3
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_range("SplineSpeed knots", self.knots, 2)
        check_range("SplineSpeed strength", self.strength, 0)
        check_range("SplineSpeed probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """First and last frame stay, and so does their number."""
        if chance.augment is None or not drawn(chance.augment, self.probability) or len(clip) == 1:
            return clip
        lasts = (self.strength * torch.randn(self.knots - 1, generator=chance.augment)).exp()
        shown = torch.cat([torch.zeros(1), lasts.cumsum(0) / lasts.sum()])
        source = torch.linspace(0, 1, self.knots)
        times = monotone_cubic(shown, source, torch.linspace(0, 1, len(clip)))
        return at_times(clip, times * (len(clip) - 1))


def monotone_cubic(x: Tensor, y: Tensor, at: Tensor) -> Tensor:
    """Values at ``at`` of the cubic through rising points ``x``, ``y`` ``[K]`` that rises between them, too.

    Slopes are the harmonic means of those of the two parts around a point, weighted by the other part's length, and
    those of the first and the last part at the ends.
    """
    width, slope = x[1:] - x[:-1], (y[1:] - y[:-1]) / (x[1:] - x[:-1])
    before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    inner = (before + after) / (before / slope[:-1].clamp(min=1e-9) + after / slope[1:].clamp(min=1e-9))
    tangent = torch.cat([slope[:1], inner, slope[-1:]])
    part = torch.searchsorted(x[1:-1].contiguous(), at, right=True)
    share = ((at - x[part]) / width[part]).clamp(0, 1)
    rise = y[part + 1] - y[part]
    left, right = tangent[part] * width[part], tangent[part + 1] * width[part]
    return y[part] + share * (left + share * (3 * rise - 2 * left - right + share * (left + right - 2 * rise)))


def at_times(clip: SkeletonClip, times: Tensor) -> SkeletonClip:
    """The clip at ``times`` ``[T']`` between its frames, as 2.5 is between the frames 2 and 3.

    A joint that is missing in one of the two frames is where the other has it, and missing where both lack it.
    """
    times = times.clamp(0, len(clip) - 1)
    low = times.floor().to(torch.int64)
    high = (low + 1).clamp(max=len(clip) - 1)
    share = (times - low)[:, None, None, None]
    first, second = clip.at(low), clip.at(high)
    only_first, only_second = first.present & ~second.present, second.present & ~first.present
    share = torch.where(only_first[..., None], 0.0, torch.where(only_second[..., None], 1.0, share))
    values = torch.lerp(first.values, second.values, share)
    frames = torch.lerp(first.frames, second.frames, times - low)
    return replace(clip, values=values, present=first.present | second.present, frames=frames)


@dataclass(frozen=True)
class MeanBins(Transform):
    """At most ``length`` steps: a longer clip is shared out evenly, and each step is the mean of its frames.

    A joint's mean is over the frames that have it. Shorter clips stay as they are. In testing, too.
    """

    length: int = 128

    def __post_init__(self) -> None:
        check_range("MeanBins length", self.length, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Step ``i`` holds the frames from ``floor(i T / length)`` on."""
        if len(clip) <= self.length:
            return clip
        bins = ((torch.arange(len(clip)) + 1) * self.length - 1) // len(clip)
        counts = torch.zeros(self.length, *clip.present.shape[1:]).index_add_(0, bins, clip.present.float())
        shown = torch.where(clip.present[..., None], clip.values, 0.0)
        sums = torch.zeros(self.length, *clip.values.shape[1:]).index_add_(0, bins, shown)
        frames = torch.zeros(self.length).index_add_(0, bins, clip.frames)
        return replace(
            clip,
            values=sums / counts.clamp(min=1)[..., None],
            present=counts > 0,
            frames=frames / torch.bincount(bins, minlength=self.length),
        )

    def steps(self, frames: int) -> int:
        """``length`` at most."""
        return min(frames, self.length)


@dataclass(frozen=True)
class DropFrames(Transform):
    """Leave out each frame with probability ``1 - keep``, but a share of ``least`` stays at any rate."""

    keep: float = 0.8
    least: float = 0.2

    def __post_init__(self) -> None:
        check_range("DropFrames keep", self.keep, 0, 1)
        check_range("DropFrames least", self.least, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Where too few would stay, the ones that came nearest to staying do."""
        if chance.augment is None:
            return clip
        luck = torch.rand(len(clip), generator=chance.augment)
        needed = max(1, int(self.least * len(clip)))
        kept = luck < max(self.keep, float(luck.sort().values[needed - 1]) + 1e-7)
        return clip.at(kept.nonzero()[:, 0])


@dataclass(frozen=True)
class MaskTime(Transform):
    """Make everything missing in one stretch of a random share between ``low`` and ``high`` of the clip."""

    low: float = 0.2
    high: float = 0.4
    probability: float = 0.5

    def __post_init__(self) -> None:
        check_range("MaskTime low", self.low, 0, self.high)
        check_range("MaskTime high", self.high, self.low, 1)
        check_range("MaskTime probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """The clip keeps its length."""
        if chance.augment is None or not drawn(chance.augment, self.probability):
            return clip
        count = int(uniform(chance.augment, self.low, self.high) * len(clip))
        return clip.without(span(len(clip), count, chance.augment)[:, None, None])


def span(frames: int, count: int, generator: Generator) -> Tensor:
    """``[frames]`` bool: ``count`` frames one after the other, anywhere."""
    first = int(torch.randint(frames - count + 1, (), generator=generator))
    steps = torch.arange(frames)
    return (steps >= first) & (steps < first + count)
