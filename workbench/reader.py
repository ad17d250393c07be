"""A network of a finished run in front of the corpus it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from slr.ctc import Decoder
from workbench.checkpoint import NetworkCard, load_network
from workbench.fitting import gloss_difference, warnings_of_reading
from workbench.preflight import find_network
from workbench.progress import Progress
from workbench.recognise import Recogniser, Recognition, Watcher
from workbench.schema import DistillConfig, TrainConfig
from workbench.settings import load_either
from workbench.workplace import Workplace


@dataclass(frozen=True)
class Reader:
    """A network that reads; ``role`` is its name in the run folder, ``None`` where it is what the run was for."""

    run: Path
    role: str | None
    settings: DistillConfig | TrainConfig
    place: Workplace
    network: nn.Module
    card: NetworkCard

    @classmethod
    def open(cls, run: Path, role: str | None, words: Sequence[str], progress: Progress) -> Reader:
        """The network ``role`` of a run folder; ``words`` change settings of the run, such as ``data.root``.

        Where they change what is done to a clip, a warning says so.

        Raises:
            ValueError: when the folder is no run or lacks the network, or its corpus has other glosses now.
        """
        path = run / "config.yaml"
        if not path.is_file():
            raise ValueError(f"{run} is no run folder: it has no config.yaml")
        settings = load_either(path, words)
        network, card = load_network(find_network(run, role))
        place = Workplace.open(settings.run, settings.data, settings.evaluate, progress)
        if card.glosses != place.vocabulary.glosses:
            raise ValueError(
                f"{run} was trained on {len(card.glosses)} glosses and the corpus now has "
                f"{len(place.vocabulary.glosses)}, {gloss_difference(card.glosses, place.vocabulary.glosses)}: "
                "evaluate on the corpus it was trained on"
            )
        for warning in warnings_of_reading(run, card, place.card(network)["preprocessing"]):
            progress.warn(warning)
        return cls(run, role, settings, place, network.to(place.precision.device), card)

    @classmethod
    def named(cls, name: str, words: Sequence[str], progress: Progress) -> Reader:
        """The network that ``RUN`` or ``RUN:NETWORK`` means.

        Raises:
            ValueError: as :meth:`open` does.
        """
        run, colon, role = name.rpartition(":")
        if not colon or Path(name).is_dir():
            return cls.open(Path(name), None, words, progress)
        return cls.open(Path(run), role, words, progress)

    @property
    def title(self) -> str:
        """The run folder, and the network in it where it is not the main one."""
        return f"{self.run}:{self.role}" if self.role else str(self.run)

    def references(self, split: str) -> dict[str, tuple[str, ...]]:
        """The transcripts of a split by clip."""
        return {clip.id: clip.glosses for clip in self.place.corpus.clips(split)}

    def recognise(self, split: str, decoder: Decoder, watchers: Sequence[Watcher] = ()) -> Recognition:
        """The readings that ``decoder`` gives of every clip; ``watchers`` look on."""
        recogniser = Recogniser(decoder)
        self.place.show(self.network, split, recogniser, *watchers)
        return recogniser.recognition(self.place.corpus.clips(split))
