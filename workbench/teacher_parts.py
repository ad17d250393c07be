"""One teacher, alone or among several: a network, or the outputs of one that another code base has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from kd.foreign import ForeignTeacher
from kd.teacher import FrozenTeacher, Teacher
from slr.types import Network
from workbench.assemble import make_plan
from workbench.caching import teaching_of
from workbench.code_identity import module_hash
from workbench.config import content_hash
from workbench.measure import SPLITS, MadeNetwork
from workbench.network_identity import identity_of
from workbench.output_store import OutputStore
from workbench.recognise import steps_per_output
from workbench.teacher_voice import TeacherVoice
from workbench.training import Teaching
from workbench.workplace import Workplace


class TeacherPart(Protocol):
    """What is taught by and asked, whatever it is."""

    @property
    def role(self) -> str:
        """What it is called in the run folder."""
        ...

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """Those of dev and test that it can read."""
        ...

    def teaching(self, place: Workplace, taps: tuple[str, ...], *, live: bool) -> Teaching:
        """What a student learns from, see :func:`workbench.caching.teaching_of`."""
        ...

    def voice(self, place: Workplace, split: str) -> tuple[TeacherVoice, Teacher]:
        """How it answers about the clips of a split, and who answers."""
        ...


@dataclass(frozen=True)
class NetworkPart:
    """A network that was trained here, or loaded."""

    role: str
    made: MadeNetwork

    @property
    def name(self) -> str:
        """Its class."""
        return self.made.name

    @property
    def splits(self) -> tuple[str, ...]:
        """All."""
        return SPLITS

    def teaching(self, place: Workplace, taps: tuple[str, ...], *, live: bool) -> Teaching:
        """Its stored outputs, or itself where it is to be ``live``."""
        return teaching_of(place, self.made, taps, live=live)

    def voice(self, place: Workplace, split: str) -> tuple[TeacherVoice, Teacher]:
        """The network reads the split."""
        network = cast(Network, self.made.network)
        dataset = place.dataset(split, {network.input_stream})
        identity = identity_of(self.made.network, self.made.card, dataset)
        frozen = FrozenTeacher(self.made.network, str(self.made.checkpoint))
        stride = steps_per_output(network, dataset.rgb_stride)
        streams = (network.input_stream,)
        return TeacherVoice(self.name, split, identity, streams, stride, lambda batch: frozen(batch).logits), frozen


@dataclass(frozen=True)
class OutputsPart:
    """A store of imported outputs."""

    role: str
    store: OutputStore

    @property
    def name(self) -> str:
        """As who imported them called it."""
        return self.store.card.name

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that were imported."""
        return tuple(split for split in SPLITS if split in self.store.card.splits)

    def teaching(self, place: Workplace, taps: tuple[str, ...], *, live: bool) -> Teaching:
        """The outputs of the training clips; nothing here can be live."""
        widths = {**self.store.card.widths, "logits": len(place.vocabulary)}
        return Teaching(self._outputs(place, "train", taps), widths, identity_of_outputs(self.store))

    def voice(self, place: Workplace, split: str) -> tuple[TeacherVoice, Teacher]:
        """The outputs of the split, on their own steps."""
        outputs = self._outputs(place, split)
        return TeacherVoice.of_outputs(self.name, split, identity_of_outputs(self.store), outputs), outputs

    def said(self) -> str:
        """What has to be said about them below a table."""
        card = self.store.card
        absent = [split for split in SPLITS if split not in card.splits]
        measured = "its WER is that of these outputs"
        if absent:
            measured = f"none of {' and '.join(absent)} were given, so its WER there was not measured"
        lacking = f", which lack {len(card.lacking)} of {len(card.glosses)} glosses" if card.lacking else ""
        return f"{card.name} is no network of this run: its outputs were imported{lacking}, and {measured}."

    def _outputs(self, place: Workplace, split: str, taps: tuple[str, ...] = ()) -> ForeignTeacher:
        return self.store.teacher(split, make_plan(place.data).stride, taps, preload=split == "train")


def identity_of_outputs(store: OutputStore) -> str:
    """Hash of imported outputs and of the code that asks them."""
    return content_hash(["outputs", store.card.identity, module_hash(ForeignTeacher.__module__)])
