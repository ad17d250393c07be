"""A network, an objective and batches that are small enough to follow, for tests of the workbench."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from slr.types import Batch, NetOutput, Padded

CLASSES = 4


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class TinyNetwork(nn.Module):
    """Joints ``[B, T, J, C]`` -> two layers with dropout and batch norm -> logits ``[B, T, V]``."""

    input_stream = "pose"

    def __init__(
        self, *, num_classes: int = CLASSES, joints: int = 2, width: int = 8, dropout: float = 0.0, layout: str = "none"
    ) -> None:
        super().__init__()
        self.layout = layout
        self.inner = nn.Linear(3 * joints, width)
        self.norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, num_classes)

    @property
    def tap_widths(self) -> dict[str, int]:
        return {"inner": self.inner.out_features}

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return lengths

    def forward(self, stream: Padded) -> NetOutput:
        features = self.inner(stream.values.flatten(2))
        mask = stream.mask
        normed = torch.zeros_like(features)
        normed[mask] = self.norm(features[mask]).to(normed.dtype)
        tap = Padded(self.dropout(normed.relu()), stream.lengths)
        return NetOutput(Padded(self.head(tap.values), stream.lengths), {"inner": tap})


@dataclass(frozen=True)
class TinyReport:
    total: Tensor
    terms: dict[str, Tensor]


class TinyObjective(nn.Module):
    """CTC plus half a squared feature norm through a learned projection; ``poison`` gives epochs a factor on CTC."""

    seen: Tensor

    def __init__(self, width: int = 8, poison: dict[int, float] | None = None) -> None:
        super().__init__()
        self.projection = nn.Linear(width, 3)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.poison = poison or {}
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def forward(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> TinyReport:
        assert student.logits.values.dtype == torch.float32
        self.seen.add_(len(batch))
        ctc = nn.functional.ctc_loss(
            student.logits.values.log_softmax(-1).transpose(0, 1),
            batch.glosses.valid(),
            student.logits.lengths,
            batch.glosses.lengths,
        )
        ctc = ctc * self.poison.get(self.epochs[-1], 1.0)
        feature = self.projection(student.taps["inner"].valid()).square().mean()
        terms = {"ctc": ctc, "feature": feature}
        if teacher is not None:
            terms["logits"] = (student.logits.valid() - teacher.logits.valid()).square().mean()
        return TinyReport(ctc + 0.5 * sum(terms[name] for name in terms if name != "ctc"), terms)


class TinyBatches:
    """Clips of random keypoints; what an epoch shows depends on its number alone."""

    def __init__(self, counts: Sequence[int] = (3,), clips: int = 2, seed: int = 0, wild: bool = False) -> None:
        self.counts = counts
        self.clips = clips
        self.seed = seed
        self.wild = wild

    def count(self, epoch: int) -> int:
        return self.counts[epoch % len(self.counts)]

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        if self.wild:  # a data loader draws a seed for its workers when it is started
            torch.rand(1)
        for index in range(first, self.count(epoch)):
            yield self.batch(epoch, index)

    def batch(self, epoch: int, index: int) -> Batch:
        generator = torch.Generator().manual_seed(self.seed + 1000 * epoch + index)
        lengths = torch.randint(6, 10, (self.clips,), generator=generator).tolist()
        pose = Padded.from_list([torch.randn(length, 2, 3, generator=generator) for length in lengths])
        glosses = [torch.randint(1, CLASSES, (2,), generator=generator) for _ in lengths]
        frames = Padded.from_list([torch.arange(length) for length in lengths])
        ids = tuple(f"clip-{epoch}-{index}-{number}" for number in range(self.clips))
        return Batch(ids, Padded.from_list(glosses), frames, pose=pose)
