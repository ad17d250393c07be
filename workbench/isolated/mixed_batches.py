"""Training batches whose clips are mixed in pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from slr.data.isolated import MixUp
from slr.data.seeding import sample_generator
from slr.types import Batch
from workbench.training_types import Batches


class MixedBatches:
    """Batches of ``source``, mixed: what chance decides depends on seed, epoch and number of the batch alone.

    Args:
        source: where batches come from.
        mixup: how they are mixed.
        seed: of all chance.
        scored: whether the last channel of a joint is the score of a keypoint.
    """

    def __init__(self, source: Batches, mixup: MixUp, seed: int, *, scored: bool) -> None:
        self._source = source
        self._mixup = mixup
        self._seed = seed
        self._scored = scored

    def count(self, epoch: int) -> int:
        """Batches of an epoch."""
        return self._source.count(epoch)

    def epoch(self, epoch: int, first: int = 0) -> Iterable[Batch]:
        """The batches of an epoch from ``first`` on."""
        return self._mixed(epoch, first)

    def _mixed(self, epoch: int, first: int) -> Iterator[Batch]:
        for index, batch in enumerate(self._source.epoch(epoch, first), start=first):
            generator = sample_generator(self._seed, epoch, str(index), "mixup")
            yield self._mixup(batch, generator, scored=self._scored)
