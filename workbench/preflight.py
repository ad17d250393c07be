"""Before any data is touched: do the networks exist as configured, and do the losses find the taps they read?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from torch import nn

from kd.ensemble import combined_widths, holds_scores
from kd.objective import Objective
from slr.scoring import protocol_by_name
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.types import Network
from workbench.assemble import (
    CorpusSizes,
    make_objective,
    make_optimizer,
    make_pipelines,
    make_plan,
    make_rate_schedule,
    own_widths,
)
from workbench.checkpoint import load_network
from workbench.components import build
from workbench.faults import ConfigError, Fault, Place, dotted
from workbench.output_store import OutputStore
from workbench.published_weights import weights_file, without_weights
from workbench.rng import preserved
from workbench.schema import Data, DistillConfig, LossTerm, Stage, TrainConfig
from workbench.targets import resolve

BARE_CLASSES, _CLIPS = 3, 2  # any numbers do: nothing that is checked depends on them
# Which network of a run folder is meant where a run is evaluated, and where it is named as a teacher.
MAIN_ROLES = ("student", "network")
TEACHER_ROLES = ("teacher", "network")
# Files of other names hold scores.
_ROLE = re.compile(r"(student|baseline|network|teacher)|(teacher|assistant)-.+")
TITLE = "The losses do not fit the networks"
_SHARED = {
    "average": "several teachers publish the taps that all of them have, features side by side",
    "weighted": "several teachers publish the taps that all of them have, features side by side",
    "best": "several teachers publish the taps that all of them have in the same width",
}


@dataclass(frozen=True)
class Needs:
    """What a run reads and trains.

    ``streams`` are those of the clips; ``trained`` are the networks, with a few classes, that no checkpoint brings;
    ``teacher_taps`` are read from the teacher where there is one, the logits included.
    """

    streams: frozenset[str]
    trained: tuple[nn.Module, ...]
    teacher_taps: frozenset[str] = frozenset()


def check_distillation(config: DistillConfig) -> Needs:
    """Refuse a configuration whose losses do not fit its networks.

    Raises:
        ConfigError: naming the loss, the tap and what is published instead; or when nothing is distilled at all.
        ValueError: when a checkpoint or the outputs of a teacher cannot be read.
    """
    _check_data(config.data)
    layout = configured_layout(config.data)
    teacher = _configured_teacher(config, layout)
    student = _checked_network(config.student.network, layout)
    objectives = [*teacher.objectives]
    objectives += checked_objectives(("student",), config.student.stages, student, layout)
    over = config.distillation.losses
    try:
        distilled = checked_objectives(
            ("student",), config.student.stages, student, layout, over=over, teacher=teacher.widths
        )
    except ConfigError as error:
        if config.teacher.combine is None:
            raise
        raise ConfigError(error.faults, f"{TITLE} ({_SHARED[config.teacher.combine]})") from error
    if not any(objective.needs_teacher for objective in distilled):
        fault = Fault(("distillation", "losses"), "nothing in it compares with the teacher at a weight above 0")
        raise ConfigError([fault], TITLE)
    taps = {tap for objective in distilled for tap in objective.required_taps().teacher}
    streams = streams_of([*teacher.networks, student], [*objectives, *distilled])
    return Needs(streams, (*teacher.trained, student), frozenset({"logits", *taps}))


@dataclass
class _ConfiguredTeacher:
    """What a configuration says of its teacher: taps with their widths, networks, those trained, and their losses."""

    widths: Mapping[str, int] = field(default_factory=dict)
    networks: list[nn.Module] = field(default_factory=list)
    trained: list[nn.Module] = field(default_factory=list)
    objectives: list[Objective] = field(default_factory=list)


def _configured_teacher(config: DistillConfig, layout: SkeletonLayout) -> _ConfiguredTeacher:
    found = _ConfiguredTeacher()
    widths: list[Mapping[str, int]] = []
    for place, source in config.teacher.sources().values():
        if source.outputs is not None:
            widths.append(_stored_widths(OutputStore.open(source.outputs), config, place))
            continue
        if source.checkpoint is not None:
            network, _ = load_network(find_checkpoint(source.checkpoint, TEACHER_ROLES))
        else:
            assert source.network is not None, "the schema wants a network, a checkpoint or outputs"
            network = _checked_network(source.network, layout)
            found.trained.append(network)
            found.objectives += checked_objectives(place, source.stages, network, layout)
        found.networks.append(network)
        widths.append({**_bare_widths(cast(Network, network).tap_widths), "logits": BARE_CLASSES})
    combine = config.teacher.combine
    found.widths = combined_widths(widths, combine) if combine is not None else widths[0]
    return found


def _stored_widths(store: OutputStore, config: DistillConfig, place: Place) -> dict[str, int]:
    """Widths of the taps of imported outputs.

    Raises:
        ConfigError: when the configuration shows clips in a way that outputs cannot answer.
    """
    if config.data.streams.flip > 0:
        raise ConfigError(
            [
                Fault(
                    ("data", "streams", "flip"),
                    f"mirrors training clips, and {dotted(place)}.outputs are those of plain clips: set it to 0, or "
                    "take a teacher that can be asked",
                )
            ],
            "The teacher cannot answer what training shows it: the configuration",
        )
    return {**_bare_widths(store.card.widths), "logits": BARE_CLASSES}


def _bare_widths(widths: Mapping[str, int]) -> dict[str, int]:
    """Widths with a few classes wherever there are scores over the vocabulary, as all networks have them here."""
    return {name: BARE_CLASSES if holds_scores(name) else width for name, width in widths.items()}


def check_training(config: TrainConfig) -> Needs:
    """The same for a network that is trained without a teacher."""
    _check_data(config.data)
    layout = configured_layout(config.data)
    network = _checked_network(config.network, layout)
    return Needs(streams_of([network], checked_objectives((), config.stages, network, layout)), (network,))


def configured_layout(data: Data) -> SkeletonLayout:
    """The skeleton layout that a data section asks for."""
    default = resolve(data.corpus["_target_"]).parameters["layout"].default
    return skeleton_layout(data.corpus.get("layout", default))


def find_checkpoint(path: str, roles: Sequence[str] = MAIN_ROLES) -> Path:
    """The checkpoint at a path: itself, or the first of ``roles`` that lies in a run folder.

    Raises:
        ValueError: when there is none.
    """
    given = Path(path)
    named = [given.with_name(f"{given.name.removesuffix('.safetensors')}.safetensors")] if given.name else []
    for candidate in (*named, *(given / f"{role}.safetensors" for role in roles)):
        if candidate.is_file():
            return candidate.with_suffix("")
    raise ValueError(
        f"there is no checkpoint at {path}: name a .safetensors file, or a run folder that holds "
        + " or ".join(f"{role}.safetensors" for role in roles)
    )


def find_network(run: Path, role: str | None) -> Path:
    """The checkpoint of a network of a run folder: of ``role``, or what the run was for.

    Raises:
        ValueError: when the folder does not hold it, naming those that it holds.
    """
    if role is None:
        return find_checkpoint(str(run))
    held = sorted(path.stem for path in run.glob("*.safetensors") if _ROLE.fullmatch(path.stem))
    if role not in held:
        raise ValueError(f"{run} holds no network {role!r}: it holds {', '.join(held) or 'none'}")
    return run / role


def bare_network(node: Mapping[str, Any], layout: SkeletonLayout) -> nn.Module:
    """The network with a few classes and without published weights, which may have to be fetched."""
    with preserved():
        return build(without_weights(node), num_classes=BARE_CLASSES, layout=layout)


def _checked_network(node: Mapping[str, Any], layout: SkeletonLayout) -> nn.Module:
    """The same; a file of weights that it begins from is read now, lest it turn out wrong later."""
    if weights_file(node) is None:
        return bare_network(node, layout)
    with preserved():
        return build(node, num_classes=BARE_CLASSES, layout=layout)


def streams_of(networks: Iterable[nn.Module], objectives: Iterable[Objective]) -> frozenset[str]:
    """The streams of a clip that networks and losses read."""
    read = {cast(Network, network).input_stream for network in networks}
    return frozenset(read.union(*(objective.required_streams() for objective in objectives)))


def _check_data(data: Data) -> None:
    protocol_by_name(data.protocol)
    make_pipelines(data)
    make_plan(data)


def checked_objectives(
    place: Place,
    stages: Iterable[Stage],
    network: nn.Module,
    layout: SkeletonLayout,
    *,
    over: Mapping[str, LossTerm] = MappingProxyType({}),
    teacher: Mapping[str, int] | None = None,
    sizes: CorpusSizes | None = None,
) -> list[Objective]:
    """The objectives of all stages, the losses ``over`` laid over their own.

    ``sizes`` are those of an open corpus, where the network was built for all of its classes.

    Raises:
        ConfigError: with every fault of any of them.
    """
    objectives: list[Objective] = []
    faults: list[Fault] = []
    sizes = sizes or CorpusSizes(BARE_CLASSES, len(layout), _CLIPS)
    for stage in stages:
        here = (*place, "stages", stage.name)
        losses = {**(stage.losses or {}), **over}
        if not any(term.weight for term in losses.values()):
            faults.append(Fault(here, "has no losses: name at least one of a weight above 0"))
            continue
        if teacher is not None and stage.taught_by is not None:
            message = f"it is taught by its {stage.taught_by}, and by the teacher of the distillation: leave it out"
            faults.append(Fault((*here, "taught_by"), message))
        try:
            with preserved():
                objective = make_objective(losses, network, sizes, teacher or own_widths(stage, network, sizes))
        except ConfigError as error:
            faults += [_at_home(fault, here, over) for fault in error.faults]
            continue
        faults += [Fault(here, message) for message in _stage_complaints(stage, network, objective)]
        objectives.append(objective)
    if faults:
        raise ConfigError(dict.fromkeys(faults), TITLE)
    return objectives


def _at_home(fault: Fault, stage: Place, over: Mapping[str, LossTerm]) -> Fault:
    """A fault of ``losses.NAME`` with the place where that loss is written."""
    written = ("distillation",) if fault.place[1] in over else stage
    return Fault((*written, *fault.place), fault.message)


def _stage_complaints(stage: Stage, network: nn.Module, objective: Objective) -> Iterator[str]:
    """What optimiser and schedules of a stage refuse, and a teacher that no loss listens to."""
    if stage.taught_by is not None and not objective.needs_teacher:
        yield f"it is taught by its {stage.taught_by}, and no loss of it compares with a teacher"
    attempts: list[Callable[[], object]] = [
        partial(make_optimizer, stage, network, objective),
        partial(make_rate_schedule, stage),
        partial(_walk, objective, stage.epochs),
    ]
    for attempt in attempts:
        try:
            attempt()
        except ValueError as error:
            yield str(error)


def _walk(objective: Objective, epochs: int) -> None:
    """Visit every epoch; the objective refuses one in which no loss has a weight."""
    for epoch in range(epochs):
        objective.set_epoch(epoch)
