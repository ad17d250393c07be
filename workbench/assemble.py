"""From a configuration to the objects it names. Nothing else in the project builds from configurations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from kd.losses.base import Loss
from kd.objective import Objective, Schedule, Term
from slr.ctc import Decoder, NgramModel, decoder_by_name
from slr.data import (
    BatchedDataset,
    Corpus,
    PosePipeline,
    RgbPipeline,
    SignDataset,
    TemporalPlan,
    loader,
    pose_channels,
    set_epoch,
    without_test,
)
from slr.synthesis.folder import Progress as MakingProgress
from slr.types import Batch, Network
from slr.vocabulary import Vocabulary
from workbench.components import build
from workbench.faults import ConfigError, Fault, did_you_mean
from workbench.rng import preserved
from workbench.schedule import Schedule as RateSchedule
from workbench.schedule import make_schedule
from workbench.schema import Data, Evaluate, Loading, LossTerm, Stage
from workbench.targets import resolve
from workbench.trainer import layered_groups, parameter_groups


def open_corpus(data: Data, progress: MakingProgress | None = None) -> Corpus:
    """The corpus of a data section; a corpus that can be made is made when it is missing."""
    return build(data.corpus, root=data.root, progress=progress)


def make_dataset(
    corpus: Corpus,
    split: str,
    vocabulary: Vocabulary,
    data: Data,
    *,
    streams: Iterable[str],
    training: bool = False,
    seed: int = 0,
) -> SignDataset:
    """The clips of a split as the data section prepares them; training sees the corpus without its test split."""
    rgb, pose = make_pipelines(data)
    return SignDataset(
        without_test(corpus) if training else corpus,
        split,
        vocabulary,
        streams=streams,
        plan=make_plan(data),
        rgb_pipeline=rgb,
        pose_pipeline=pose,
        training=training,
        seed=seed,
        flip=data.streams.flip,
        rgb_stride=data.streams.rgb_stride,
        frame_cache_mb=data.frame_cache_mb,
    )


def make_plan(data: Data) -> TemporalPlan:
    """Which frames of a clip are shown."""
    return TemporalPlan(**data.plan)


def make_pipelines(data: Data) -> tuple[RgbPipeline, PosePipeline]:
    """What is done to the frames and to the keypoints of a clip."""
    pose = {key: _built(value) for key, value in data.streams.pose.items()}
    return make_rgb_pipeline(data.streams.rgb), PosePipeline(**pose)


def make_rgb_pipeline(options: Mapping[str, Any]) -> RgbPipeline:
    """What is done to the frames of a clip; the augmentations among its options are nodes still."""
    return RgbPipeline(**{key: _built(value) for key, value in options.items()})


def _built(value: Any) -> Any:
    if isinstance(value, Mapping):
        return build(value)
    return [_built(child) for child in value] if isinstance(value, list | tuple) else value


class StageBatches:
    """The training batches of one stage, by epoch: the trainer's view of a dataset."""

    def __init__(
        self, dataset: BatchedDataset, stage: Stage, loading: Loading, seed: int, pin_memory: bool = False
    ) -> None:
        self._loader = loader(
            dataset,
            frames_per_batch=stage.frames_per_batch,
            max_clips=stage.max_clips,
            seed=seed,
            max_padding=loading.max_padding,
            workers=loading.workers,
            pin_memory=pin_memory,
        )

    def count(self, epoch: int) -> int:
        """Batches of an epoch."""
        set_epoch(self._loader, epoch)
        return len(self._loader)

    def epoch(self, epoch: int, first: int = 0) -> Iterable[Batch]:
        """The batches of an epoch from ``first`` on."""
        set_epoch(self._loader, epoch, first)
        return cast(Iterable[Batch], self._loader)


def evaluation_batches(dataset: SignDataset, frames_per_batch: int, data: Data) -> Iterable[Batch]:
    """Every clip once, long ones first, unaugmented."""
    batches = loader(
        dataset, frames_per_batch=frames_per_batch, shuffle=False, max_padding=data.max_padding, workers=data.workers
    )
    return cast(Iterable[Batch], batches)


def network_arguments(node: Mapping[str, Any], corpus: Corpus, data: Data) -> dict[str, Any]:
    """What the workbench adds to a network's own arguments, beside the number of classes.

    That is the skeleton ``layout`` of the corpus, the channels of a joint (``in_channels``, unless the node states
    them) and the ``frame_size`` (width, height) in which frames reach the network, where the network asks for them.
    """
    rgb, _ = make_pipelines(data)
    wanted = resolve(node["_target_"]).parameters
    known: dict[str, Any] = {"layout": corpus.layout, "frame_size": rgb.delivered_size(corpus.frame_size)}
    if "in_channels" in wanted and "in_channels" not in node:
        known["in_channels"] = pose_channels(corpus)
    return {name: value for name, value in known.items() if name in wanted}


def make_network(node: Mapping[str, Any], num_classes: int, arguments: Mapping[str, Any], seed: int) -> nn.Module:
    """A network with initial weights that depend on the seed alone."""
    with preserved():
        torch.manual_seed(seed)
        return build(node, num_classes=num_classes, **arguments)


@dataclass(frozen=True)
class CorpusSizes:
    """What losses may know of a corpus: the width of its logits, its joints, its training clips.

    The names of its classes are known where it is one of isolated clips.
    """

    classes: int
    joints: int
    clips: int
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, corpus: Corpus, vocabulary: Vocabulary) -> CorpusSizes:
        """The sizes of an open corpus."""
        return cls(len(vocabulary), len(corpus.layout), len(corpus.clips("train")))


def make_objective(
    losses: Mapping[str, LossTerm], student: nn.Module, sizes: CorpusSizes, teacher: Mapping[str, int] | None
) -> Objective:
    """The weighted losses of a stage, with projections as wide as the taps they read.

    ``teacher`` gives the width of every tap that the teacher publishes, and of its logits; ``None`` where there is
    none.

    Raises:
        ConfigError: when a loss reads a tap that nobody publishes, or needs a teacher where there is none.
    """
    student_widths = {**cast(Network, student).tap_widths, "logits": sizes.classes}
    faults: list[Fault] = []
    terms = {}
    for name, term in losses.items():
        if term.weight == 0:
            continue
        widths = _widths(name, term, student_widths, teacher, faults)
        if widths is not None:
            loss = build(term.loss, joints=sizes.joints, clips=sizes.clips, class_names=sizes.class_names, **widths)
            faults += _tap_faults(name, loss, student_widths, teacher)
            terms[name] = Term(loss, term.weight, _schedule_of(term))
    if faults:
        raise ConfigError(faults, "The losses do not fit the networks")
    return Objective(terms)


def own_widths(stage: Stage, network: nn.Module, sizes: CorpusSizes) -> dict[str, int] | None:
    """What a network publishes as its own teacher; None where a stage does not make it one."""
    return None if stage.taught_by is None else {**cast(Network, network).tap_widths, "logits": sizes.classes}


def _widths(
    name: str, term: LossTerm, student: Mapping[str, int], teacher: Mapping[str, int] | None, faults: list[Fault]
) -> dict[str, int] | None:
    target = cast(type[Loss], resolve(term.loss["_target_"]).call)
    arguments = {key: value for key, value in term.loss.items() if key != "_target_"}
    widths = {}
    for argument, tap in target.wanted_widths(arguments).items():
        available = student if argument == "student_width" else (teacher or {})
        if argument == "teacher_width" and teacher is None:
            faults.append(Fault(("losses", name), "compares with a teacher, and this training has none"))
            return None
        if tap not in available:
            faults.append(Fault(("losses", name), _no_tap(argument.removesuffix("_width"), tap, available)))
            return None
        widths[argument] = available[tap]
    return widths


def _tap_faults(name: str, loss: Any, student: Mapping[str, int], teacher: Mapping[str, int] | None) -> list[Fault]:
    if loss.needs_teacher and teacher is None:
        return [Fault(("losses", name), "compares with a teacher, and this training has none")]
    sides = [("student", loss.student_taps, student)]
    if teacher is not None:
        sides.append(("teacher", loss.teacher_taps, teacher))
    return [
        Fault(("losses", name), _no_tap(side, tap, widths))
        for side, taps, widths in sides
        for tap in taps
        if tap not in widths
    ]


def _no_tap(side: str, tap: str, widths: Mapping[str, int]) -> str:
    return f"reads the tap {tap!r}, which the {side} does not publish{did_you_mean(tap, widths)}"


def _schedule_of(term: LossTerm) -> Schedule:
    return Schedule(
        start_epoch=term.start_epoch,
        warmup_epochs=term.warmup_epochs,
        decay_start=term.decay_start,
        decay_epochs=term.decay_epochs,
        final=term.final,
    )


def make_optimizer(stage: Stage, network: nn.Module, objective: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a stage over what the network and its losses learn, each group at the rate that is its own."""
    if stage.layer_decay is None:
        groups = parameter_groups(network, objective)
        shares = [1.0] * len(groups)
    else:
        groups, shares = layered_groups(network, objective, stage.layer_decay)
    optimizer: torch.optim.Optimizer = build(stage.optimizer, params=groups)
    scale = 1.0
    if stage.rate_clips is not None:
        assert stage.max_clips is not None, "the schema wants it"
        scale = stage.max_clips * stage.accumulate / stage.rate_clips
    for group, share in zip(optimizer.param_groups, shares, strict=True):
        group["lr"] *= scale * share
    return optimizer


def make_rate_schedule(stage: Stage) -> RateSchedule:
    """How the learning rate moves over a stage."""
    settings = {name: value for name, value in stage.schedule if name != "kind" and value is not None}
    return make_schedule(stage.schedule.kind, epochs=stage.epochs, **settings)


def make_decoder(evaluate: Evaluate, vocabulary: Vocabulary) -> Decoder:
    """The decoder that results are reported with.

    Raises:
        ValueError: when a package or a language model that it needs is missing, or of another vocabulary.
    """
    if not isinstance(evaluate.decoder, str):
        return build(evaluate.decoder, vocabulary=vocabulary)
    model = None if evaluate.language_model is None else NgramModel(evaluate.language_model, vocabulary.glosses)
    return decoder_by_name(
        evaluate.decoder,
        evaluate.beam_width,
        n_best=evaluate.n_best,
        backend=evaluate.backend,
        language_model=model,
        language_weight=evaluate.language_weight,
        insertion_bonus=evaluate.insertion_bonus,
    )
