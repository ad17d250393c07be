"""What a training asks of where it happens: of a corpus of sentences, or of one of isolated clips."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from workbench.assemble import CorpusSizes
from workbench.precision import Precision
from workbench.progress import Progress
from workbench.schema import Diagnostics, Stage
from workbench.training_types import Batches, DevScore, Watch

Judge = Callable[[nn.Module], DevScore]


class Place(Protocol):
    """An open corpus with everything around it that a training needs; nothing in the training knows which kind it is.

    ``store`` is the folder of trained networks. ``diagnostics`` says how often a distillation is diagnosed, if at all.
    """

    @property
    def precision(self) -> Precision:
        """Number format and device."""
        ...

    @property
    def evaluate_every(self) -> int:
        """Epochs between two looks at the dev split."""
        ...

    @property
    def store(self) -> Path:
        """Folder of trained networks."""
        ...

    @property
    def progress(self) -> Progress:
        """Who is told."""
        ...

    @property
    def diagnostics(self) -> Diagnostics | None:
        """How often a distillation is diagnosed."""
        ...

    @property
    def sizes(self) -> CorpusSizes:
        """What losses may know of the corpus, the width of logits among it."""
        ...

    def bare_network(self, node: Mapping[str, Any]) -> nn.Module:
        """The network with a few classes, good for asking what it reads."""
        ...

    def network_arguments(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """What is added to a network's own arguments, beside the number of classes."""
        ...

    def contents(self, splits: Iterable[str], streams: Iterable[str]) -> str:
        """Hash of all that the clips of some splits show in some streams, and of what they are annotated with."""
        ...

    @property
    def code(self) -> str:
        """Hash of the code that brings clips to a network, the components that settings name left out."""
        ...

    def deciding(self, streams: Collection[str]) -> dict[str, Any]:
        """The settings of the data that decide weights, where only some streams are read, as plain JSON values."""
        ...

    def training_batches(self, stage: Stage, streams: Collection[str], seed: int) -> Batches:
        """The training clips of a stage."""
        ...

    def judge(self, network: nn.Module) -> Judge | None:
        """Judges a network on the dev split; None where there is none."""
        ...

    def watch(self) -> Watch | None:
        """Gives the alarm when a training goes wrong."""
        ...

    def card(self, network: nn.Module) -> dict[str, Any]:
        """What the card of a trained network says of the corpus: arguments of ``workbench.checkpoint.save_network``."""
        ...
