"""Other views of a clip: affine changes of the picture, a camera that stands elsewhere, a slow drift."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.isolated.transforms.turns import rotation
from slr.data.seeding import chance as drawn
from slr.data.seeding import uniform
from slr.data.transforms.ranges import check_range


@dataclass(frozen=True)
class RandomAffine(Transform):
    """Scale, shear, turn and shift the picture, about the middle of all joints that are there.

    Sohn's solution of Google's Isolated Sign Language Recognition: factors 0.8 to 1.2, shear up to 0.15, shift up to
    0.1 of the frame, turns up to 30 degrees, with probability 0.75. A third coordinate is scaled only.
    """

    scale: tuple[float, float] = (0.8, 1.2)
    shear: float = 0.15
    shift: float = 0.1
    turn: float = 30.0
    probability: float = 0.75

    def __post_init__(self) -> None:
        check_range("RandomAffine scale", self.scale[0], 0, self.scale[1])
        for name in ("shear", "shift"):
            check_range(f"RandomAffine {name}", getattr(self, name), 0)
        check_range("RandomAffine turn", self.turn, 0, 180)
        check_range("RandomAffine probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints stay where they are."""
        if chance.augment is None or not drawn(chance.augment, self.probability) or not bool(clip.present.any()):
            return clip
        generator = chance.augment
        factor = uniform(generator, *self.scale)
        shear = torch.eye(2)
        shear[0, 1], shear[1, 0] = (uniform(generator, -self.shear, self.shear) for _ in range(2))
        turn = rotation(z=math.radians(uniform(generator, -self.turn, self.turn)))[:2, :2]
        offset = torch.tensor([uniform(generator, -self.shift, self.shift) for _ in range(2)])
        middle = clip.position[clip.present].mean(0)
        placed = (clip.position - middle) * factor
        placed[..., :2] = placed[..., :2] @ (turn @ shear).T + offset
        return clip.placed(placed + middle)


@dataclass(frozen=True)
class Camera(Transform):
    """Look with another focal length: what is nearer grows, what is farther away shrinks.

    A place ``(x, y, z)`` about the middle of the clip is seen at ``(x, y) d / (d + z)``, as from the distance ``d``,
    which is uniform between ``nearest`` and ``farthest`` times the extent of the clip; z grows away from the camera,
    and stays.

    Raises:
        ValueError: on a clip with two coordinates.
    """

    nearest: float = 1.5
    farthest: float = 4.0

    def __post_init__(self) -> None:
        check_range("Camera nearest", self.nearest, 0.6, self.farthest)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints stay where they are."""
        if clip.dimensions != 3:
            raise ValueError("Camera needs to know how far away joints are: it wants x, y and z")
        if chance.augment is None or not bool(clip.present.any()):
            return clip
        seen = clip.position[clip.present]
        middle, extent = (seen.amax(0) + seen.amin(0)) / 2, float((seen.amax(0) - seen.amin(0)).max())
        if extent == 0:
            return clip
        distance = uniform(chance.augment, self.nearest, self.farthest) * extent
        about = clip.position - middle
        flat = about[..., :2] * distance / (distance + about[..., 2:])
        return clip.placed(torch.cat([flat, about[..., 2:]], dim=-1) + middle)


@dataclass(frozen=True)
class RandomMove(Transform):
    """A picture that drifts: turn, factor and shift change along lines from one random value to another.

    ST-GCN on Kinetics: angles out of -10, -5, 0, 5 and 10 degrees, factors out of 0.9, 1 and 1.1, shifts out of -0.2,
    -0.1, 0, 0.1 and 0.2, with one change in the middle: ``moves`` parts of the clip have values at both ends.
    """

    angles: tuple[float, ...] = (-10.0, -5.0, 0.0, 5.0, 10.0)
    scales: tuple[float, ...] = (0.9, 1.0, 1.1)
    shifts: tuple[float, ...] = (-0.2, -0.1, 0.0, 0.1, 0.2)
    moves: int = 1

    def __post_init__(self) -> None:
        check_range("RandomMove moves", self.moves, 1)
        if not (self.angles and self.scales and self.shifts):
            raise ValueError("RandomMove needs some angles, scales and shifts to choose from")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """About the origin, of x and y alone; missing joints stay where they are."""
        if chance.augment is None:
            return clip
        angle, factor, x, y = (
            self._line(torch.tensor(choices), len(clip), chance)
            for choices in (self.angles, self.scales, self.shifts, self.shifts)
        )
        angle = angle * math.pi / 180
        sine, cosine = factor * angle.sin(), factor * angle.cos()
        turns = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)  # [T, 2, 2]
        flat = torch.einsum("tpjc,tdc->tpjd", clip.position[..., :2], turns) + torch.stack([x, y], -1)[:, None, None]
        return clip.placed(torch.cat([flat, clip.position[..., 2:]], dim=-1))

    def _line(self, choices: Tensor, frames: int, chance: Chance) -> Tensor:
        """``[T]``: values at the ends of the parts, lines between them."""
        picked = choices[torch.randint(len(choices), (self.moves + 1,), generator=chance.augment)]
        place = torch.linspace(0, self.moves, frames)
        part = place.floor().clamp(max=self.moves - 1).long()
        return torch.lerp(picked[part], picked[part + 1], place - part)


@dataclass(frozen=True)
class ShiftBy(Transform):
    """Add the same to every joint that is there; -0.5 and -0.5 put shares of a frame about its middle."""

    x: float = 0.0
    y: float = 0.0

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """In testing, too."""
        offset = torch.zeros(clip.dimensions)
        offset[:2] = torch.tensor([self.x, self.y])
        return clip.placed(clip.position + offset)


@dataclass(frozen=True)
class KeepChannels(Transform):
    """Leave out channels, such as z once a clip was turned in space.

    Raises:
        ValueError: on a clip that lacks one of them.
    """

    channels: tuple[str, ...]

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """In the order of the clip."""
        missing = [channel for channel in self.channels if channel not in clip.channels]
        if missing or not self.channels:
            raise ValueError(
                f"a joint has {', '.join(clip.channels)}, and {missing[0] if missing else 'nothing'} is kept"
            )
        kept = [index for index, channel in enumerate(clip.channels) if channel in self.channels]
        return replace(clip, values=clip.values[..., kept], channels=tuple(clip.channels[index] for index in kept))


@dataclass(frozen=True)
class WithMotion(Transform):
    """Append, for every number of ``steps``, the way that a joint makes in so many frames, as further channels.

    The last frames, which have nobody to compare with, and joints that are missing at one of the two ends get 0. Sohn's
    solution of Google's Isolated Sign Language Recognition: one and two steps. A pipeline ends with it: what follows
    would take motion for places.
    """

    steps_ahead: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        if not self.steps_ahead or min(self.steps_ahead) < 1:
            raise ValueError(f"WithMotion looks {list(self.steps_ahead)} frames ahead: numbers from 1 up are wanted")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """A score stays last."""
        parts, names = [clip.position], list(clip.channels[: clip.dimensions])
        for ahead in self.steps_ahead:
            way = torch.zeros_like(clip.position)
            both = clip.present[ahead:] & clip.present[:-ahead]
            way[:-ahead] = (clip.position[ahead:] - clip.position[:-ahead]) * both[..., None]
            parts.append(way)
            names += [f"{channel}+{ahead}" for channel in clip.channels[: clip.dimensions]]
        parts.append(clip.values[..., clip.dimensions :])
        return replace(clip, values=torch.cat(parts, dim=-1), channels=(*names, *clip.channels[clip.dimensions :]))
