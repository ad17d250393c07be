"""Noise: places that are a little wrong, as those of estimators are. Nothing happens in testing.

Lengths are in the unit of the clip, so noise comes after whatever gives it one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.isolated.transforms.times import span
from slr.data.seeding import chance as drawn
from slr.data.transforms.ranges import check_range
from slr.skeleton import SkeletonLayout

HANDS = ("left_hand", "right_hand")


@dataclass(frozen=True)
class GaussianNoise(Transform):
    """Normal noise of standard deviation ``sd`` on every coordinate of every joint that is there, frame by frame."""

    sd: float = 0.01
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_range("GaussianNoise sd", self.sd, 0)
        check_range("GaussianNoise probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """All of it is independent."""
        if chance.augment is None or not drawn(chance.augment, self.probability):
            return clip
        return clip.placed(clip.position + self.sd * torch.randn(clip.position.shape, generator=chance.augment))


@dataclass(frozen=True)
class LocalDistortion(Transform):
    """Fingers that go a little astray: every finger is displaced, smoothly over time, the more the nearer to its tip.

    The displacement of a tip is a line through normal draws of standard deviation ``sd``, one every ``smooth`` frames;
    along the finger it grows evenly from nothing at the root of the hand. In a layout without hands every branch below
    the centre counts as a finger.
    """

    sd: float = 0.01
    smooth: int = 8

    def __post_init__(self) -> None:
        check_range("LocalDistortion sd", self.sd, 0)
        check_range("LocalDistortion smooth", self.smooth, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Roots stay where they are."""
        if chance.augment is None:
            return clip
        moved = clip.position.clone()
        for chain in finger_chains(clip.layout):
            knots = torch.randn(1, clip.dimensions * clip.values.shape[1], -(-len(clip) // self.smooth) + 1,
                                generator=chance.augment)  # fmt: skip
            tip = functional.interpolate(knots, size=len(clip), mode="linear", align_corners=True)[0].T
            tip = self.sd * tip.view(len(clip), clip.values.shape[1], clip.dimensions)
            deepest = max(depth for _, depth in chain)
            for joint, depth in chain:
                moved[:, :, joint] += tip * depth / deepest
        return clip.placed(moved)


def finger_chains(layout: SkeletonLayout) -> list[list[tuple[int, int]]]:
    """Joints and their depth (1 for the first) of every branch below the roots of the hands, or below the centre."""
    roots = [layout.roots[group] for group in HANDS if group in layout.roots] or [layout.centre]
    children: dict[int, list[int]] = {}
    for parent, child in layout.bones:
        children.setdefault(parent, []).append(child)
    chains = []
    for root in roots:
        for first in children.get(root, []):
            chain, todo = [], [(first, 1)]
            while todo:
                joint, depth = todo.pop()
                chain.append((joint, depth))
                todo += [(child, depth + 1) for child in children.get(joint, [])]
            chains.append(sorted(chain))
    return chains


@dataclass(frozen=True)
class DetectorNoise(Transform):
    """What estimators do to hands: the faster a hand, the worse its points, and now and then a hand is lost.

    The standard deviation of the noise on a hand's joints is ``jitter`` times the way that its root made since the
    frame before. Each hand is lost for one stretch of at most ``longest`` frames with the probability ``lost``.

    Raises:
        ValueError: on a clip whose layout has no hands.
    """

    jitter: float = 0.1
    lost: float = 0.2
    longest: int = 8

    def __post_init__(self) -> None:
        check_range("DetectorNoise jitter", self.jitter, 0)
        check_range("DetectorNoise lost", self.lost, 0, 1)
        check_range("DetectorNoise longest", self.longest, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Where the root of a hand is missing it has not moved."""
        hands = [group for group in HANDS if group in clip.layout.groups]
        if not hands:
            raise ValueError(f"layout {clip.layout.name!r} has no hands to lose")
        if chance.augment is None:
            return clip
        noise, gone = torch.zeros_like(clip.position), torch.zeros_like(clip.present)
        for group in hands:
            joints = list(clip.layout.groups[group])
            sd = self.jitter * _way(clip, clip.layout.roots[group])[..., None, None]  # [T, P, 1, 1]
            noise[:, :, joints] = sd * torch.randn(noise[:, :, joints].shape, generator=chance.augment)
            hit = drawn(chance.augment, self.lost)
            count = int(torch.randint(1, min(self.longest, len(clip)) + 1, (), generator=chance.augment))
            stretch = span(len(clip), count, chance.augment)
            if hit:
                gone[:, :, joints] = stretch[:, None, None]
        return clip.placed(clip.position + noise).without(gone)


def _way(clip: SkeletonClip, joint: int) -> Tensor:
    """``[T, P]``: how far a joint went since the frame before; 0 where it is missing in one of the two."""
    place, there = clip.position[:, :, joint], clip.present[:, :, joint]
    way = torch.zeros(there.shape)
    way[1:] = (place[1:] - place[:-1]).norm(dim=-1) * (there[1:] & there[:-1])
    return way
