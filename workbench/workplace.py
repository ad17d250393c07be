"""What all trainings and evaluations of a run share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from torch import nn

from slr.ctc import Decoder, GreedyDecoder
from slr.data import Corpus, SignDataset, loader
from slr.types import Network
from slr.vocabulary import Vocabulary
from workbench.assemble import (
    CorpusSizes,
    StageBatches,
    evaluation_batches,
    make_dataset,
    network_arguments,
    open_corpus,
)
from workbench.code_identity import module_hash
from workbench.config import content_hash
from workbench.disk import saying_when_full
from workbench.making import Making
from workbench.place import Judge
from workbench.precision import Precision, choose_device, choose_precision
from workbench.preflight import bare_network
from workbench.process import settle_process
from workbench.progress import Progress
from workbench.recognise import Recogniser, Recognition, Watcher, recognise, show
from workbench.schema import Data, Diagnostics, Evaluate, Run, Stage
from workbench.training_types import DevScore
from workbench.watch import PlateauWatch

# Settings of the data that decide weights beside what the clips show.
_DECIDING = {"protocol", "vocabulary", "plan", "streams", "max_padding"}


@dataclass(frozen=True)
class Workplace:
    """An open corpus with everything around it.

    ``store`` is the folder of trained networks, ``cache`` that of teacher outputs, ``labels`` that of pseudo-labels,
    ``readings`` that of what networks read; they are shared by the runs beside this one. ``frames_per_batch`` bounds
    the batches of evaluation, in padded frames. ``diagnostics`` says how often a distillation is diagnosed, if at all.
    """

    corpus: Corpus
    vocabulary: Vocabulary
    data: Data
    precision: Precision
    evaluate_every: int
    frames_per_batch: int
    store: Path
    cache: Path
    labels: Path
    readings: Path
    progress: Progress
    diagnostics: Diagnostics | None = None
    _fingerprints: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    @classmethod
    def open(cls, run: Run, data: Data, evaluate: Evaluate, progress: Progress) -> Workplace:
        """Open the corpus, making it when it can be made, and choose device and precision.

        Raises:
            ValueError: when there is no such corpus, device or precision.
            OSError: when there is no room to make the corpus, or it cannot be read.
        """
        settle_process(run.threads)
        with Making(progress) as making, saying_when_full(data.root):
            corpus = open_corpus(data, making)
        store = Path(run.out if run.store is None else run.store)
        return cls(
            corpus=corpus,
            vocabulary=corpus.vocabulary(data.vocabulary),
            data=data,
            precision=choose_precision(run.precision, choose_device(run.device)),
            evaluate_every=evaluate.every_epochs,
            frames_per_batch=evaluate.frames_per_batch,
            store=store / "networks",
            cache=store / "cache",
            labels=store / "labels",
            readings=store / "readings",
            progress=progress,
            diagnostics=run.diagnostics,
        )

    def dataset(self, split: str, streams: Iterable[str]) -> SignDataset:
        """The clips of a split as evaluation sees them."""
        return make_dataset(self.corpus, split, self.vocabulary, self.data, streams=streams)

    @property
    def sizes(self) -> CorpusSizes:
        """What losses may know of the corpus."""
        return CorpusSizes.of(self.corpus, self.vocabulary)

    def bare_network(self, node: Mapping[str, Any]) -> nn.Module:
        """The network with a few classes, good for asking what it reads."""
        return bare_network(node, self.corpus.layout)

    def network_arguments(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """What is added to a network's own arguments, beside the number of classes."""
        return network_arguments(node, self.corpus, self.data)

    @property
    def code(self) -> str:
        """Hash of the code that brings clips to a network: the corpus, the plan, what is done to a clip, batches."""
        return module_hash(*(one.__module__ for one in (type(self.corpus), SignDataset, loader)))

    def deciding(self, streams: Collection[str]) -> dict[str, Any]:
        """The settings of the data that decide weights, those of other streams left out."""
        settings = self.data.model_dump(mode="json", include=_DECIDING)
        unread = {"rgb", "pose"} - set(streams)
        settings["streams"] = {key: value for key, value in settings["streams"].items() if key not in unread}
        return settings

    def training_batches(self, stage: Stage, streams: Collection[str], seed: int) -> StageBatches:
        """The training clips of a stage."""
        dataset = make_dataset(
            self.corpus, "train", self.vocabulary, self.data, streams=streams, training=True, seed=seed
        )
        return StageBatches(dataset, stage, self.data, seed, self.precision.device.type == "cuda")

    def judge(self, network: nn.Module) -> Judge:
        """Judges a network by its greedy WER on dev."""
        # One dataset for all epochs: it keeps the frames it has decoded.
        dataset = self.dataset("dev", {cast(Network, network).input_stream})

        def judge(candidate: nn.Module) -> DevScore:
            batches = evaluation_batches(dataset, self.frames_per_batch, self.data)
            recognition = recognise(candidate, dataset, batches, GreedyDecoder(), self.precision)
            report = recognition.score(self.data.protocol)
            counts = report.counts.as_dict()
            return DevScore(report.wer, "WER", {name: counts[name] for name in ("sub", "del", "ins", "ref")})

        return judge

    def watch(self) -> PlateauWatch:
        """CTC trainings may stay on a plateau of blanks."""
        return PlateauWatch()

    def card(self, network: nn.Module) -> dict[str, Any]:
        """What the card of a trained network says of the corpus."""
        stream = cast(Network, network).input_stream
        return {
            "vocabulary": self.vocabulary,
            "corpus": self.corpus.name,
            "layout": self.corpus.layout.name if stream == "pose" else None,
            "preprocessing": self.dataset("dev", {stream}).describe(),
        }

    def fingerprints(self, split: str, stream: str) -> dict[str, str]:
        """The fingerprint of every clip of a split in one stream, by id; computed once.

        Raises:
            ValueError: when frames or keypoints of a clip are missing or wrong.
        """
        key = (split, stream)
        if key not in self._fingerprints:
            clips = self.corpus.clips(split)
            found = {}
            with self.progress.bar(f"looking at {split}, {stream}", len(clips)) as bar:
                for clip in clips:
                    found[clip.id] = self.corpus.fingerprint(clip, stream)
                    bar.advance()
            self._fingerprints[key] = found
        return self._fingerprints[key]

    def contents(self, splits: Iterable[str], streams: Iterable[str]) -> str:
        """Hash of all that the clips of some splits show in some streams, and of their transcripts.

        Raises:
            ValueError: when frames or keypoints of a clip are missing or wrong; so this is asked before any training.
        """
        streams = sorted(streams)
        rows = [
            [clip.id, clip.signer, clip.glosses, *(self.fingerprints(split, stream)[clip.id] for stream in streams)]
            for split in splits
            for clip in self.corpus.clips(split)
        ]
        about = [self.corpus.name, self.corpus.fps, self.corpus.frame_size, self.corpus.layout.to_dict(), streams]
        return content_hash([about, rows])

    def show(self, network: nn.Module, split: str, *watchers: Watcher) -> None:
        """Let a network read every clip of a split once, for all ``watchers``."""
        dataset = self.dataset(split, {cast(Network, network).input_stream})
        batches = evaluation_batches(dataset, self.frames_per_batch, self.data)
        show(network, dataset, batches, self.precision, *watchers)

    def recognise(self, network: nn.Module, split: str, decoder: Decoder) -> Recognition:
        """What a network reads in the clips of a split."""
        recogniser = Recogniser(decoder)
        self.show(network, split, recogniser)
        return recogniser.recognition(self.corpus.clips(split))
