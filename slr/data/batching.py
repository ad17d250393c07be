"""Batches of clips of similar length under a budget of frames."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from slr.data.seeding import sample_generator
from slr.types import Batch, Padded


class LengthBucketSampler(Sampler[list[int]]):
    """Batches of clip indices in which padding is bounded and every clip stands exactly once per epoch.

    A batch of ``n`` clips whose longest has ``L`` frames costs ``n * L`` padded frames; it never exceeds
    ``frames_per_batch`` (a clip longer than the budget goes alone) nor ``max_clips`` clips, and at most
    ``max_padding`` of its padded frames are padding. With ``shuffle`` the neighbours and the order of the batches
    change every epoch, always the same for one ``(seed, epoch)``; without it, batches run from the longest clips to
    the shortest.

    In a group of ``num_ranks`` processes each takes every ``num_ranks``-th batch. All take equally many steps: when the
    batches do not divide evenly, the first ones of the epoch are seen again, as in ``DistributedSampler``.

    Raises:
        ValueError: when there is no clip, or a budget or share is out of range.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        frames_per_batch: int,
        max_clips: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        max_padding: float = 0.25,
        rank: int = 0,
        num_ranks: int = 1,
    ) -> None:
        if not lengths or min(lengths) < 1:
            raise ValueError("batches need at least one clip and at least one frame per clip")
        if frames_per_batch < 1 or (max_clips is not None and max_clips < 1):
            raise ValueError(
                f"a batch of {frames_per_batch} frames and {max_clips} clips holds nothing: both must be at least 1"
            )
        if not 0 <= max_padding < 1:
            raise ValueError(f"max_padding {max_padding} is no share: it must lie in [0, 1)")
        if not 0 <= rank < num_ranks:
            raise ValueError(f"rank {rank} of {num_ranks} does not exist: ranks count from 0")
        self.lengths = tuple(int(length) for length in lengths)
        self.frames_per_batch = frames_per_batch
        self.max_clips = max_clips if max_clips is not None else len(self.lengths)
        self.shuffle = shuffle
        self.seed = seed
        self.max_padding = max_padding
        self.rank = rank
        self.num_ranks = num_ranks
        self.epoch = 0
        self.first = 0

    def set_epoch(self, epoch: int, first: int = 0) -> None:
        """Choose the epoch of the next iteration, and its first batch when an epoch is resumed in its middle."""
        self.epoch = epoch
        self.first = first

    def __iter__(self) -> Iterator[list[int]]:
        yield from self._dealt(self.epoch)[self.first :]

    def __len__(self) -> int:
        """Batches of the current epoch from the one it begins with; epochs may differ by a few."""
        return max(0, len(self._dealt(self.epoch)) - self.first)

    def steps(self, epochs: int) -> int:
        """Batches of the first ``epochs`` epochs together, what a schedule of the learning rate has to span."""
        return sum(len(self._dealt(epoch)) for epoch in range(epochs))

    def batches(self, epoch: int) -> list[list[int]]:
        """All batches of an epoch, before they are dealt to the ranks."""
        if not self.shuffle:
            order = sorted(range(len(self.lengths)), key=lambda index: (-self.lengths[index], index))
            return self._cut(order)
        generator = sample_generator(self.seed, epoch, "", "batches")
        batches = self._cut(self._jittered_order(generator))
        return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]

    def _jittered_order(self, generator: torch.Generator) -> list[int]:
        # Sorting by a length blurred by 10 % keeps batches tight and gives a clip other neighbours in every epoch.
        blur = torch.empty(len(self.lengths), dtype=torch.float64).uniform_(0.9, 1.1, generator=generator)
        return (torch.tensor(self.lengths, dtype=torch.float64) * blur).argsort(descending=True).tolist()

    def _cut(self, order: list[int]) -> list[list[int]]:
        batches: list[list[int]] = []
        batch: list[int] = []
        for index in order:
            if batch and not self._fits([*batch, index]):
                batches.append(batch)
                batch = []
            batch.append(index)
        return [*batches, batch]

    def _fits(self, batch: list[int]) -> bool:
        lengths = [self.lengths[index] for index in batch]
        padded = max(lengths) * len(lengths)
        within = padded <= self.frames_per_batch and len(lengths) <= self.max_clips
        return within and padded - sum(lengths) <= self.max_padding * padded

    def _dealt(self, epoch: int) -> list[list[int]]:
        batches = self.batches(epoch)
        missing = -len(batches) % self.num_ranks
        batches += [batches[index % len(batches)] for index in range(missing)]
        return batches[self.rank :: self.num_ranks]


@runtime_checkable
class BatchedDataset(Protocol):
    """What a dataset needs for its clips to become batches: of sentences, or of isolated signs."""

    training: bool

    @property
    def lengths(self) -> tuple[int, ...]:
        """The most steps that every sample can have."""
        ...

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, also for loading processes that are already running."""
        ...

    def collate(self, samples: Sequence[Any]) -> Batch:
        """Samples as a batch."""
        ...


def loader(
    dataset: BatchedDataset,
    *,
    frames_per_batch: int | None = None,
    max_clips: int | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    max_padding: float = 0.25,
    workers: int = 0,
    pin_memory: bool = False,
    rank: int = 0,
    num_ranks: int = 1,
) -> DataLoader[Any]:
    """Iterates over :class:`slr.types.Batch`; call :func:`set_epoch` before every epoch of training.

    ``shuffle`` follows ``dataset.training`` when left out. With ``workers`` 0 the calling process loads. Workers live
    through all epochs, each with its own frame cache. Without ``frames_per_batch`` the clips alone bound a batch.
    ``pin_memory`` puts batches where copies to a CUDA device are fast. The state of torch's global generator is neither
    used nor changed.

    Raises:
        ValueError: when the batches cannot be made, see :class:`LengthBucketSampler`.
    """
    sampler = LengthBucketSampler(
        dataset.lengths,
        frames_per_batch=sys.maxsize if frames_per_batch is None else frames_per_batch,
        max_clips=max_clips,
        shuffle=dataset.training if shuffle is None else shuffle,
        seed=seed,
        max_padding=max_padding,
        rank=rank,
        num_ranks=num_ranks,
    )
    return DataLoader(
        cast(Dataset[Any], dataset),
        batch_sampler=sampler,
        collate_fn=_PinnableCollate(dataset.collate) if pin_memory else dataset.collate,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pin_memory,
        # DataLoader draws a seed for its workers per epoch; left to itself it would take it from the global generator.
        generator=torch.Generator().manual_seed(seed),
    )


def set_epoch(batches: DataLoader[Any], epoch: int, first: int = 0) -> None:
    """Choose the epoch of a :func:`loader`, of its samples and its batches alike, and the batch it begins with."""
    assert isinstance(batches.dataset, BatchedDataset)
    assert isinstance(batches.batch_sampler, LengthBucketSampler)
    batches.dataset.set_epoch(epoch)
    batches.batch_sampler.set_epoch(epoch, first)


@dataclass(frozen=True)
class _PinnableBatch(Batch):
    """A batch with the method that DataLoader looks for; one without it would be left unpinned in silence."""

    def pin_memory(self) -> Batch:
        return replace(
            self,
            glosses=_pinned(self.glosses),
            frames=_pinned(self.frames),
            rgb=None if self.rgb is None else _pinned(self.rgb),
            pose=None if self.pose is None else _pinned(self.pose),
            labels=None if self.labels is None else self.labels.pin_memory(),
        )


def _pinned(padded: Padded) -> Padded:
    return Padded(padded.values.pin_memory(), padded.lengths.pin_memory())


@dataclass(frozen=True)
class _PinnableCollate:
    """A class, so that it can be sent to loading processes."""

    collate: Callable[[Sequence[Any]], Batch]

    def __call__(self, samples: Sequence[Any]) -> Batch:
        return _PinnableBatch(**vars(self.collate(samples)))
