"""An open corpus of isolated clips with everything that training and testing need around it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from torch import nn

from slr.data import loader
from slr.data.isolated import (
    ClipFrames,
    IsolatedCorpus,
    IsolatedDataset,
    LearnedTransform,
    RgbView,
    Transform,
    collate_isolated,
    without_test_clips,
)
from slr.data.isolated.spec import SCORE
from slr.types import Batch, Network
from workbench.assemble import CorpusSizes, StageBatches, make_rgb_pipeline
from workbench.checkpoint import NetworkCard
from workbench.code_identity import module_hash
from workbench.components import TARGET, build
from workbench.config import content_hash
from workbench.faults import ConfigError, Fault
from workbench.isolated.judge import look
from workbench.isolated.mixed_batches import MixedBatches
from workbench.isolated.schema import IsolatedData, IsolatedEvaluate, IsolatedStage
from workbench.isolated.scores import ClipScores
from workbench.place import Judge
from workbench.precision import Precision, choose_device, choose_precision
from workbench.preflight import BARE_CLASSES
from workbench.process import settle_process
from workbench.progress import Progress
from workbench.published_weights import without_weights
from workbench.rng import preserved
from workbench.schema import Diagnostics, Run, Stage
from workbench.targets import resolve
from workbench.training_types import Batches, DevScore
from workbench.watch import GapWatch

# Settings of the data that decide weights beside what the clips show.
_DECIDING = {"stream", "pipeline", "max_padding"}
_POSE, _RGB = "pose", "rgb"


@dataclass(frozen=True)
class IsolatedPlace:
    """A :class:`workbench.place.Place` of isolated clips; ``store`` is the folder of trained networks."""

    corpus: IsolatedCorpus
    data: IsolatedData
    evaluate: IsolatedEvaluate
    precision: Precision
    store: Path
    progress: Progress
    diagnostics: Diagnostics | None = None
    frames: ClipFrames | None = None

    @classmethod
    def open(cls, run: Run, data: IsolatedData, evaluate: IsolatedEvaluate, progress: Progress) -> IsolatedPlace:
        """Open the corpus, and choose device and precision.

        Raises:
            ValueError: when there is no such corpus, device or precision.
        """
        settle_process(run.threads)
        return cls(
            corpus=build(data.corpus, root=data.root, progress=None),
            data=data,
            evaluate=evaluate,
            precision=choose_precision(run.precision, choose_device(run.device)),
            store=Path(run.out if run.store is None else run.store) / "networks",
            progress=progress,
            diagnostics=run.diagnostics,
            frames=None if data.frames is None else build(data.frames),
        )

    @property
    def streams(self) -> frozenset[str]:
        """What there is of every clip."""
        return frozenset({_POSE} if self.frames is None else {_POSE, _RGB})

    @property
    def evaluate_every(self) -> int:
        """Epochs between two looks at the dev part."""
        return self.evaluate.every_epochs

    @property
    def sizes(self) -> CorpusSizes:
        """Classes, joints and training clips."""
        corpus = self.corpus
        return CorpusSizes(len(corpus.classes), len(corpus.layout), len(corpus.clips("train")), corpus.classes)

    def bare_network(self, node: Mapping[str, Any]) -> nn.Module:
        """The network with a few classes, without published weights.

        Raises:
            ConfigError: when it has no head for classes.
        """
        with preserved():
            return build(without_weights(node), num_classes=BARE_CLASSES, **self.network_arguments(node))

    def network_arguments(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """The layout, persons, channels and frame size of the clips and the task, where the network asks for them.

        Raises:
            ConfigError: when it has no head for classes.
        """
        wanted = resolve(node[TARGET]).parameters
        if "task" not in wanted:
            fault = Fault(("network", TARGET), f"{node[TARGET]} has no head for classes, only one for sentences")
            raise ConfigError([fault], "The network does not fit the corpus")
        # As the pipeline leaves them, which may take channels out or put some in.
        _, persons, _, channels = self.dataset("train")[0].pose.shape
        known = {"task": "class", "layout": self.corpus.layout, "persons": persons, "in_channels": channels}
        if self.frames is not None:
            known["frame_size"] = self._rgb().frame_size
        return {name: value for name, value in known.items() if name in wanted}

    @cached_property
    def pipeline(self) -> tuple[Transform, ...]:
        """What is done to a clip; steps that want to see the training clips have seen them.

        Raises:
            ValueError: when a setting of a transform is out of range, or the clips do not go through.
        """
        made: list[Transform] = []
        for node in self.data.pipeline:
            step: Transform = build(node, stream=self.data.stream)
            if isinstance(step, LearnedTransform) and not step.is_fitted:
                dataset = IsolatedDataset(without_test_clips(self.corpus), "train", made)
                step = step.fitted(dataset.processed(index) for index in range(len(dataset)))
            made.append(step)
        return tuple(made)

    def dataset(self, split: str, streams: Collection[str] = (), *, views: int = 1) -> IsolatedDataset:
        """The clips of a part as testing sees them; their frames too, where ``rgb`` is among the streams.

        Raises:
            ValueError: when there are no frames.
        """
        rgb = self._rgb() if _RGB in streams else None
        return IsolatedDataset(self.corpus, split, self.pipeline, views=views, rgb=rgb)

    def sample(self) -> Batch:
        """The first training clip with all there is of it, as testing shows it."""
        return collate_isolated([self.dataset("train", self.streams)[0]])

    def check_stream(self, stream: str) -> None:
        """See that clips have what a network reads.

        Raises:
            ValueError: when it reads frames, and there are none.
        """
        if stream not in self.streams:
            raise ValueError(
                f"{self.corpus.name} has keypoints, and a network here reads frames: say in data.frames where they are"
            )

    def _rgb(self) -> RgbView:
        """Frames and their pipeline.

        Raises:
            ValueError: when there are none.
        """
        self.check_stream(_RGB)
        assert self.frames is not None, "just checked"
        return RgbView(self.frames, make_rgb_pipeline(self.data.rgb or {}))

    def has(self, split: str) -> bool:
        """Whether a part has clips."""
        return bool(self.corpus.clips(split))

    def contents(self, splits: Iterable[str], streams: Iterable[str]) -> str:
        """Hash of what the clips of some parts show in these streams, and of their labels."""
        streams = sorted(streams)
        frames = [self.frames.contents()] if self.frames is not None and _RGB in streams else []
        return content_hash([self.corpus.contents(list(splits)), streams, *frames])

    @property
    def code(self) -> str:
        """Hash of the code that brings clips to a network; the steps of the pipeline are components."""
        return module_hash(*(one.__module__ for one in (type(self.corpus), IsolatedDataset, loader)))

    def deciding(self, streams: Collection[str]) -> dict[str, Any]:
        """Stream, pipeline and padding; what is done to frames where they are read."""
        frames = {"frames", "rgb"} if _RGB in streams else set()
        return self.data.model_dump(mode="json", include=_DECIDING | frames)

    def training_batches(self, stage: Stage, streams: Collection[str], seed: int) -> Batches:
        """The training clips of a stage; they come from a corpus without its test."""
        corpus = without_test_clips(self.corpus)
        rgb = self._rgb() if _RGB in streams else None
        dataset = IsolatedDataset(corpus, "train", self.pipeline, training=True, seed=seed, rgb=rgb)
        batches = StageBatches(dataset, stage, self.data, seed, self.precision.device.type == "cuda")
        mixup = stage.mixup if isinstance(stage, IsolatedStage) else None
        if mixup is None:
            return batches
        scored = dataset.processed(0).channels[-1] == SCORE
        return MixedBatches(batches, build(mixup), seed, scored=scored)

    def judge(self, network: nn.Module) -> Judge | None:
        """Judges a network by its top-1 accuracy on dev, every clip shown once; None where nothing is held out."""
        if not self.has("dev"):
            return None
        dataset = self.dataset("dev", {cast(Network, network).input_stream})

        def judge(candidate: nn.Module) -> DevScore:
            report = look(candidate, dataset, self.batches(dataset), self.precision).report()
            details = {"top-5": report.per_instance(5), "hits": report.hits(), "clips": len(report)}
            return DevScore(report.per_instance(), "top-1", details, higher_is_better=True)

        return judge

    def watch(self) -> GapWatch:
        """Gives the alarm when clips are learned by heart."""
        return GapWatch()

    def card(self, network: nn.Module) -> dict[str, Any]:
        """What the card of a trained network says of the corpus."""
        described = self.described(network)
        return {
            "classes": self.corpus.classes,
            "corpus": self.corpus.name,
            "layout": self.corpus.layout.name,
            "preprocessing": described,
        }

    def described(self, network: nn.Module) -> dict[str, Any]:
        """How clips are prepared for a network, as plain data."""
        streams = {cast(Network, network).input_stream}
        return {**self.dataset("train", streams).describe(), "stream": self.data.stream}

    def batches(self, dataset: IsolatedDataset) -> Iterable[Batch]:
        """Every sample once, not augmented."""
        batches = loader(dataset, max_clips=self.evaluate.clips_per_batch, shuffle=False, workers=self.data.workers)
        return cast(Iterable[Batch], batches)

    def scores(self, network: nn.Module, card: NetworkCard, split: str) -> ClipScores:
        """What a network says about every clip of a part, in as many views as the configuration wants.

        Raises:
            ValueError: when the part has no clip.
        """
        dataset = self.dataset(split, {cast(Network, network).input_stream}, views=self.evaluate.views)
        found = look(network, dataset, self.batches(dataset), self.precision, self.evaluate.average)
        identity = {
            "network": type(network).__name__,
            "stream": self.data.stream,
            "weights_sha256": card.weights_sha256,
        }
        return replace(found, about={**found.about, **identity})
