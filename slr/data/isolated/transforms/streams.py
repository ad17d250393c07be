"""The four streams of a skeleton: joints, bones, and the motion of either.

A network is trained on each and their scores are fused. Bones and motions are differences, so the streams come after
whatever moves a body as a whole, but not in every published system: its place in the pipeline says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.skeleton import SkeletonLayout

STREAMS = ("joint", "bone", "joint-motion", "bone-motion")
BONES = ("true", "chained")
SCORES = ("keep", "difference", "mean")


@dataclass(frozen=True)
class ToStream(Transform):
    """Joints into the stream of the configuration (``data.stream``).

    A bone is joint minus parent, a motion the next frame minus this one and 0 in the last; ``bone-motion`` is the
    motion of bones.

    Args:
        stream: one of :data:`STREAMS`; the workbench fills it in.
        bones: ``true`` ones, or ``chained``: what DSTA-SLR's code makes of them. It overwrites joint after joint, the
            roots of the hands last, so what it subtracts from elbows, wrists, hand roots and finger tips are bones.
        root: what the joint without a parent becomes: ``zero``, as a bone to itself, or ``joint``, which stays.
        score: of a bone or a motion: the ``difference`` of the two scores (DSTA-SLR), their ``mean`` (pyskl), or
            ``keep``, that of the joint in this frame.
        missing: ``ignore`` subtracts whatever is there, as all published systems do; ``zero`` makes a bone or a motion
            missing where an end of it is.
        parents: (joint, parent) by name where a bone shall not lead where the layout says.

    Raises:
        ValueError: when a setting is unknown; on a clip, when its layout lacks a joint of ``parents``.
    """

    stream: str
    bones: str = "true"
    root: str = "zero"
    score: str = "keep"
    missing: str = "ignore"
    parents: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        choices = {"stream": STREAMS, "bones": BONES, "root": ("zero", "joint"), "score": SCORES}
        for name, known in {**choices, "missing": ("ignore", "zero")}.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r} of ToStream is unknown: there are {', '.join(known)}")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Bones first, then motion."""
        if self.stream.startswith("bone"):
            clip = self._to_bones(clip)
        return self._to_motion(clip) if self.stream.endswith("motion") else clip

    def _to_bones(self, clip: SkeletonClip) -> SkeletonClip:
        parents = clip.layout.parents()
        for pair in self.parents:
            child, parent = map(clip.layout.index, pair)
            parents[child] = parent
        bones = clip.values.clone()
        source = bones if self.bones == "chained" else clip.values
        children = [joint for joint in _hands_last(clip.layout) if parents[joint] != joint]
        for joint in children:
            own = source[:, :, joint]
            bones[:, :, joint] = self._difference(clip, own, source[:, :, parents[joint]], own)
        roots = sorted(set(range(len(parents))) - set(children))
        if self.root == "zero":
            own = clip.values[:, :, roots]
            bones[:, :, roots] = self._difference(clip, own, own, own)
        return self._with(clip, bones, clip.present & clip.present[:, :, parents])

    def _to_motion(self, clip: SkeletonClip) -> SkeletonClip:
        following = torch.cat([clip.values[1:], clip.values[-1:]])
        motion = self._difference(clip, following, clip.values, clip.values)
        if self.score == "mean":
            motion[-1] = 0  # no second score
        return self._with(clip, motion, clip.present & torch.cat([clip.present[1:], clip.present[-1:]]))

    def _difference(self, clip: SkeletonClip, minuend: Tensor, subtrahend: Tensor, own: Tensor) -> Tensor:
        """``own`` is the one whose score is kept."""
        difference, at = minuend - subtrahend, clip.dimensions
        if at == len(clip.channels) or self.score == "difference":
            return difference
        scores = (minuend + subtrahend) / 2 if self.score == "mean" else own
        return torch.cat([difference[..., :at], scores[..., at:]], dim=-1)

    def _with(self, clip: SkeletonClip, values: Tensor, both: Tensor) -> SkeletonClip:
        if self.missing == "zero":
            return replace(clip, values=torch.where(both[..., None], values, 0.0), present=both)
        return replace(clip, values=values)


def _hands_last(layout: SkeletonLayout) -> list[int]:
    """All joints in their order, but the roots of the hands after everything else."""
    hands = [root for group, root in layout.roots.items() if group.endswith("hand")]
    return [*(joint for joint in range(len(layout)) if joint not in hands), *sorted(hands)]
