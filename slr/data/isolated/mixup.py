"""MixUp: two clips shown as one, each with a share, and both of their classes to be learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from slr.data.seeding import chance
from slr.data.transforms.ranges import check_range
from slr.types import Batch, Padded, moved


@dataclass(frozen=True, kw_only=True)
class MixedBatch(Batch):
    """Clips of which each shows a second one too; ``labels`` and ``ids`` are those of the larger share.

    ``others`` are the places in the batch of the second clips, ``[B]`` int64, and ``share``, from 0.5 to 1, is that of
    the first; it is 1 where nothing was mixed.
    """

    others: Tensor
    share: float

    def to(self, device: torch.device | str) -> MixedBatch:
        """The same batch on another device."""
        batch = super().to(device)
        assert isinstance(batch, MixedBatch)
        return replace(batch, others=moved(self.others, device))

    def parts(self) -> Iterator[tuple[float, Batch]]:
        """The batch with the labels of the first clips, and with those of the second where these are seen; with shares.

        Both show the same; a loss that reads labels is to be computed for both and weighed.
        """
        assert self.labels is not None, "isolated clips have labels"
        plain = Batch(self.ids, self.glosses, self.frames, pose=self.pose, flipped=self.flipped, labels=self.labels)
        yield self.share, plain
        if self.share == 1:
            return
        ids = tuple(self.ids[place] for place in self.others.tolist())
        yield 1 - self.share, replace(plain, ids=ids, labels=self.labels[self.others])


@dataclass(frozen=True)
class MixUp:
    """Mix the clips of a batch in pairs (Zhang et al., ICLR 2018, "mixup: Beyond Empirical Risk Minimization").

    A joint that both clips show lies between its two places, at ``share`` of the way; one that only one of them shows,
    or a step that only the longer one has, is that of this clip alone. Scores of keypoints are never mixed: the larger
    counts. A joint is shown where any of its channels is not zero.

    Attributes:
        alpha: the share is drawn from Beta(alpha, alpha), once per batch; of two shares the larger is the first clip's.
        probability: share of batches that are mixed.

    Raises:
        ValueError: when an attribute is out of range.
    """

    alpha: float = 0.2
    probability: float = 1.0

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise ValueError(f"MixUp alpha is {self.alpha}: it must be greater than 0")
        check_range("MixUp probability", self.probability, 0, 1)

    def __call__(self, batch: Batch, generator: Generator, *, scored: bool) -> MixedBatch:
        """Mix a batch, or leave it as it is with a share of 1.

        Args:
            batch: clips with labels; their pose is ``[B, T, (P,) J, C]``.
            generator: where chance comes from.
            scored: whether the last channel of a joint is the score of a keypoint.

        Raises:
            ValueError: when the batch has no keypoints or no labels.
        """
        if batch.pose is None or batch.labels is None:
            raise ValueError("MixUp mixes keypoints and classes: this batch lacks one of both")
        mixed = chance(generator, self.probability)
        share = self._share(generator)
        others = torch.randperm(len(batch), generator=generator)
        if not mixed or len(batch) < 2:
            share, others = 1.0, torch.arange(len(batch))
        return MixedBatch(
            batch.ids,
            batch.glosses,
            _joined(batch.frames, others),
            flipped=batch.flipped,
            labels=batch.labels,
            pose=_mixed(batch.pose, others, share, scored),
            others=others,
            share=share,
        )

    def _share(self, generator: Generator) -> float:
        seed = int(torch.randint(2**62, (), generator=generator))
        share = float(np.random.default_rng(seed).beta(self.alpha, self.alpha))
        return max(share, 1 - share)


def _mixed(pose: Padded, others: Tensor, share: float, scored: bool) -> Padded:
    pose = pose.zeroed()
    one, other = pose.values, pose.values[others]
    shown = [joints.ne(0).any(dim=-1, keepdim=True) for joints in (one, other)]
    values = torch.where(shown[0] & shown[1], torch.lerp(other, one, share), one + other)
    if scored:
        values[..., -1] = torch.maximum(one[..., -1], other[..., -1])
    return Padded(values, torch.maximum(pose.lengths, pose.lengths[others]))


def _joined(frames: Padded, others: Tensor) -> Padded:
    """Source frames of the first clips, and of the second where these go on."""
    values = torch.where(frames.mask, frames.values, frames.values[others])
    return Padded(values, torch.maximum(frames.lengths, frames.lengths[others]))
