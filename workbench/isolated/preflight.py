"""Before training: does the network fit the corpus, do the losses fit the network, and does a clip go through?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import torch
from torch import nn

from kd.losses.base import Loss
from kd.objective import Objective
from slr.data.isolated import collate_isolated
from slr.types import Batch, NetOutput, Network, Padded
from workbench.components import build
from workbench.faults import ConfigError, Fault, Place
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.schema import IsolatedStage, IsolatedTrainConfig
from workbench.preflight import TITLE, checked_objectives
from workbench.published_weights import without_weights
from workbench.rng import preserved


def check_isolated(config: IsolatedTrainConfig, place: IsolatedPlace) -> nn.Module:
    """Refuse a configuration whose parts do not fit each other.

    Two training clips are sent through pipeline, network and losses, so that what does not fit is said before anything
    is trained.

    Returns:
        the network, untrained.

    Raises:
        ConfigError: when network or losses cannot stand where they do.
        ValueError: when the clips do not go through.
    """
    network = untrained_network(place, config.network)
    objectives = checked_objectives((), config.stages, network, place.corpus.layout, sizes=place.sizes)
    refuse_blanks(objectives)
    check_stages((), config.stages, place)
    send_through(network, objectives, two_clips(place))
    return network


def untrained_network(place: IsolatedPlace, node: Mapping[str, Any]) -> nn.Module:
    """The network for all classes of the corpus, without published weights.

    Raises:
        ConfigError: when it has no head for classes.
        ValueError: when it reads frames, and there are none.
    """
    arguments = place.network_arguments(node)
    with preserved():
        network = build(without_weights(node), num_classes=place.sizes.classes, **arguments)
    place.check_stream(cast(Network, network).input_stream)
    return network


def refuse_blanks(objectives: Iterable[Objective]) -> None:
    """Refuse losses that would take the first class for the blank of sentences.

    Raises:
        ConfigError: naming each of them.
    """
    named = {name: cast(Loss, loss) for objective in objectives for name, loss in objective.losses.items()}
    faults = [Fault(("losses", name), _blank_read(loss)) for name, loss in named.items() if loss.reads_blank]
    if faults:
        raise ConfigError(faults, TITLE)


def _blank_read(loss: Loss) -> str:
    if hasattr(loss, "blank"):
        return f"blank is {loss.blank!r}, and classes have no blank: set it to keep"
    return f"{type(loss).__name__} takes the first class for the blank, and classes have none: leave it out"


def check_stages(where: Place, stages: Iterable[IsolatedStage], place: IsolatedPlace) -> None:
    """Refuse stages that ask for what the corpus has not, and mixtures that cannot be made.

    Raises:
        ConfigError: naming each of them.
        ValueError: when a setting of a mixture is out of range.
    """
    faults = []
    for stage in stages:
        if stage.mixup is not None:
            build(stage.mixup)
        if stage.mixup is not None and place.frames is not None:
            message = "mixes skeletons, and not the frames beside them: leave it out, or data.frames"
            faults.append(Fault((*where, "stages", stage.name, "mixup"), message))
        if stage.patience is not None and not place.has("dev"):
            message = f"patience is {stage.patience}, and no dev part is held out to look at: set data.corpus.held_out"
            faults.append(Fault((*where, "stages", stage.name), message))
    if faults:
        raise ConfigError(faults, "The stages do not fit the corpus")


def two_clips(place: IsolatedPlace) -> Batch:
    """The first and the last training clip, as testing shows them."""
    dataset = place.dataset("train", place.streams)
    return collate_isolated([dataset[0], dataset[len(dataset) - 1]])


def send_through(
    network: nn.Module, objectives: Iterable[Objective], batch: Batch, teacher: Mapping[str, int] | None = None
) -> None:
    """See that clips go through a network, and its answer through the losses.

    ``teacher`` are the widths of what a teacher publishes; without one a network that is its own stands in for it.

    Raises:
        ValueError: when they do not.
    """
    with preserved(), torch.no_grad():
        output = network.eval()(batch.stream(cast(Network, network).input_stream))
        said = output if teacher is None else _stand_in(output, teacher)
        for objective in objectives:
            objective(output, said if objective.needs_teacher else None, batch)


def _stand_in(output: NetOutput, widths: Mapping[str, int]) -> NetOutput:
    """Zeros as wide as what a teacher publishes, in as many steps as ``output`` has there."""

    def zeros(name: str) -> Padded:
        like = output.taps.get(name, output.logits)
        return Padded(torch.zeros(*like.values.shape[:2], widths[name]), like.lengths)

    return NetOutput(zeros("logits"), {name: zeros(name) for name in widths if name != "logits"})
