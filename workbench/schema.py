"""The skeleton of a configuration: which sections there are, their types, their defaults.

Components (networks, losses, optimisers, corpora) stay plain mappings with ``_target_`` until they are built, but here
they are checked against the signatures of their targets, together with everything else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Protocol, TypeVar

import torch
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from torch import nn

from kd.losses.base import Loss
from workbench.components import check, check_arguments
from workbench.config import Incidental, Section, Younger
from workbench.faults import Place
from workbench.schedule import settings_of
from workbench.validation import carry

Plain = dict[str, Any]


def component(*added: str, kind: type | None = None) -> AfterValidator:
    """A check of a component node to whose arguments the workbench adds ``added``."""

    def validate(node: Plain) -> Plain:
        carry(check(node, added=added, kind=kind))
        return node

    return AfterValidator(validate)


def _options(target: str) -> AfterValidator:
    """A check of a mapping that holds the arguments of one known class."""

    def validate(options: Plain) -> Plain:
        carry(check_arguments(target, options))
        return options

    return AfterValidator(validate)


CorpusNode = Annotated[Plain, component("root", "progress")]
NetworkNode = Annotated[Plain, component("num_classes", "layout", "frame_size", kind=nn.Module)]
OptimizerNode = Annotated[Plain, component("params", kind=torch.optim.Optimizer)]
LossNode = Annotated[Plain, component("student_width", "teacher_width", "joints", "clips", "class_names", kind=Loss)]
DecoderNode = Annotated[Plain, component("vocabulary")]
RgbOptions = Annotated[Plain, _options("slr.data.RgbPipeline")]
PoseOptions = Annotated[Plain, _options("slr.data.PosePipeline")]
PlanOptions = Annotated[Plain, _options("slr.data.TemporalPlan")]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Factor = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
# Folder names: they must not climb out of the output folder nor hide in it.
Name = Annotated[str, Field(pattern=r"^[\w+-][\w+.-]*$", max_length=100)]


def _without_nulls(value: Any) -> Any:
    """``name: null`` takes an inherited entry out."""
    return {key: child for key, child in value.items() if child is not None} if isinstance(value, dict) else value


StageT = TypeVar("StageT", bound="Stage")


def distinct_names(stages: tuple[StageT, ...]) -> tuple[StageT, ...]:
    """Refuse stages of one name, and a first one that is taught by the last.

    Raises:
        ValueError: naming them.
    """
    names = [stage.name for stage in stages]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"stages need names of their own, and {', '.join(repeated)} stands twice")
    if stages and stages[0].taught_by == "last stage":
        raise ValueError(f"{stages[0].name} is taught by the last stage, and there is none before it")
    return stages


class Diagnostics(Section):
    """How often a distillation is diagnosed: in every ``every_epochs``-th epoch, on some ``batches`` of it.

    A measured batch costs a backward pass per loss: on ``small``, where an epoch has 41 batches, 4 % of that epoch with
    the losses of the main configuration, and less on anything larger. Diagnostics change no weight, so a network that
    is already trained is not trained again for them.
    """

    every_epochs: Positive = 10
    batches: Positive = 1


class Run(Section):
    """What a run is called and what it runs on; ``diagnostics: null`` switches these off.

    Trained networks, teacher outputs and pseudo-labels lie in ``store``, which runs may share whose folders lie apart;
    when it is left out they lie in ``out``, beside the run folders.
    """

    name: Name
    seed: Seed = 0
    out: Annotated[str, Incidental] = "runs"
    store: Annotated[str | None, Incidental] = None
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: Annotated[Literal["auto", "cpu", "cuda"], Incidental] = "auto"
    threads: Annotated[Positive | None, Incidental] = None
    diagnostics: Annotated[Diagnostics | None, Incidental] = Diagnostics()


class Streams(Section):
    """How the streams of a clip are prepared: arguments of ``slr.data.RgbPipeline`` and ``slr.data.PosePipeline``."""

    rgb: RgbOptions = Field(default_factory=dict)
    pose: PoseOptions = Field(default_factory=dict)
    rgb_stride: Positive = 1
    flip: Share = 0.0


class Loading(Section):
    """How samples become batches."""

    max_padding: Annotated[float, Field(ge=0, lt=1)] = 0.25
    workers: Annotated[Count, Incidental] = 0


class Data(Loading):
    """A corpus, how clips of it become samples and batches, and the protocol it is scored by."""

    root: str
    corpus: CorpusNode
    protocol: str = "raw"
    vocabulary: Literal["train", "union"] = "train"
    plan: PlanOptions = Field(default_factory=dict)
    streams: Streams = Streams()
    frame_cache_mb: Annotated[Count, Incidental] = 0


class ScheduleOptions(Section):
    """How the learning rate moves over a stage, as a factor on the rate of the optimiser.

    ``one_cycle`` and ``cosine`` have a ``warmup``, a share of the stage, and factors at ``start`` and ``end``. The
    others count in epochs, also those of their linear warm-up from ``start`` (``warmup_epochs``): ``step`` multiplies
    by ``gamma`` at each of its ``milestones``; ``cosine_restarts`` falls to ``end`` within a ``period``, then within
    periods ``stretch`` times as long, each beginning at ``gamma`` times the height of the last; ``cyclic`` rises from
    ``low`` and falls back within every ``period``, by ``gamma`` less each time. A setting left out takes the default of
    its function in ``workbench.schedule``; one that the kind does not have is a fault.
    """

    kind: Literal["one_cycle", "cosine", "cosine_restarts", "cyclic", "step", "constant"] = "constant"
    warmup: Share | None = None
    start: Annotated[float, Field(gt=0, le=1)] | None = None
    end: Share | None = None
    milestones: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    gamma: Annotated[float, Field(gt=0)] | None = None
    warmup_epochs: Annotated[Factor | None, Younger] = None
    period: Annotated[Annotated[float, Field(gt=0)] | None, Younger] = None
    stretch: Annotated[Annotated[float, Field(ge=1)] | None, Younger] = None
    low: Annotated[Share | None, Younger] = None

    @model_validator(mode="after")
    def _fitting_kind(self) -> ScheduleOptions:
        given = {name for name, value in self if name != "kind" and value is not None}
        wrong = sorted(given - settings_of(self.kind))
        if wrong:
            raise ValueError(f"a {self.kind} schedule has no {' and no '.join(wrong)}")
        if self.kind == "step" and not self.milestones:
            raise ValueError("a step schedule needs its milestones, the epochs at which the rate drops")
        if self.kind in ("cosine_restarts", "cyclic") and self.period is None:
            raise ValueError(f"a {self.kind} schedule needs its period, the epochs of a cycle")
        return self


class LossTerm(Section):
    """One weighted loss of an objective; how the weight moves over the epochs is said in ``kd.objective.Schedule``."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    start_epoch: Count = 0
    warmup_epochs: Count = 0
    decay_start: Count = 0
    decay_epochs: Count = 0
    final: Share = 0.0
    loss: LossNode


Losses = Annotated[dict[str, LossTerm], BeforeValidator(_without_nulls), Field(min_length=1)]


class WeightAverage(Section):
    """A running average of a network's weights, see :func:`workbench.averaging.make_average`."""

    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999


class Stage(Section):
    """One stretch of training with an optimiser of its own.

    ``losses`` may be left out where the stage belongs to a distillation, which brings its own. ``max_clips`` and
    ``frames_per_batch`` (padded frames) bound a batch, one of them at least; ``accumulate`` batches make one step of
    the optimiser.

    The rate of the optimiser is for steps of any size, or, with ``rate_clips``, for steps of so many clips: then it is
    multiplied by ``max_clips * accumulate / rate_clips`` (the linear rule of Goyal et al. 2017). With ``layer_decay``
    every layer learns at that share of the rate of the layer above it, the last one at the whole rate.

    With an ``average`` of the weights it is this that is judged on dev, kept and exported. With ``patience`` the stage
    ends when so many looks at dev in a row were no better. ``taught_by`` makes the network its own teacher, for losses
    that compare with one: the ``average``, or what it was at the end of the ``last stage``.
    """

    name: Name = "main"
    epochs: Positive
    frames_per_batch: Positive | None = None
    max_clips: Positive | None = None
    accumulate: Positive = 1
    clip_grad_norm: Annotated[float, Field(gt=0)] | None = None
    optimizer: OptimizerNode
    schedule: ScheduleOptions = ScheduleOptions()
    losses: Losses | None = None
    rate_clips: Annotated[Positive | None, Younger] = None
    layer_decay: Annotated[Annotated[float, Field(gt=0, le=1)] | None, Younger] = None
    average: Annotated[WeightAverage | None, Younger] = None
    patience: Annotated[Positive | None, Younger] = None
    taught_by: Annotated[Literal["average", "last stage"] | None, Younger] = None

    @model_validator(mode="after")
    def _bounded(self) -> Stage:
        if self.frames_per_batch is None and self.max_clips is None:
            raise ValueError("a batch needs a bound: give frames_per_batch, or max_clips")
        if self.rate_clips is not None and self.max_clips is None:
            raise ValueError("rate_clips counts clips, and only frames bound a batch: give max_clips")
        if self.taught_by == "average" and self.average is None:
            raise ValueError("it is taught by the average of its weights, and keeps none: give average")
        return self


Stages = Annotated[tuple[Stage, ...], AfterValidator(distinct_names)]


class Trained(Section):
    """A network and the stages that train it."""

    network: NetworkNode
    stages: Annotated[Stages, Field(min_length=1)]


class TeacherSource(Section):
    """Where a teacher comes from: trained by ``stages``, read from a ``checkpoint``, or known by its ``outputs`` alone.

    A checkpoint, a folder or a file, rebuilds its network by itself; outputs are a folder that
    ``scripts/prepare.py teacher-outputs`` made. Where one of these is named, network and stages are not used. A network
    is trained with the seed of the run, plus ``seed`` where one is given.
    """

    seed: Seed | None = None
    network: NetworkNode | None = None
    stages: Stages = ()
    checkpoint: str | None = None
    outputs: str | None = None

    def faults_of_source(self) -> Iterator[str]:
        """What keeps this from being one teacher."""
        if self.checkpoint is not None and self.outputs is not None:
            yield "a teacher comes from a checkpoint or from outputs: name one of them"
        elif self.is_trained and (self.network is None or not self.stages):
            yield (
                "this teacher would be untrained: give it a network and the stages that train it, a checkpoint, or "
                "the outputs of another code base"
            )

    @property
    def origin(self) -> Any:
        """What decides the teacher: two of one origin are the same."""
        return (self.network, self.stages, self.seed or 0) if self.is_trained else (self.outputs, self.checkpoint)

    @property
    def is_trained(self) -> bool:
        """Whether the run trains it."""
        return self.checkpoint is None and self.outputs is None


class TeacherMember(TeacherSource):
    """One of several teachers; ``weight`` is its share where they are ``weighted``."""

    name: Name
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _from_somewhere(self) -> TeacherMember:
        fault = next(self.faults_of_source(), None)
        if fault is not None:
            raise ValueError(fault)
        return self


class Member(Protocol):
    """One of several teachers, on whatever kind of clips."""

    @property
    def name(self) -> str:
        """What it is called among them."""
        ...

    @property
    def origin(self) -> Any:
        """What decides the teacher: two of one origin are the same."""
        ...


MemberT = TypeVar("MemberT", bound=Member)


def distinct_members(members: tuple[MemberT, ...]) -> tuple[MemberT, ...]:
    """Refuse members of one name, twice the same teacher, and a single one.

    Raises:
        ValueError: naming them.
    """
    names = [member.name for member in members]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"members need names of their own, and {', '.join(repeated)} stands twice")
    for one, other in itertools.combinations(members, 2):
        if one.origin == other.origin:
            raise ValueError(
                f"{one.name} and {other.name} are the same teacher: give one of them a seed, or leave it out"
            )
    if len(members) == 1:
        raise ValueError(f"{names[0]} is alone: several teachers are two at least")
    return members


class Teacher(TeacherSource):
    """The teacher: one, or several ``members`` that answer as one.

    With members nothing else says where a teacher comes from, and ``combine`` says how they become one: the ``average``
    of their posteriors, the average ``weighted`` by their weights, or for every clip the ``best`` by its training loss,
    see :class:`kd.EnsembleTeacher`. The output steps are those of the first.
    A ``live`` teacher is asked in every step of the distillation instead of once per clip.
    """

    live: bool = False
    combine: Literal["average", "weighted", "best"] | None = None
    members: Annotated[tuple[TeacherMember, ...], AfterValidator(distinct_members)] = ()

    @model_validator(mode="after")
    def _from_somewhere(self) -> Teacher:
        fault = next(self._faults_of_members() if self.members else self.faults_of_source(), None)
        if fault is not None:
            raise ValueError(fault)
        if self.live and self.outputs is not None:
            raise ValueError("outputs are read and cannot be asked: leave live out")
        if self.combine is not None and not self.members:
            raise ValueError(f"combine is {self.combine!r}, and there is one teacher: list several as members")
        return self

    def _faults_of_members(self) -> Iterator[str]:
        if self.checkpoint is not None or self.outputs is not None:
            yield "several members are the teacher, so it has no checkpoint and no outputs of its own"
        if self.combine is None:
            yield "say how the members are combined: average, weighted or best"
        without = [member.name for member in self.members if member.weight is None]
        if self.combine == "weighted" and without:
            yield f"{without[0]} has no weight, and under weighted every member needs one"
        if self.combine != "weighted" and len(without) < len(self.members):
            yield f"weights belong to weighted, and combine is {self.combine}"

    def sources(self) -> dict[str, tuple[Place, TeacherSource]]:
        """Every teacher by its role in the run, with its place in the configuration."""
        if not self.members:
            return {"teacher": (("teacher",), self)}
        return {f"teacher-{one.name}": (("teacher", "members", one.name), one) for one in self.members}


class Distillation(Section):
    """What the student learns from the teacher.

    The losses are laid over those of every stage of the student, by name; so the distilled student differs from the
    student alone by these losses and nothing else. A loss of weight 0 takes the student's own of that name out.
    """

    losses: Losses


class Evaluate(Section):
    """How networks are judged; the dev split selects the epoch, and no other split can.

    ``labels`` is a file of pseudo-labels of dev, such as an earlier run left; a distillation without one makes its own
    with its teacher. What is in the file decides, not where it lies.
    """

    decoder: Literal["greedy", "beam"] | DecoderNode = "beam"
    beam_width: Positive = 10
    n_best: Positive = 1
    backend: Literal["auto", "own", "flashlight", "ctcdecode"] = "auto"
    language_model: str | None = None
    language_weight: Factor = 0.5
    insertion_bonus: float = 0.0
    frames_per_batch: Positive = 2000
    every_epochs: Positive = 1
    select_on: Literal["dev"] = "dev"
    labels: Annotated[str | None, Incidental] = None


class DistillConfig(Section):
    """A distillation run: teacher -> student alone -> distilled student."""

    run: Run
    data: Data
    teacher: Teacher
    student: Trained
    distillation: Distillation
    evaluate: Evaluate = Evaluate()


class TrainConfig(Section):
    """One network, no teacher."""

    run: Run
    data: Data
    network: NetworkNode
    stages: Annotated[Stages, Field(min_length=1)]
    evaluate: Evaluate = Evaluate()


class ReleasedWeights(Section):
    """Where weights came from that other people trained: the name of their layout, and the file with its hash."""

    layout: str
    file: str
    sha256: str


class ReleasedConfig(TrainConfig):
    """A network that other people trained, and the data that it reads; there are no stages, since nothing trains it."""

    released: ReleasedWeights
    stages: Stages = ()
