"""Augmentations of normalised keypoints: one small class per kind of change.

All take ``[T, J, C]`` normalised places (x and y, in three dimensions z) and confidence, where a missing joint is zero
in all channels, and leave missing joints so. Lengths are in the unit of the normalisation (shoulder widths, or half
frames), angles in radians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from slr.data.seeding import chance
from slr.data.transforms.ranges import check_range
from slr.skeleton import SkeletonLayout


@dataclass(frozen=True)
class PoseSpace:
    """What the joints are and which of them (``relative``, ``[J]`` bool) are distances to another joint, not places."""

    layout: SkeletonLayout
    relative: Tensor


class PoseAugmentation(Protocol):
    """A random change of the keypoints of one clip."""

    def __call__(self, pose: Tensor, space: PoseSpace, generator: Generator) -> Tensor:
        """Return the changed ``[T, J, C]`` keypoints; the ones given are left as they are."""
        ...


def mirror_pose(pose: Tensor, layout: SkeletonLayout, width: int) -> Tensor:
    """Keypoints ``[T, J, C]`` in pixels as mirrored frames show them: x is ``width - 1 - x``, left is right."""
    mirrored = pose[:, layout.mirror_permutation()]
    x = torch.where(mirrored[..., -1] > 0, width - 1 - mirrored[..., 0], 0.0)
    return torch.cat([x[..., None], mirrored[..., 1:]], dim=-1)


def _move(pose: Tensor, position: Tensor) -> Tensor:
    confidence = pose[..., -1:]
    return torch.cat([torch.where(confidence > 0, position, 0.0), confidence], dim=-1)


@dataclass(frozen=True)
class Rotate:
    """Turn the whole clip about the origin, in the plane of the picture, by one normal angle of ``sd`` radians."""

    sd: float

    def __post_init__(self) -> None:
        check_range("Rotate sd", self.sd, 0)

    def __call__(self, pose: Tensor, space: PoseSpace, generator: Generator) -> Tensor:
        """Distances to a root turn by the same angle as places."""
        angle = self.sd * torch.randn((), generator=generator).item()
        cosine, sine = math.cos(angle), math.sin(angle)
        turned = pose[..., :2] @ pose.new_tensor([[cosine, sine], [-sine, cosine]])
        return _move(pose, torch.cat([turned, pose[..., 2:-1]], dim=-1))


@dataclass(frozen=True)
class Scale:
    """Multiply the whole clip by one factor ``exp(sd * n)``, n standard normal."""

    sd: float

    def __post_init__(self) -> None:
        check_range("Scale sd", self.sd, 0)

    def __call__(self, pose: Tensor, space: PoseSpace, generator: Generator) -> Tensor:
        """The factor is always positive."""
        return _move(pose, pose[..., :-1] * math.exp(self.sd * torch.randn((), generator=generator).item()))


@dataclass(frozen=True)
class ShiftPose:
    """Move the whole clip by one normal vector of standard deviation ``sd``."""

    sd: float

    def __post_init__(self) -> None:
        check_range("ShiftPose sd", self.sd, 0)

    def __call__(self, pose: Tensor, space: PoseSpace, generator: Generator) -> Tensor:
        """Distances to a root do not change when the signer stands elsewhere."""
        places = pose[..., :-1]
        offset = self.sd * torch.randn(places.shape[-1], generator=generator)
        return _move(pose, torch.where(space.relative[:, None], places, places + offset))


@dataclass(frozen=True)
class Jitter:
    """Add normal noise of standard deviation ``sd`` to every coordinate of every frame."""

    sd: float

    def __post_init__(self) -> None:
        check_range("Jitter sd", self.sd, 0)

    def __call__(self, pose: Tensor, space: PoseSpace, generator: Generator) -> Tensor:
        """Noise is independent between joints and frames."""
        places = pose[..., :-1]
        return _move(pose, places + self.sd * torch.randn(places.shape, generator=generator))


@dataclass(frozen=True)
class DropJoints:
    """Lose each joint for the whole clip with a ``probability``."""

    probability: float

    def __post_init__(self) -> None:
        check_range("DropJoints probability", self.probability, 0, 1)

    def __call__(self, pose: Tensor, space: PoseSpace, generator: Generator) -> Tensor:
        """A lost joint is missing: zero in all channels."""
        kept = torch.rand(pose.shape[1], generator=generator) >= self.probability
        return torch.where(kept[:, None], pose, 0.0)


@dataclass(frozen=True)
class DropHands:
    """Lose each whole hand with a ``probability`` for one span of up to ``share`` of the clip, as estimators do.

    Raises:
        ValueError: when applied to a layout without hands.
    """

    probability: float
    share: float = 0.5

    def __post_init__(self) -> None:
        check_range("DropHands probability", self.probability, 0, 1)
        check_range("DropHands share", self.share, 0, 1)

    def __call__(self, pose: Tensor, space: PoseSpace, generator: Generator) -> Tensor:
        """The two hands are lost independently."""
        hands = [space.layout.groups[name] for name in ("left_hand", "right_hand") if name in space.layout.groups]
        if not hands:
            raise ValueError(f"layout {space.layout.name!r} has no hand to drop: leave DropHands out")
        pose = pose.clone()
        for hand in hands:
            dropped = chance(generator, self.probability)
            longest = max(1, int(self.share * len(pose)))
            length = int(torch.randint(1, longest + 1, (), generator=generator))
            start = int(torch.randint(len(pose) - length + 1, (), generator=generator))
            if dropped:
                pose[start : start + length, list(hand)] = 0
        return pose
