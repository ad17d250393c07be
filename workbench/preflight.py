"""Before any data is touched: do the networks exist as configured, and do the losses find the taps they read?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from torch import nn

from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.types import Network
from workbench.assemble import make_objective, make_pipelines
from workbench.checkpoint import load_network
from workbench.components import build
from workbench.faults import ConfigError, Fault
from workbench.rng import preserved
from workbench.schema import Data, DistillConfig, LossTerm, Stage, TrainConfig
from workbench.targets import resolve

_CLASSES = 3  # any number does: nothing that is checked depends on it


def check_distillation(config: DistillConfig) -> None:
    """Refuse a configuration whose losses do not fit its networks.

    Raises:
        ConfigError: naming the loss, the tap and what is published instead.
        ValueError: when the teacher's checkpoint cannot be read.
    """
    make_pipelines(config.data)
    layout = configured_layout(config.data)
    if config.teacher.checkpoint is not None:
        teacher, _ = load_network(find_checkpoint(config.teacher.checkpoint))
    else:
        assert config.teacher.network is not None
        teacher = _shell(config.teacher.network, layout)
        _check_stages("teacher", config.teacher.stages, {}, teacher, layout, None)
    student = _shell(config.student.network, layout)
    _check_stages("student", config.student.stages, {}, student, layout, None)
    widths = {**cast(Network, teacher).tap_widths, "logits": _CLASSES}
    _check_stages("distillation", config.student.stages, config.distillation.losses, student, layout, widths)


def check_training(config: TrainConfig) -> None:
    """The same for a network that is trained without a teacher."""
    make_pipelines(config.data)
    layout = configured_layout(config.data)
    _check_stages("", config.stages, {}, _shell(config.network, layout), layout, None)


def configured_layout(data: Data) -> SkeletonLayout:
    """The skeleton layout that a data section asks for."""
    default = resolve(data.corpus["_target_"]).parameters["layout"].default
    return skeleton_layout(data.corpus.get("layout", default))


def find_checkpoint(path: str) -> Path:
    """The checkpoint at a path: itself, or ``student`` or ``network`` in a run folder.

    Raises:
        ValueError: when there is none.
    """
    given = Path(path)
    for candidate in (given, given / "student", given / "network"):
        if candidate.with_name(f"{candidate.name.removesuffix('.safetensors')}.safetensors").is_file():
            return candidate
    raise ValueError(f"there is no checkpoint at {path}: name a .safetensors file, or a run folder that holds one")


def _shell(node: Mapping[str, Any], layout: SkeletonLayout) -> nn.Module:
    """The network with a few classes and without published weights, which may have to be fetched."""
    bare = {**node, "weights": None} if "weights" in node else dict(node)
    with preserved():
        return build(bare, num_classes=_CLASSES, layout=layout)


def _check_stages(
    place: str,
    stages: Iterable[Stage],
    over: Mapping[str, LossTerm],
    network: nn.Module,
    layout: SkeletonLayout,
    teacher: Mapping[str, int] | None,
) -> None:
    faults: list[Fault] = []
    for stage in stages:
        losses = {**(stage.losses or {}), **over}
        if not any(term.weight for term in losses.values()):
            faults.append(Fault((place, "stages", stage.name), "has no losses: name at least one of a weight above 0"))
            continue
        try:
            with preserved():
                make_objective(losses, network, _CLASSES, len(layout), teacher)
        except ConfigError as error:
            faults += [Fault((place, *fault.place), fault.message) for fault in error.faults]
    if faults:
        raise ConfigError(dict.fromkeys(faults), "The losses do not fit the networks")


def required_taps(config: DistillConfig, teacher: Network) -> set[str]:
    """Taps of the teacher that the distillation reads, the logits included."""
    layout = configured_layout(config.data)
    student = _shell(config.student.network, layout)
    widths = {**teacher.tap_widths, "logits": _CLASSES}
    with preserved():
        objective = make_objective(config.distillation.losses, student, _CLASSES, len(layout), widths)
    return {"logits", *objective.required_taps().teacher}
