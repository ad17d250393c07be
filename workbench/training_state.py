"""Everything a training needs to go on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from workbench.meters import EpochMeter
from workbench.rng import rng_state
from workbench.tensor_file import detached, read_tree, write_tree
from workbench.training_types import DevScore

FORMAT = 1


@dataclass(frozen=True)
class Best:
    """The epoch that the dev split likes best, counted from 1, with its score and its weights.

    ``kept`` are the weights, in that epoch, of what the objective learned and is to be kept; a state of an earlier
    version has none.
    """

    epoch: int
    score: DevScore
    weights: dict[str, Tensor]
    kept: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Position:
    """How far a training has come.

    Attributes:
        epoch: whole epochs done.
        batch: batches done of the epoch under way.
        step: steps of the optimiser taken in all.
        skipped_in_a_row: steps that the gradient scaler skipped since the last one it took.
        meter: what the batches of the epoch under way added up to.
        history: the rows of all epochs done, as they were recorded.
        alarmed: causes of the alarms already given.
        best: the best epoch so far, None before the first look at the dev split.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    skipped_in_a_row: int = 0
    meter: EpochMeter = field(default_factory=EpochMeter)
    history: list[dict[str, Any]] = field(default_factory=list)
    alarmed: list[str] = field(default_factory=list)
    best: Best | None = None


@dataclass(frozen=True)
class Trainee:
    """The things whose state changes while a network is trained; an ``average`` of its weights need not be kept."""

    network: nn.Module
    objective: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: AveragedModel | None = None

    def __post_init__(self) -> None:
        # The rates that a schedule multiplies; a state that is loaded later brings its own.
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])

    @property
    def judged(self) -> nn.Module:
        """What is looked at and exported: the average of the weights where there is one."""
        return self.network if self.average is None else self.average.module

    def state(self) -> dict[str, Any]:
        """Their states by name; tensors are not copied."""
        return {name: part.state_dict() for name, part in vars(self).items() if part is not None}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over states of :meth:`state`.

        Raises:
            RuntimeError, ValueError, KeyError: when they are of another network, objective or optimiser.
        """
        for name, part in vars(self).items():
            if part is not None:
                part.load_state_dict(state[name])


def save_state(path: Path, identity: str, position: Position, trainee: Trainee) -> None:
    """Write everything, with the state of the global random generators, whole or not at all.

    Raises:
        OSError: when there is no room, in one sentence.
    """
    plain = {name: value for name, value in vars(position).items() if name not in ("meter", "best")}
    best = position.best
    tree = {
        "format": FORMAT,
        "identity": identity,
        "position": plain,
        "meter": asdict(position.meter),
        "best": None if best is None else {**vars(best), "score": asdict(best.score)},
        "trainee": trainee.state(),
        "rng": rng_state(),
    }
    write_tree(path, tree)


def load_state(path: Path, identity: str, trainee: Trainee) -> tuple[Position, dict[str, Any]] | None:
    """Put ``trainee`` back to where :func:`save_state` left it.

    Returns:
        the position, and the state of the random generators, for the caller to restore; None, and nothing is changed,
        when the file is of another ``identity``, that is of other settings.

    Raises:
        ValueError: when the file is damaged, of another version, or does not fit the network; one sentence.
    """
    tree = read_tree(path)
    if tree.get("format") != FORMAT:
        raise ValueError(
            f"{path} has format {tree.get('format')!r}, this version reads {FORMAT}: start over with --fresh"
        )
    if tree["identity"] != identity:
        return None
    try:
        trainee.load_state(tree["trainee"])
    except (RuntimeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path} does not fit what is trained here ({reason}): start over with --fresh") from error
    best = tree["best"]
    if best is not None:
        best = Best(**{**best, "score": DevScore(**best["score"])})
    return Position(**tree["position"], meter=EpochMeter(**tree["meter"]), best=best), tree["rng"]


def copied_weights(network: nn.Module) -> dict[str, Tensor]:
    """The weights and buffers of a network, on the CPU, in memory of their own."""
    return {name: detached(tensor) for name, tensor in network.state_dict().items()}
