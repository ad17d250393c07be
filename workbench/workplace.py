"""What all trainings and evaluations of a run share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import nn

from slr.ctc import Decoder
from slr.data import Corpus, SignDataset
from slr.types import Network
from slr.vocabulary import Vocabulary
from workbench.assemble import evaluation_batches, make_dataset, open_corpus
from workbench.making import Making
from workbench.precision import Precision, choose_device, choose_precision
from workbench.progress import Progress
from workbench.recognise import Recognition, recognise
from workbench.schema import Data, Evaluate, Run


@dataclass(frozen=True)
class Workplace:
    """An open corpus with everything around it.

    ``store`` is the folder of trained networks, ``cache`` that of teacher outputs; both are shared by the runs beside
    this one. ``frames_per_batch`` bounds the batches of evaluation, in padded frames.
    """

    corpus: Corpus
    vocabulary: Vocabulary
    data: Data
    precision: Precision
    evaluate_every: int
    frames_per_batch: int
    store: Path
    cache: Path
    progress: Progress

    @classmethod
    def open(cls, run: Run, data: Data, evaluate: Evaluate, progress: Progress) -> Workplace:
        """Open the corpus, making it when it can be made, and choose device and precision."""
        if run.threads is not None:
            torch.set_num_threads(run.threads)
        with Making(progress) as making:
            corpus = open_corpus(data, making)
        return cls(
            corpus=corpus,
            vocabulary=corpus.vocabulary(data.vocabulary),
            data=data,
            precision=choose_precision(run.precision, choose_device(run.device)),
            evaluate_every=evaluate.every_epochs,
            frames_per_batch=evaluate.frames_per_batch,
            store=Path(run.out) / "networks",
            cache=Path(run.out) / "cache",
            progress=progress,
        )

    def dataset(self, split: str, streams: Iterable[str]) -> SignDataset:
        """The clips of a split as evaluation sees them."""
        return make_dataset(self.corpus, split, self.vocabulary, self.data, streams=streams)

    def recognise(self, network: nn.Module, split: str, decoder: Decoder) -> Recognition:
        """What a network reads in the clips of a split."""
        dataset = self.dataset(split, {cast(Network, network).input_stream})
        batches = evaluation_batches(dataset, self.frames_per_batch, self.data)
        return recognise(network, dataset, batches, decoder, self.precision)
