"""Joints that get lost: augmentations that make some of them missing. Nothing happens in testing."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.seeding import chance as drawn
from slr.data.seeding import uniform
from slr.data.transforms.ranges import check_range


@dataclass(frozen=True)
class LoseJoints(Transform):
    """Lose each joint with a ``probability``: half of them for the whole clip, half for one stretch of it.

    The stretch is of a random length; ``whole`` is the share that is lost for the whole clip.
    """

    probability: float = 0.1
    whole: float = 0.5

    def __post_init__(self) -> None:
        check_range("LoseJoints probability", self.probability, 0, 1)
        check_range("LoseJoints whole", self.whole, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """A joint is lost in all persons."""
        if chance.augment is None:
            return clip
        luck = torch.rand(4, clip.values.shape[2], generator=chance.augment)
        hit, for_good = luck[0] < self.probability, luck[1] < self.whole
        count = 1 + (luck[2] * len(clip)).long()
        first = (luck[3] * (len(clip) - count + 1)).long()
        steps = torch.arange(len(clip))[:, None]
        stretch = (steps >= first) & (steps < first + count)  # [T, J]
        return clip.without((hit & (for_good | stretch))[:, None])


@dataclass(frozen=True)
class LoseGroups(Transform):
    """Lose each group of joints, such as a hand, with a ``probability`` for the whole clip; one group always stays.

    Raises:
        ValueError: on a clip whose layout lacks a group that is named.
    """

    probability: float = 0.05
    groups: tuple[str, ...] = ("left_hand", "right_hand")

    def __post_init__(self) -> None:
        check_range("LoseGroups probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """A clip that would lose all that is named keeps the last of it."""
        missing = [group for group in self.groups if group not in clip.layout.groups]
        if missing:
            raise ValueError(f"layout {clip.layout.name!r} has no group {missing[0]!r} to lose")
        if chance.augment is None:
            return clip
        hit = [group for group in self.groups if drawn(chance.augment, self.probability)]
        if len(hit) == len(self.groups) > 1:
            hit.pop()
        lost = torch.zeros(clip.values.shape[2], dtype=torch.bool)
        for group in hit:
            lost[list(clip.layout.groups[group])] = True
        return clip.without(lost)


@dataclass(frozen=True)
class MaskBox(Transform):
    """Lose what lies in a square of random place, its side up to ``most`` of the clip's extent, all the time."""

    most: float = 0.3
    probability: float = 0.5

    def __post_init__(self) -> None:
        check_range("MaskBox most", self.most, 0, 1)
        check_range("MaskBox probability", self.probability, 0, 1)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Of x and y; the extent is the larger of the two."""
        if chance.augment is None or not drawn(chance.augment, self.probability) or not bool(clip.present.any()):
            return clip
        seen = clip.position[..., :2][clip.present]
        low, extent = seen.amin(0), (seen.amax(0) - seen.amin(0))
        side = uniform(chance.augment, 0, self.most) * float(extent.max())
        corner = low + torch.rand(2, generator=chance.augment) * (extent - side).clamp(min=0)
        place = clip.position[..., :2]
        return clip.without(((place >= corner) & (place <= corner + side)).all(-1))
