"""What a configuration about isolated clips holds; sections that it shares with others are those of the workbench."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from torch import nn

from slr.data.isolated import ClipFrames, MixUp, Transform
from workbench.components import TARGET
from workbench.config import Section, Younger
from workbench.schema import (
    CorpusNode,
    Loading,
    Positive,
    ReleasedWeights,
    RgbOptions,
    Run,
    Stage,
    component,
    distinct_names,
)

ISOLATED = "slr.data.isolated"  # where corpora of isolated clips come from
STREAM_MAKER = f"{ISOLATED}.ToStream"

# Arguments of a network that the corpus decides.
GIVEN_ARGUMENTS = ("num_classes", "layout", "frame_size", "task", "persons", "in_channels")

IsolatedNetworkNode = Annotated[dict[str, Any], component(*GIVEN_ARGUMENTS, kind=nn.Module)]
TransformNode = Annotated[dict[str, Any], component("stream", kind=Transform)]

FramesNode = Annotated[dict[str, Any], component(kind=ClipFrames)]
MixUpNode = Annotated[dict[str, Any], component(kind=MixUp)]


class IsolatedData(Loading):
    """A corpus of isolated clips, the stream of it, and the pipeline that makes samples of its clips.

    ``stream`` goes to the transforms of the pipeline that ask for it: ``slr.data.isolated.ToStream``, at its place in
    the pipeline, makes the stream.

    ``frames`` says where the frames of the clips are, for networks that read video; ``rgb`` holds arguments of
    ``slr.data.RgbPipeline``, which prepares them. They show what the skeleton shows: the same frames, mirrored with it.
    """

    root: str
    corpus: CorpusNode
    stream: Literal["joint", "bone", "joint-motion", "bone-motion"] = "joint"
    pipeline: tuple[TransformNode, ...] = ()
    frames: Annotated[FramesNode | None, Younger] = None
    rgb: Annotated[RgbOptions | None, Younger] = None

    @model_validator(mode="after")
    def _made_somewhere(self) -> IsolatedData:
        if self.rgb is not None and self.frames is None:
            raise ValueError("rgb says what is done to frames, and data.frames does not say where there are any")
        if self.stream != "joint" and all(node[TARGET] != STREAM_MAKER for node in self.pipeline):
            raise ValueError(f"the stream is {self.stream}, and no {STREAM_MAKER} in the pipeline makes it")
        return self


class IsolatedEvaluate(Section):
    """How networks are judged; the dev part selects the epoch, and no other part can.

    ``views`` samples of every clip are shown in testing, and their scores are averaged: ``logits`` or
    ``probabilities``, which the score file then holds.
    """

    clips_per_batch: Positive = 64
    every_epochs: Positive = 1
    select_on: Literal["dev"] = "dev"
    views: Positive = 1
    average: Literal["logits", "probabilities"] = "logits"


class IsolatedStage(Stage):
    """A stage on isolated clips: with ``mixup`` they are mixed in pairs, and the labels of both are learned."""

    mixup: Annotated[MixUpNode | None, Younger] = None


IsolatedStages = Annotated[tuple[IsolatedStage, ...], AfterValidator(distinct_names)]


class IsolatedTrainConfig(Section):
    """One network on isolated clips, no teacher."""

    run: Run
    data: IsolatedData
    network: IsolatedNetworkNode
    stages: Annotated[IsolatedStages, Field(min_length=1)]
    evaluate: IsolatedEvaluate = IsolatedEvaluate()


class IsolatedReleasedConfig(IsolatedTrainConfig):
    """A network that other people trained, and the isolated clips that it reads; there are no stages."""

    released: ReleasedWeights
    stages: IsolatedStages = ()
