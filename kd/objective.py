"""What a student is trained on: named losses with weights that may change from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from kd.losses.base import Loss, readable
from slr.types import Batch, NetOutput


@dataclass(frozen=True)
class Schedule:
    """Factor on the weight of a term over the epochs, which count from 0.

    Nothing before ``start_epoch``; then a linear rise over ``warmup_epochs`` (its first epoch has
    ``1 / warmup_epochs``, its last has 1); from ``decay_start`` on a linear fall over ``decay_epochs`` to ``final``,
    where it stays.

    Attributes:
        start_epoch: first epoch with the term.
        warmup_epochs: epochs of the rise; 0 for none.
        decay_start: first epoch of the fall.
        decay_epochs: epochs of the fall; 0 for none.
        final: factor after the fall, between 0 and 1.
    """

    start_epoch: int = 0
    warmup_epochs: int = 0
    decay_start: int = 0
    decay_epochs: int = 0
    final: float = 0.0

    def __post_init__(self) -> None:
        for name in ("start_epoch", "warmup_epochs", "decay_start", "decay_epochs"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, but it counts epochs: it must be 0 or more")
        if not 0 <= self.final <= 1:
            raise ValueError(f"final is {self.final}, but it is the share of the weight that stays: it lies in 0 to 1")

    def factor(self, epoch: int) -> float:
        """Factor in this epoch, between 0 and 1."""
        if epoch < self.start_epoch:
            return 0.0
        rise = min(1.0, (epoch - self.start_epoch + 1) / self.warmup_epochs) if self.warmup_epochs else 1.0
        gone = (epoch - self.decay_start + 1) / self.decay_epochs if self.decay_epochs else 0.0
        return rise * (1 - (1 - self.final) * min(1.0, max(0.0, gone)))


@dataclass(frozen=True)
class Term:
    """One loss of an objective, with its weight.

    Attributes:
        loss: the formula.
        weight: factor on it, 0 or more; a term of weight 0 is never computed.
        schedule: how the weight changes over the epochs.
    """

    loss: Loss
    weight: float = 1.0
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"weight is {self.weight}: a term weighs 0 or more")


@dataclass(frozen=True)
class LossReport:
    """What an objective found on one batch.

    Attributes:
        total: weighted sum of the terms, the number to differentiate.
        terms: value of every term computed, by name, *without* its weight. They still carry gradients, so that one term
            can be differentiated alone.
        weights: the weight each of these terms had.
    """

    total: Tensor
    terms: dict[str, Tensor]
    weights: dict[str, float]


@runtime_checkable
class Metered(Protocol):
    """A loss that has more to tell than its value, for diagnostics: any loss that defines this method."""

    def meters(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> dict[str, float]:
        """Numbers by name, such as an accuracy; empty where the batch tells nothing.

        It is given what ``compute`` is given, without gradients and before ``compute``, and changes nothing: no buffer,
        no memory of past batches.
        """
        ...


@runtime_checkable
class Scheduled(Protocol):
    """A loss whose formula changes as training goes on: any loss that defines this method."""

    def set_epoch(self, epoch: int) -> None:
        """Told before each epoch, counted from 0, and after a resume too."""
        ...


@runtime_checkable
class Related(Protocol):
    """A loss that learns relations between the steps of a clip, for figures: any loss that defines this method.

    What such a loss learned is kept when the training is over, beside the student and never in it.
    """

    def adjacency(self, student: NetOutput, teacher: NetOutput) -> tuple[Tensor, Tensor]:
        """Relations ``[B, S, S]`` between the steps of each clip, the student's and the teacher's.

        Rows of valid steps sum to 1 and say what a step listens to; rows and columns of padding are 0.
        """
        ...


@dataclass(frozen=True)
class RequiredTaps:
    """Names that an objective reads, sorted; ``"logits"`` may be among them."""

    student: tuple[str, ...]
    teacher: tuple[str, ...]


class Objective(nn.Module):
    """Weighted sum of named losses.

    What the losses learn (projections, graphs) are parameters of the objective: the optimiser must be given them beside
    the student's, and they are saved apart from the student.

    Args:
        terms: the losses by the names under which they are logged.

    Raises:
        ValueError: when there is no term, none has a weight, or a name cannot be used.
    """

    def __init__(self, terms: Mapping[str, Term]) -> None:
        super().__init__()
        if not any(term.weight > 0 for term in terms.values()):
            raise ValueError(
                "an objective needs at least one loss with a weight greater than 0: nothing would be learned"
            )
        self.losses = nn.ModuleDict()
        for name, term in terms.items():
            if not name.isidentifier() or hasattr(self.losses, name):
                raise ValueError(f"a loss cannot be called {name!r}: use letters, digits and _, such as 'frame_kl'")
            self.losses[name] = term.loss
        self._terms = dict(terms)
        self._epoch = 0

    @property
    def weights(self) -> dict[str, float]:
        """Weight of every term in this epoch, by name; 0 for those not computed."""
        return {name: term.weight * term.schedule.factor(self._epoch) for name, term in self._terms.items()}

    @property
    def needs_teacher(self) -> bool:
        """Whether some term of this objective, in whatever epoch, compares with a teacher."""
        return any(loss.needs_teacher for loss in self._ever_used())

    def required_taps(self) -> RequiredTaps:
        """What the terms read from student and teacher, over all epochs."""
        losses = self._ever_used()
        return RequiredTaps(
            student=tuple(sorted({tap for loss in losses for tap in loss.student_taps})),
            teacher=tuple(sorted({tap for loss in losses for tap in loss.teacher_taps})),
        )

    def required_streams(self) -> tuple[str, ...]:
        """Streams of the batch that the terms read themselves, beside those of the networks."""
        return tuple(sorted({stream for loss in self._ever_used() for stream in loss.batch_streams}))

    def set_epoch(self, epoch: int) -> None:
        """Set the weights of this epoch, counted from 0; call it before each epoch, after a resume too.

        Raises:
            ValueError: when no term has a weight in this epoch.
        """
        self._epoch = epoch
        for loss in self.losses.values():
            if isinstance(loss, Scheduled):
                loss.set_epoch(epoch)
        if not any(weight > 0 for weight in self.weights.values()):
            raise ValueError(
                f"in epoch {epoch} every loss has weight 0: nothing would be learned; "
                "let one of them start earlier or fade later"
            )

    @property
    def supervised(self) -> frozenset[str]:
        """Names of the terms that learn from transcripts or labels alone, against which the others are held."""
        return frozenset(name for name, term in self._terms.items() if term.loss.supervised)

    @property
    def kept(self) -> nn.ModuleDict:
        """The terms that learned something worth keeping after the training, by name, see :class:`Related`."""
        used = {name: term.loss for name, term in self._terms.items() if term.weight > 0}
        return nn.ModuleDict({name: loss for name, loss in used.items() if isinstance(loss, Related)})

    @torch.no_grad()
    def meters(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> dict[str, dict[str, float]]:
        """What terms of this epoch have to tell beside their values, by term, see :class:`Metered`.

        Call it before :meth:`forward` sees the batch: a memory of past batches would hold this one afterwards.
        """
        losses = {name: self._terms[name].loss for name, weight in self.weights.items() if weight > 0}
        metered = {name: loss for name, loss in losses.items() if isinstance(loss, Metered)}
        if teacher is not None:
            teacher = teacher.detach()
        student, teacher = _made_ready(losses.values(), student, teacher)
        return {name: loss.meters(student, teacher, batch) for name, loss in metered.items()}

    def forward(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> LossReport:
        """Value of every term that has a weight in this epoch, and their weighted sum."""
        weights = {name: weight for name, weight in self.weights.items() if weight > 0}
        student, teacher = _made_ready([self._terms[name].loss for name in weights], student, teacher)
        terms: dict[str, Tensor] = {name: self.losses[name](student, teacher, batch) for name in weights}
        total = torch.stack([weight * terms[name] for name, weight in weights.items()]).sum()
        return LossReport(total, terms, weights)

    def _ever_used(self) -> list[Loss]:
        return [term.loss for term in self._terms.values() if term.weight > 0]


def _made_ready(
    losses: Iterable[Loss], student: NetOutput, teacher: NetOutput | None
) -> tuple[NetOutput, NetOutput | None]:
    """Both outputs as losses are given them. Several read the same taps: these are made ready once for all of them."""
    losses = list(losses)
    student = readable(student, {tap for loss in losses for tap in loss.student_taps})
    if teacher is not None:
        teacher = readable(teacher, {tap for loss in losses for tap in loss.teacher_taps})
    return student, teacher
