"""Train one network through its stages, or find it already trained.

Trained networks lie in a store beside the runs, each in a folder named by a hash of everything that decides its
weights. Two runs that need the same teacher share it, a run that was cut off continues, and a changed setting is
another network.
"""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from kd.objective import Objective
from kd.teacher import FrozenTeacher, Teacher
from slr.types import Network
from workbench.assemble import make_network, make_objective, make_optimizer, make_rate_schedule, own_widths
from workbench.averaging import make_average
from workbench.checkpoint import checkpoint_files, load_network, save_network
from workbench.code_identity import code_hash, module_hash
from workbench.config import content_hash, essential
from workbench.disk import write_text
from workbench.kept_losses import STORED, save_kept
from workbench.lock import FolderBusyError, is_busy, lock_folder
from workbench.measure import MadeNetwork
from workbench.place import Place
from workbench.preflight import streams_of
from workbench.published_weights import weights_digest
from workbench.record import MetricsFile
from workbench.rng import preserved
from workbench.schedule import Schedule
from workbench.schema import LossTerm, Stage
from workbench.trainer import StageOptions, StageResult, train_stage
from workbench.training_types import Batches

_VERSION = 3  # raised when a change of the workbench gives other weights or measurements for the same settings
_POLL_SECONDS = 0.5
_FINISHED = "finished.json"  # the last file that a finished training leaves in its folder
_STATES = "*.state.safetensors"
_ANEW = "anew"  # the folder, below that of a network, in which it is trained again


@dataclass(frozen=True)
class Teaching:
    """What a distilled network learns from.

    ``widths`` gives the width of every tap the teacher publishes, and of its logits; ``identity`` is a hash of
    everything that decides what it says. ``streams`` are
    those that it reads from a batch, none where it is cached.
    """

    teacher: Teacher
    widths: Mapping[str, int]
    identity: str
    streams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Training:
    """Everything that decides the weights of a network.

    ``label`` is what the network is called in lines and records; ``losses`` are laid over those of every stage, by
    name.
    """

    label: str
    network: Mapping[str, Any]
    stages: tuple[Stage, ...]
    seed: int
    losses: Mapping[str, LossTerm] = field(default_factory=dict)
    teaching: Teaching | None = None


def train_network(place: Place, training: Training, *, fresh: bool = False) -> MadeNetwork:
    """The trained network, from the store when it is there and nobody wants it ``fresh``.

    Where another process is training it, this one waits for the end of that. One that is trained ``fresh`` takes the
    place of the one before at its end: until then other runs may copy that.

    Raises:
        ConfigError: when losses and network do not fit.
        ValueError: when a loss is not finite.
    """
    identity = _identity(place, training)
    folder = _folder(place, training, identity)
    anew = folder / _ANEW
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_claimed(folder, place, training.label)):
        if fresh:
            if anew.is_dir():
                shutil.rmtree(anew)
            anew.mkdir()
        work = anew if anew.is_dir() else folder  # one that was cut off goes on, wanted fresh or not
        for left in work.glob(".*.part"):  # of a process that was killed while it wrote
            left.unlink()
        reused = (work / _FINISHED).is_file()
        if not reused:
            _train(place, training, work, identity)
        if work == anew:
            _replace(folder, anew)
        network, card = load_network(folder / "network")
        seconds = json.loads((folder / _FINISHED).read_text(encoding="utf-8"))["seconds"]
    if reused:
        place.progress.line(f"{training.label}  reused from {folder}")
    network.to(place.precision.device)
    kept = folder / STORED
    return MadeNetwork(
        network, card, folder / "network", folder / "metrics.jsonl", seconds, kept if kept.is_file() else None
    )


def is_being_trained(place: Place, training: Training) -> bool:
    """Whether another process trains this network at this moment."""
    folder = _folder(place, training, _identity(place, training))
    return folder.is_dir() and is_busy(folder)


def _folder(place: Place, training: Training, identity: str) -> Path:
    return place.store / f"{_slug(training.label)}-{identity[:12]}"


def _replace(folder: Path, anew: Path) -> None:
    """Put a network that was trained anew in the place of the one before.

    The card goes first: whoever has copied files of the one before and still finds its card has none of the new one.
    """
    for state in folder.glob(_STATES):  # of a training that was cut off, and then begun anew
        state.unlink()
    card = checkpoint_files(anew / "network")[1].name
    for name in sorted((path.name for path in anew.iterdir()), key=lambda name: (name != card, name == _FINISHED)):
        (anew / name).replace(folder / name)
    anew.rmdir()


def _claimed(folder: Path, place: Place, label: str) -> IO[bytes]:
    """The lock of a folder of the store, which runs that need the same network share."""
    said = False
    while True:
        try:
            return lock_folder(folder)
        except FolderBusyError:
            if not said:
                place.progress.line(f"{label}  is being trained by another process: waiting for {folder}")
            said = True
            time.sleep(_POLL_SECONDS)


def deciding_code(place: Place, *nodes: Any) -> list[Any]:
    """What stands for the code behind the weights that components within ``nodes`` end with, and behind their figures.

    Hashed are the components, what brings clips to a network, and what adds up the losses. For the workbench itself,
    its loop, optimiser steps, averages and measurements, ``_VERSION`` stands: raise it when an edit changes numbers.
    """
    return [_VERSION, code_hash(*nodes), place.code, module_hash(Objective.__module__)]


def _identity(place: Place, training: Training) -> str:
    """Hash of everything that decides the weights; of code, what :func:`deciding_code` says."""
    network, streams = dict(training.network), _streams(place, training)
    stages = [_plain_stage(stage) for stage in _merged(training)]
    data = place.deciding(streams)
    return content_hash(
        {
            "network": network,
            **weights_digest([network]),
            "stages": stages,
            "code": deciding_code(place, network, stages, data),
            "seed": training.seed,
            "teaching": training.teaching.identity if training.teaching else None,
            "data": data,
            "clips": place.contents(("train", "dev"), streams),
            "precision": place.precision.name,
            "evaluate_every": place.evaluate_every,
        }
    )


def _plain_stage(stage: Stage) -> dict[str, Any]:
    return essential(stage)


def _streams(place: Place, training: Training) -> frozenset[str]:
    """What the training reads of a clip; streams of a live teacher belong to the identity of the teaching."""
    network = place.bare_network(training.network)
    return streams_of([network], [_make_objective(place, training, network, stage, 0) for stage in _merged(training)])


def _merged(training: Training) -> list[Stage]:
    """The stages with the training's own losses laid over theirs."""
    return [
        stage.model_copy(update={"losses": {**(stage.losses or {}), **training.losses}}) for stage in training.stages
    ]


def _slug(label: str) -> str:
    return label.replace(" ", "-")


def _train(place: Place, training: Training, folder: Path, identity: str) -> None:
    arguments = place.network_arguments(training.network)
    network = make_network(training.network, place.sizes.classes, arguments, training.seed)
    for note in getattr(network, "notes", ()):
        place.progress.line(f"{training.label}  {note}")
    torch.manual_seed(training.seed)  # dropout and the like follow the seed, whatever was drawn before
    network.to(place.precision.device)
    seconds = 0.0
    result: StageResult | None = None
    for number in range(len(training.stages)):
        result = _train_stage(place, training, network, number, folder, identity)
        seconds += result.seconds
    assert result is not None, "a training has at least one stage"
    save_kept(folder / STORED, result.kept)
    save_network(
        folder / "network",
        network,
        node=training.network,
        arguments={name: _plain_argument(value) for name, value in arguments.items()},
        **place.card(network),
        best_epoch=result.best_epoch,
        dev={result.best.name: result.best.value, **result.best.details} if result.best else {},
    )
    write_text(folder / _FINISHED, json.dumps({"seconds": round(seconds, 3), "label": training.label}) + "\n")
    for state in folder.glob(_STATES):
        state.unlink()


def _plain_argument(value: Any) -> Any:
    return value.to_dict() if hasattr(value, "to_dict") else value


@dataclass(frozen=True)
class Lesson:
    """What a stage trains with."""

    objective: Objective
    batches: Batches
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    teacher: Teacher | None


def make_lesson(place: Place, training: Training, network: nn.Module, number: int = 0) -> Lesson:
    """The losses, clips, optimiser and teacher of one stage of a training, by its ``number``.

    Raises:
        ConfigError: when losses and network do not fit.
    """
    stage, teaching = _merged(training)[number], training.teaching
    assert stage.losses, f"stage {stage.name} has no losses"
    seed = training.seed + 1000 * number  # every stage draws other samples and batches
    objective = _make_objective(place, training, network, stage, seed).to(place.precision.device)
    streams = {cast(Network, network).input_stream, *objective.required_streams()}
    if teaching is not None:
        streams |= set(teaching.streams)
    return Lesson(
        objective,
        place.training_batches(stage, streams, seed),
        make_optimizer(stage, network, objective),
        make_rate_schedule(stage),
        teaching.teacher if teaching is not None and objective.needs_teacher else None,
    )


def _train_stage(
    place: Place, training: Training, network: nn.Module, number: int, folder: Path, identity: str
) -> StageResult:
    lesson, stage = make_lesson(place, training, network, number), training.stages[number]
    last = number == len(training.stages) - 1
    diagnostics = place.diagnostics if lesson.teacher is not None else None
    average = None if stage.average is None else make_average(network, stage.average.decay)
    if stage.taught_by is not None:
        lesson = replace(lesson, teacher=_own_teacher(network, average, stage))
    return train_stage(
        network,
        lesson.objective,
        lesson.batches,
        lesson.optimizer,
        lesson.schedule,
        StageOptions(
            name=f"{training.label}, {stage.name}" if len(training.stages) > 1 else training.label,
            epochs=stage.epochs,
            accumulate=stage.accumulate,
            clip_grad_norm=stage.clip_grad_norm,
            evaluate_every=place.evaluate_every,
            identity=content_hash([identity, number]),
            diagnose_every=diagnostics.every_epochs if diagnostics is not None else 0,
            diagnose_batches=diagnostics.batches if diagnostics is not None else 1,
            patience=stage.patience,
        ),
        precision=place.precision,
        teacher=lesson.teacher,
        evaluate=place.judge(network) if last or stage.patience is not None else None,
        state_file=folder / f"{number}.state.safetensors",
        rows=MetricsFile(folder / "metrics.jsonl"),
        progress=place.progress,
        watch=place.watch() if last else None,
        kept=lesson.objective.kept,
        average=average,
    )


def _own_teacher(network: nn.Module, average: AveragedModel | None, stage: Stage) -> Teacher:
    """What a network is taught by that is its own teacher: its average, or itself as it is now."""
    if stage.taught_by == "average":
        assert average is not None, "the schema wants one"
        return FrozenTeacher(average.module, "the average of the weights so far")
    return FrozenTeacher(copy.deepcopy(network), "the stage before")


def _make_objective(place: Place, training: Training, network: nn.Module, stage: Stage, seed: int) -> Objective:
    widths = training.teaching.widths if training.teaching else None
    with preserved():
        torch.manual_seed(seed)
        return make_objective(
            stage.losses or {}, network, place.sizes, widths or own_widths(stage, network, place.sizes)
        )
