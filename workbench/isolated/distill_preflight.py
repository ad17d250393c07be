"""Before a distillation on isolated clips: do teacher, assistants and student fit clips, losses and each other?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from torch import nn

from kd.ensemble import combined_widths
from kd.objective import Objective
from slr.types import Batch, Network
from workbench.faults import ConfigError, Fault, Place
from workbench.isolated.distill_schema import IsolatedDistillConfig, IsolatedTeacherSource
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.preflight import (
    check_stages,
    refuse_blanks,
    send_through,
    two_clips,
    untrained_network,
)
from workbench.isolated.schema import IsolatedStage
from workbench.isolated.teacher import loaded, read_scores
from workbench.preflight import TITLE, checked_objectives
from workbench.schema import LossTerm

_NOTHING: Mapping[str, LossTerm] = MappingProxyType({})
Widths = Mapping[str, int]


def check_isolated_distillation(config: IsolatedDistillConfig, place: IsolatedPlace) -> None:
    """Refuse a configuration whose parts do not fit each other.

    Two training clips are sent through pipeline, networks and losses.

    Raises:
        ConfigError: when a network or a loss cannot stand where it does, or nothing is distilled.
        ValueError: when a teacher does not fit the corpus, or the clips do not go through.
    """
    batch = two_clips(place)
    widths = _teacher_widths(config, place, batch)
    for one in config.assistants:
        where = ("assistants", one.name)
        losses = {**config.distillation.losses, **(one.losses or {})}
        widths = _check_taught(config, place, where, one.network, one.stages, losses, widths, batch)
    student = config.student
    network = untrained_network(place, student.network)
    alone = checked_objectives(("student",), student.stages, network, place.corpus.layout, sizes=place.sizes)
    send_through(network, alone, batch)
    over = config.distillation.losses
    _check_taught(config, place, ("student",), student.network, student.stages, over, widths, batch)


def _check_taught(
    config: IsolatedDistillConfig,
    place: IsolatedPlace,
    where: Place,
    node: Mapping[str, Any],
    stages: tuple[IsolatedStage, ...],
    losses: Mapping[str, LossTerm],
    teacher: Widths,
    batch: Batch,
) -> Widths:
    """Check a network that is taught; returns what it can teach in turn."""
    network = untrained_network(place, node)
    objectives = checked_objectives(
        where, stages, network, place.corpus.layout, over=losses, teacher=teacher, sizes=place.sizes
    )
    refuse_blanks(objectives)
    check_stages(where, stages, place)
    _check_listening(where, stages, objectives)
    if not _is_live(config):
        _refuse_mixtures(where, stages)
    send_through(network, objectives, batch, teacher)
    return _published(network, place) if config.teacher.live else {"logits": place.sizes.classes}


def _check_listening(where: Place, stages: tuple[IsolatedStage, ...], objectives: list[Objective]) -> None:
    if not any(objective.needs_teacher for objective in objectives):
        fault = Fault(
            (*where, "stages", stages[-1].name), "no loss of it compares with the teacher at a weight above 0"
        )
        raise ConfigError([fault], TITLE)


def _is_live(config: IsolatedDistillConfig) -> bool:
    """Whether whoever teaches answers for the clips as they are shown."""
    return config.teacher.live and all(source.scores is None for _, source in config.teacher.sources().values())


def _refuse_mixtures(where: Place, stages: tuple[IsolatedStage, ...]) -> None:
    faults = [
        Fault(
            (*where, "stages", stage.name, "mixup"),
            "mixes clips, and the teacher was asked about whole ones: leave it out",
        )
        for stage in stages
        if stage.mixup is not None
    ]
    if faults:
        raise ConfigError(faults, "The teacher cannot answer what training shows it: the configuration")


def _teacher_widths(config: IsolatedDistillConfig, place: IsolatedPlace, batch: Batch) -> Widths:
    widths = [
        _widths_of(source, where, place, batch, live=config.teacher.live)
        for where, source in config.teacher.sources().values()
    ]
    combine = config.teacher.combine
    return widths[0] if combine is None else combined_widths(widths, combine)


def _widths_of(
    source: IsolatedTeacherSource, where: Place, place: IsolatedPlace, batch: Batch, *, live: bool
) -> Widths:
    if source.scores is not None:
        read_scores(source.scores, place)
        return {"logits": place.sizes.classes}
    if source.checkpoint is not None:
        network = loaded(source.checkpoint, place).network
    else:
        assert source.network is not None, "the schema wants a network, a checkpoint or scores"
        network = untrained_network(place, source.network)
        objectives = checked_objectives(where, source.stages, network, place.corpus.layout, sizes=place.sizes)
        refuse_blanks(objectives)
        check_stages(where, source.stages, place)
        send_through(network, objectives, batch)
    return _published(network, place) if live else {"logits": place.sizes.classes}


def _published(network: nn.Module, place: IsolatedPlace) -> Widths:
    return {**cast(Network, network).tap_widths, "logits": place.sizes.classes}
