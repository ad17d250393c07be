"""A network of a finished run on isolated clips, in front of the corpus it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from workbench.checkpoint import NetworkCard, load_network
from workbench.fitting import gloss_difference, warnings_of_reading
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.isolated.scores import ClipScores
from workbench.preflight import find_network
from workbench.progress import Progress
from workbench.settings import load_isolated


@dataclass(frozen=True)
class IsolatedReader:
    """``role`` is the network's name in the run folder, ``None`` where it is what the run was for."""

    run: Path
    role: str | None
    settings: IsolatedTrainConfig | IsolatedDistillConfig
    place: IsolatedPlace
    network: nn.Module
    card: NetworkCard

    @classmethod
    def open(cls, run: Path, role: str | None, words: Sequence[str], progress: Progress) -> IsolatedReader:
        """The network ``role`` of a run folder; ``words`` change settings of the run, such as ``data.root``.

        Where they change what is done to a clip, a warning says so.

        Raises:
            ValueError: when the folder lacks the network, or its corpus has other classes now.
        """
        settings = load_isolated(run / "config.yaml", words)
        network, card = load_network(find_network(run, role))
        place = IsolatedPlace.open(settings.run, settings.data, settings.evaluate, progress)
        if card.classes != place.corpus.classes:
            raise ValueError(
                f"{run} was trained on {len(card.classes)} classes and the corpus now has {len(place.corpus.classes)}, "
                f"{gloss_difference(card.classes, place.corpus.classes)}: evaluate on the corpus it was trained on"
            )
        described = place.card(network)["preprocessing"]
        for warning in warnings_of_reading(run, card, described):
            progress.warn(warning)
        return cls(run, role, settings, place, network.to(place.precision.device), card)

    @property
    def title(self) -> str:
        """The run folder, and the network in it where it is not the main one."""
        return f"{self.run}:{self.role}" if self.role else str(self.run)

    def scores(self, split: str) -> ClipScores:
        """What the network says about every clip of a part, with where the scores come from.

        Raises:
            ValueError: when the part has no clips.
        """
        return self.place.scores(self.network, self.card, split)
