"""Frames that show nothing, put aside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

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


@dataclass(frozen=True)
class TrimStart(Transform):
    """Leave out the frames before anybody is seen, or before the first person is (MS-G3D); a clip of nobody stays."""

    first_person: bool = True

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Empty frames behind the first that is not stay."""
        looked_at = clip.present[:, :1] if self.first_person else clip.present
        shown = looked_at.flatten(1).any(1)
        return clip.at(torch.arange(int(shown.int().argmax()), len(clip))) if bool(shown.any()) else clip


@dataclass(frozen=True)
class DropFramesWithout(Transform):
    """Leave out the frames in which none of these groups of joints is seen; a clip that never shows them stays.

    The landmark transformer of isolated signs drops frames without a hand.

    Raises:
        ValueError: on a clip whose layout lacks a group.
    """

    groups: tuple[str, ...] = ("left_hand", "right_hand")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Frames keep their order."""
        missing = [group for group in self.groups if group not in clip.layout.groups]
        if missing:
            raise ValueError(f"layout {clip.layout.name!r} has no group {missing[0]!r}")
        joints = [joint for group in self.groups for joint in clip.layout.groups[group]]
        shown = clip.present[:, :, joints].flatten(1).any(1)
        return clip.at(shown.nonzero()[:, 0]) if bool(shown.any()) else clip


@dataclass(frozen=True)
class MatchPersons(Transform):
    """Let bodies keep their place from frame to frame: each goes on with the one nearest to it in the frame before.

    MS-G3D on Kinetics, whose bodies are sorted by their scores in every frame. Nearest is the smallest sum of distances
    of the joints that both have; the pair with the smallest is matched first. Bodies that are not there take what is
    left.
    """

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """The first frame stays as it is; a place that was empty remembers who stood there last."""
        people = clip.values.shape[1]
        if people == 1:
            return clip
        values, present = clip.values.clone(), clip.present.clone()
        last, seen = values[0, ..., : clip.dimensions].clone(), present[0].clone()
        for t in range(1, len(clip)):
            order = self._order(last, seen, clip.position[t], clip.present[t])
            values[t], present[t] = clip.values[t, order], clip.present[t, order]
            there = present[t].any(-1)
            last[there], seen[there] = values[t, there, :, : clip.dimensions], present[t, there]
        return replace(clip, values=values, present=present)

    @staticmethod
    def _order(last: Tensor, seen: Tensor, now: Tensor, there: Tensor) -> list[int]:
        """Which body of this frame stands in every place."""
        both = seen[:, None] & there[None]  # [before, now, J]
        way = torch.where(both, (last[:, None] - now[None]).norm(dim=-1), 0.0).sum(-1)
        way = torch.where(both.any(-1), way, torch.inf)
        order = [-1] * len(last)
        free = set(range(len(now)))
        for flat in way.flatten().argsort(stable=True).tolist():
            place, body = divmod(flat, len(now))
            if order[place] < 0 and body in free and bool(way[place, body].isfinite()):
                order[place] = body
                free.discard(body)
        # Who matches nobody comes to the first free place, and those who are not there to the last ones.
        rest = sorted(free, key=lambda body: (not bool(there[body].any()), body))
        return [body if body >= 0 else rest.pop(0) for body in order]
