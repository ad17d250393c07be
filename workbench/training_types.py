"""What goes into a training and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor

from slr.types import Batch, NetOutput
from workbench.watch import Alarm


class Batches(Protocol):
    """Where the clips come from. The batches of an epoch depend on its number alone, not on what was drawn before."""

    def count(self, epoch: int) -> int:
        """Batches of an epoch, at least one; epochs count from 0."""
        ...

    def epoch(self, epoch: int, first: int = 0) -> Iterable[Batch]:
        """The batches of an epoch from the batch numbered ``first`` on."""
        ...


class Objective(Protocol):
    """What a network is trained on; also a ``torch.nn.Module``, whose parameters learn beside those of the network."""

    def set_epoch(self, epoch: int) -> None:
        """Told before each epoch, counted from 0, and after a resume too."""
        ...

    def __call__(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Report:
        """Judge what a network made of a batch."""
        ...


class Report(Protocol):
    """What an objective says about a batch: the number to differentiate, and the terms it was made of."""

    @property
    def total(self) -> Tensor:
        """Scalar with a gradient."""
        ...

    @property
    def terms(self) -> dict[str, Tensor]:
        """The values of the terms by name, before weighting."""
        ...


@dataclass(frozen=True)
class DevScore:
    """What the dev split says about a network.

    Attributes:
        value: a share, which decides the best epoch; lower is better unless ``higher_is_better``.
        name: what was measured, as it is printed and recorded.
        details: more measurements for the record, as plain JSON values.
    """

    value: float
    name: str = "WER"
    details: Mapping[str, Any] = field(default_factory=dict)
    higher_is_better: bool = False

    def beats(self, other: DevScore) -> bool:
        """Whether this is the better score; equal ones are not."""
        return self.value > other.value if self.higher_is_better else self.value < other.value


@dataclass(frozen=True)
class StageOptions:
    """One stage of a training.

    Attributes:
        name: how the stage is called in lines and records.
        epochs: passes over the data.
        accumulate: batches whose gradients make one step of the optimiser.
        clip_grad_norm: largest norm of all gradients together; longer ones are scaled down to it.
        evaluate_every: epochs between two looks at the dev split; the last epoch is always looked at.
        identity: hash of everything the outcome depends on; a saved state of another identity is not continued.
        diagnose_every: epochs between two that are diagnosed, see :func:`workbench.diagnostics.diagnosed_batches`; 0
            for none.
        diagnose_batches: batches to measure in such an epoch.
        patience: looks at the dev split without a better score after which the stage ends; None for no such end.
    """

    name: str
    epochs: int
    accumulate: int = 1
    clip_grad_norm: float | None = None
    evaluate_every: int = 1
    identity: str = ""
    diagnose_every: int = 0
    diagnose_batches: int = 1
    patience: int | None = None


@dataclass(frozen=True)
class StageResult:
    """What came out of a stage; the network holds the weights of ``best_epoch``.

    Attributes:
        best_epoch: counted from 1; the last one where no dev split was looked at.
        best: the dev score of that epoch, None where none was measured.
        steps: steps of the optimiser.
        seconds: time of training in all epochs, those before an interruption included; looking at the dev split is not.
        history: the recorded row of every epoch.
        kept: weights, of that epoch too, of the part of the objective that was to be kept.
    """

    best_epoch: int
    best: DevScore | None
    steps: int
    seconds: float
    history: tuple[dict[str, Any], ...]
    kept: Mapping[str, Tensor] = field(default_factory=dict)


class NonFiniteError(ValueError):
    """A loss or a gradient is NaN or infinite; the weights are those of the step before."""


class Watch(Protocol):
    """Gives the alarm when a training goes wrong, see :mod:`workbench.watch`."""

    def look(self, row: Mapping[str, Any], score: float | None, epochs: int) -> list[Alarm]:
        """What an epoch calls for.

        Args:
            row: what is recorded of it; ``epoch`` counts the epochs done.
            score: on the dev split, None where it was not looked at.
            epochs: of the stage.
        """
        ...


class Rows(Protocol):
    """Where the row of an epoch is recorded, see :class:`workbench.record.MetricsFile`."""

    def append(self, row: Mapping[str, Any]) -> None:
        """Record one row."""
        ...

    def keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Drop recorded rows that are not wanted."""
        ...
