"""Steps of a pipeline that have to see the training clips before they can do anything."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.transforms.ranges import check_range


class LearnedTransform(Transform):
    """A step that is fitted to the training clips as they come out of the steps before it, in testing.

    What it learned are its settings: its description rebuilds it without any clip.
    """

    @property
    @abstractmethod
    def is_fitted(self) -> bool:
        """Whether it knows the training clips."""

    @abstractmethod
    def fitted(self, clips: Iterable[SkeletonClip]) -> Transform:
        """The step, fitted to all training clips."""


@dataclass(frozen=True)
class Standardise(LearnedTransform):
    """Every coordinate of every joint minus its mean, divided by its deviation, both those of the training clips.

    The landmark transformer for isolated signs, with ``limit`` 5: what lies farther out is put there. A missing joint
    stays zero. Joints that are never seen, or never move, are divided by 1. A score is no coordinate and stays.

    Args:
        limit: the largest number that is left, in deviations, above 0.
        mean: ``[J][2 or 3]``; found in training, together with ``deviation``.
        deviation: the same.

    Raises:
        ValueError: when ``limit`` is out of range; on a clip, when it was fitted to none, or to other joints.
    """

    limit: float = 5.0
    mean: tuple[tuple[float, ...], ...] = ()
    deviation: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        check_range("Standardise limit", self.limit, 1e-6)
        for name in ("mean", "deviation"):  # lists, where a description rebuilds it
            object.__setattr__(self, name, tuple(tuple(row) for row in getattr(self, name)))

    @property
    def is_fitted(self) -> bool:
        """Whether it knows the training clips."""
        return bool(self.mean)

    def fitted(self, clips: Iterable[SkeletonClip]) -> Standardise:
        """Over all frames and persons in which a joint is there, in double precision and one clip after the other."""
        count, total, squares = torch.zeros(()), torch.zeros(()), torch.zeros(())
        for clip in clips:
            there = clip.present[..., None].double()  # [T, P, J, 1]
            position = torch.where(clip.present[..., None], clip.position, 0.0).double()
            count = count + there.sum((0, 1))
            total = total + position.sum((0, 1))
            squares = squares + position.square().sum((0, 1))
        seen = count.clamp(min=1)
        mean = total / seen
        deviation = (squares / seen - mean.square()).clamp(min=0).sqrt()
        deviation = torch.where(deviation > 1e-6, deviation, 1.0)
        return replace(self, mean=_rows(mean), deviation=_rows(deviation))

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints stay zero."""
        if not self.is_fitted:
            raise ValueError("Standardise was not fitted to training clips, so it does not know their means")
        if (len(self.mean), len(self.mean[0])) != clip.position.shape[2:]:
            joints, dimensions = clip.position.shape[2:]
            raise ValueError(
                f"Standardise was fitted to {len(self.mean)} joints with {len(self.mean[0])} coordinates, and this "
                f"clip has {joints} with {dimensions}"
            )
        like = clip.position
        place = (like - like.new_tensor(self.mean)) / like.new_tensor(self.deviation)
        return clip.placed(place.clamp(-self.limit, self.limit))


def _rows(values: torch.Tensor) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.float().tolist())
