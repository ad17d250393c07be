"""A network that writes what a test wants, and a workplace around clips in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from slr.types import NetOutput, Padded
from tests.workbench.fake_corpus import FakeCorpus
from workbench.checkpoint import NetworkCard
from workbench.measure import MadeNetwork
from workbench.precision import choose_precision
from workbench.progress import NoProgress
from workbench.schema import Data
from workbench.workplace import Workplace

CPU = choose_precision("float32", torch.device("cpu"))


class Scripted(nn.Module):
    """Writes given classes, one per output step, whatever it sees; one output step per ``stride`` input steps."""

    def __init__(self, written: Sequence[int], stride: int, stream: str = "pose", classes: int = 3) -> None:
        super().__init__()
        self.input_stream = stream
        self.written = written
        self.stride = stride
        self.classes = classes
        self.times_asked = 0

    tap_widths: dict[str, int] = {}  # noqa: RUF012

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return -(-lengths // self.stride)

    def forward(self, stream: Padded) -> NetOutput:
        self.times_asked += 1
        lengths = self.output_lengths(stream.lengths)
        logits = torch.full((len(lengths), int(lengths.max()), self.classes), -5.0)
        for step, label in enumerate(self.written[: logits.shape[1]]):
            logits[:, step, label] = 5.0
        return NetOutput(Padded(logits, lengths))


def made(network: nn.Module, glosses: tuple[str, ...]) -> MadeNetwork:
    """A network as the store hands it over; on its card stands one that exists."""
    card = NetworkCard(network={"_target_": "students.STGT"}, glosses=glosses, corpus="", weights_sha256="")
    return MadeNetwork(network, card, Path("network"), None, 0.0)


def workplace(folder: Path, clips: Mapping[str, tuple[str, str, int]], *, stride: int = 1) -> Workplace:
    """A workplace whose corpus holds ``clips``, as :class:`FakeCorpus` takes them."""
    corpus = FakeCorpus(clips)
    return Workplace(
        corpus=corpus,
        vocabulary=corpus.vocabulary(),
        data=Data(root="none", corpus={"_target_": "slr.data.Phoenix2014"}, plan={"stride": stride}),
        precision=CPU,
        evaluate_every=1,
        frames_per_batch=100,
        store=folder / "networks",
        cache=folder / "cache",
        labels=folder / "labels",
        readings=folder / "readings",
        progress=NoProgress(),
    )
