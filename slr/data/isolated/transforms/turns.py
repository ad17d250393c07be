"""Random turns, sizes and shifts of whole bodies, drawn once for a clip; nothing happens in testing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.seeding import chance as drawn
from slr.data.seeding import uniform
from slr.data.transforms.ranges import check_range

_AXES = "xyz"


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Tensor:
    """``[3, 3]``: about x, then about y, then about z, in radians; positions are columns to it."""
    turns = []
    for axis, angle in enumerate((x, y, z)):
        first, second = [other for other in range(3) if other != axis]
        turn = torch.eye(3)
        sine = math.sin(angle) * (1 if axis != 1 else -1)
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[second, first], turn[first, second] = sine, -sine
        turns.append(turn)
    return turns[2] @ turns[1] @ turns[0]


@dataclass(frozen=True)
class RandomTurn(Transform):
    """Turn the clip about the origin by angles uniform in ``-angle`` to ``angle`` degrees, one for each of the axes.

    CTR-GCN on NTU RGB+D: 17.2 degrees (0.3 radians) about x, y and z; pyskl: 11.5 degrees (0.2) for DG-STGCN. CTR-GCN
    on NW-UCLA: ``whole`` degrees up to 60 about x and y. In the plane (two coordinates) z alone turns. ``about`` is a
    point to turn about in place of the origin: the ``shoulders``, between them in the mean over the clip.

    Raises:
        ValueError: when an axis is none; on a clip, when there are no shoulders to turn about.
    """

    angle: float
    axes: str = "xyz"
    whole: bool = False
    about: str = "origin"

    def __post_init__(self) -> None:
        check_range("RandomTurn angle", self.angle, 0, 180)
        if not self.axes or set(self.axes) - set(_AXES) or len(set(self.axes)) != len(self.axes):
            raise ValueError(f"axes {self.axes!r} of RandomTurn are none: write some of x, y and z, as xy")
        if self.about not in ("origin", "shoulders"):
            raise ValueError(f"about {self.about!r} of RandomTurn is unknown: there are origin, shoulders")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """About x first, z last; missing joints stay where they are."""
        if chance.augment is None:
            return clip
        axes = self.axes if clip.dimensions == 3 else "z"
        turn = rotation(**{axis: math.radians(self._draw(chance.augment)) for axis in _AXES if axis in axes})
        middle = shoulder_middle(clip) if self.about == "shoulders" else torch.zeros(clip.dimensions)
        return clip.placed((clip.position - middle) @ turn[: clip.dimensions, : clip.dimensions].T + middle)

    def _draw(self, generator: Generator) -> float:
        if not self.whole:
            return uniform(generator, -self.angle, self.angle)
        most = int(self.angle)
        return float(torch.randint(-most, most + 1, (), generator=generator))


@dataclass(frozen=True)
class TurnWithin(Transform):
    """Turn the clip about the middle of the shoulders by a yaw, a pitch and a roll, each uniform within its degrees.

    Yaw is about y, pitch about x, roll about z: of a camera that looks along z with y down or up. Clips with two
    coordinates only roll.
    """

    yaw: float = 20.0
    pitch: float = 10.0
    roll: float = 10.0

    def __post_init__(self) -> None:
        for name in ("yaw", "pitch", "roll"):
            check_range(f"TurnWithin {name}", getattr(self, name), 0, 180)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """One turn for the clip; missing joints stay where they are."""
        if chance.augment is None:
            return clip
        pitch, yaw, roll = (
            math.radians(uniform(chance.augment, -most, most)) for most in (self.pitch, self.yaw, self.roll)
        )
        turn = rotation(pitch, yaw, roll) if clip.dimensions == 3 else rotation(z=roll)
        middle = shoulder_middle(clip)
        return clip.placed((clip.position - middle) @ turn[: clip.dimensions, : clip.dimensions].T + middle)


def shoulder_middle(clip: SkeletonClip) -> Tensor:
    """``[D]``: between the shoulders of the first person, the mean over the frames that show both; 0 where none does.

    Raises:
        ValueError: when the layout names no shoulders.
    """
    if clip.layout.reference is None:
        raise ValueError(f"layout {clip.layout.name!r} names no shoulders to turn about")
    pair = list(clip.layout.reference)
    seen = clip.present[:, 0, pair].all(-1)
    if not bool(seen.any()):
        return torch.zeros(clip.dimensions)
    return clip.position[seen, 0][:, pair].mean((0, 1))


@dataclass(frozen=True)
class RandomScale(Transform):
    """Multiply the clip by a factor uniform in ``low`` to ``high``, or each axis by its own if ``per_axis``.

    CTR-GCN on NW-UCLA: 0.5 to 1.5 (which its min-max undoes); pyskl's strong augmentation: 0.9 to 1.1 per axis.
    ``probability`` is that of doing it at all.
    """

    low: float
    high: float
    per_axis: bool = False
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_range("RandomScale low", self.low, 0, self.high)
        check_range("RandomScale probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Centre the clip first: a body away from the origin is shifted, too."""
        if chance.augment is None or not drawn(chance.augment, self.probability):
            return clip
        count = clip.dimensions if self.per_axis else 1
        factors = torch.tensor([uniform(chance.augment, self.low, self.high) for _ in range(count)])
        return clip.placed(clip.position * factors)


@dataclass(frozen=True)
class RandomShift(Transform):
    """Add one offset, uniform in ``-most`` to ``most``, to every x, and another one to every y.

    DSTA-SLR: 10 pixels, not in the bone streams (``but_streams``), where the joints are differences.
    """

    most: float
    stream: str = "joint"
    but_streams: tuple[str, ...] = ("bone", "bone-motion")

    def __post_init__(self) -> None:
        check_range("RandomShift most", self.most, 0)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints stay where they are."""
        if chance.augment is None or self.stream in self.but_streams:
            return clip
        offset = torch.zeros(clip.dimensions)
        offset[:2] = torch.tensor([uniform(chance.augment, -self.most, self.most) for _ in range(2)])
        return clip.placed(clip.position + offset)


@dataclass(frozen=True)
class Mirror(Transform):
    """Show the clip as in a mirror with a ``probability``: x becomes ``width - x``, and left and right change names.

    With ``width`` 0 (centred clips) x changes its sign. DSTA-SLR: 0.5 and 512 pixels. Mirroring changes no label for
    most signs; pointing and spatial ones are other signs afterwards.
    """

    probability: float = 0.5
    width: float = 0.0

    def __post_init__(self) -> None:
        check_range("Mirror probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints stay missing, on the other side."""
        if chance.augment is None or not drawn(chance.augment, self.probability):
            return clip
        return mirrored(clip, self.width)


def mirrored(clip: SkeletonClip, width: float = 0.0) -> SkeletonClip:
    """The mirror image of a clip."""
    order = clip.layout.mirror_permutation()
    changed: dict[str, Any] = {"values": clip.values[:, :, order], "present": clip.present[:, :, order]}
    swapped = SkeletonClip(**{**vars(clip), **changed, "flipped": not clip.flipped})
    x = width - swapped.position[..., :1]
    return swapped.placed(torch.cat([x, swapped.position[..., 1:]], dim=-1))
