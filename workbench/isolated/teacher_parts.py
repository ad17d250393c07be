"""One teacher of isolated clips, alone or among several: a network, or the scores that it gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import torch

from kd.score_teacher import ScoreTeacher
from kd.teacher import FrozenTeacher
from slr.types import Network
from workbench.code_identity import code_hash
from workbench.config import content_hash
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.scores import ClipScores
from workbench.measure import MadeNetwork
from workbench.training import Teaching

Scores = Mapping[str, ClipScores]  # by part of the data


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

    def teaching(self, place: IsolatedPlace, *, live: bool) -> Teaching:
        """What a student learns from."""
        ...

    def said(self, place: IsolatedPlace, split: str) -> ClipScores | None:
        """Its scores of the clips of a part; None where it has none and cannot be asked."""
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

    def teaching(self, place: IsolatedPlace, *, live: bool) -> Teaching:
        """See :func:`teaching_of`."""
        return teaching_of(place, self.made, live=live)

    def said(self, place: IsolatedPlace, split: str) -> ClipScores | None:
        """What it says when it is asked."""
        return place.scores(self.made.network, self.made.card, split)


@dataclass(frozen=True)
class ScoresPart:
    """Scores of every clip, of a network or of several that were fused."""

    role: str
    scores: Scores

    @property
    def name(self) -> str:
        """Whose scores they are, as far as they tell."""
        about = self.scores["train"].about
        return "fused scores" if about.get("stream") == "fused" else f"scores of {about.get('network', 'a network')}"

    def teaching(self, place: IsolatedPlace, *, live: bool) -> Teaching:
        """The scores of the training clips; nothing here can be live."""
        return _by_scores(self.scores["train"])

    def said(self, place: IsolatedPlace, split: str) -> ClipScores | None:
        """The scores that were given."""
        return self.scores.get(split)


def teaching_of(place: IsolatedPlace, made: MadeNetwork, *, live: bool) -> Teaching:
    """What a network teaches: ``live``, or by its scores of every training clip, see
    :class:`~workbench.isolated.distill_schema.IsolatedTeacher`.
    """
    if not live:
        return _by_scores(place.scores(made.network, made.card, "train"))
    network = cast(Network, made.network)
    node = made.card.network
    identity = [made.card.weights_sha256, dict(node), code_hash(node), place.deciding((network.input_stream,))]
    return Teaching(
        FrozenTeacher(made.network, str(made.checkpoint)),
        {**network.tap_widths, "logits": made.card.num_classes},
        content_hash(["live", *identity]),
        streams=(network.input_stream,),
    )


def _by_scores(scores: ClipScores) -> Teaching:
    teacher = ScoreTeacher(scores.ids, torch.from_numpy(scores.scores), scores.kind)
    return Teaching(teacher, {"logits": len(scores.classes)}, content_hash(["scores", scores.digest]))
