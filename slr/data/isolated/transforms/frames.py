"""Frames that show nothing, put aside."""

from __future__ import annotations

from dataclasses import dataclass, replace

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform


@dataclass(frozen=True)
class DropEmptyFrames(Transform):
    """Leave out the frames that show nobody, or not the first ``person`` alone; a clip that shows nobody at all stays.

    CTR-GCN counts the frames that show anybody, pyskl those that show the first person.
    """

    first_person: bool = False

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Frames keep their order."""
        looked_at = clip.present[:, :1] if self.first_person else clip.present
        shown = looked_at.flatten(1).any(1)
        return clip.at(shown.nonzero()[:, 0]) if bool(shown.any()) else clip


@dataclass(frozen=True)
class LongestPersonFirst(Transform):
    """Swap the first two persons where the second is seen in more frames (pyskl)."""

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Persons after the second stay."""
        if clip.values.shape[1] < 2:
            return clip
        seen = clip.present.any(-1).sum(0)
        return swapped_persons(clip) if bool(seen[1] > seen[0]) else clip


def swapped_persons(clip: SkeletonClip) -> SkeletonClip:
    """The clip with its first two persons exchanged."""
    order = [1, 0, *range(2, clip.values.shape[1])]
    return replace(clip, values=clip.values[:, order], present=clip.present[:, order])
