"""The teacher of a distillation on isolated clips, ready to teach: networks, or what was said of every clip before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from kd.ensemble import EnsembleTeacher, Rule, combined_widths
from kd.score_teacher import ScoreTeacher
from kd.teacher import FrozenTeacher
from slr.scoring import fuse, softmax
from workbench.checkpoint import NetworkCard, load_network, read_card
from workbench.code_identity import code_hash, module_hash
from workbench.config import content_hash
from workbench.fitting import differences, gloss_difference
from workbench.isolated.distill_schema import IsolatedTeacher, IsolatedTeacherSource, ScoreFiles
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.scores import ClipScores, aligned_to
from workbench.isolated.teacher_parts import NetworkPart, Scores, ScoresPart, TeacherPart
from workbench.measure import MadeNetwork
from workbench.preflight import TEACHER_ROLES, find_checkpoint
from workbench.trained_teacher import TEACHER, teacher_training
from workbench.training import Teaching, train_network


@dataclass(frozen=True)
class IsolatedMadeTeacher:
    """A teacher that is ready; several ``parts`` are combined with ``weights``, which are alike under ``average``."""

    place: IsolatedPlace
    parts: tuple[TeacherPart, ...]
    combine: str | None = None
    weights: tuple[float, ...] | None = None

    @property
    def networks(self) -> dict[str, MadeNetwork]:
        """The networks among the parts, by role."""
        return {part.role: part.made for part in self.parts if isinstance(part, NetworkPart)}

    def teaching(self, *, live: bool) -> Teaching:
        """What a network learns from."""
        teachings = [part.teaching(self.place, live=live) for part in self.parts]
        if self.combine is None:
            return teachings[0]
        rule: Rule = "weighted" if self.combine == "weighted" else "average"
        said = [rule, self.weights, [one.identity for one in teachings], module_hash(EnsembleTeacher.__module__)]
        return Teaching(
            EnsembleTeacher([one.teacher for one in teachings], rule, weights=self.weights),
            combined_widths([one.widths for one in teachings], rule),
            content_hash(["several", *said]),
            tuple(sorted({stream for one in teachings for stream in one.streams})),
        )

    def others(self, split: str) -> dict[str, ClipScores]:
        """What is said of the clips of a part by whoever is no single network of this run, by role."""
        given = {part.role: part.scores for part in self.parts if isinstance(part, ScoresPart)}
        found = {role: scores[split] for role, scores in given.items() if split in scores}
        together = self._together(split) if self.combine is not None else None
        return found if together is None else {**found, TEACHER: together}

    def _together(self, split: str) -> ClipScores | None:
        every = [part.said(self.place, split) for part in self.parts]
        known = [scores for scores in every if scores is not None]
        if len(known) < len(every):
            return None
        likely = [softmax(one.scores) if one.kind == "logits" else one.scores for one in known]
        mean = fuse(likely, self.weights or [1.0] * len(likely)).astype(np.float32)
        first = known[0]
        about = {key: first.about[key] for key in ("corpus", "split") if key in first.about}
        return ClipScores(first.ids, mean, first.labels, first.classes, "probabilities", about)


def make_isolated_teacher(
    config: IsolatedTeacher, seed: int, place: IsolatedPlace, *, fresh: bool
) -> IsolatedMadeTeacher:
    """Train, load or open the teacher of a configuration."""
    parts: list[TeacherPart] = []
    for role, (_, source) in config.sources().items():
        if source.scores is not None:
            parts.append(ScoresPart(role, read_scores(source.scores, place)))
            place.progress.line(f"{role.replace('-', ' ', 1)}  known by the scores of {source.scores.train}")
        else:
            parts.append(NetworkPart(role, _network(source, seed, place, fresh)))
    weights = tuple(member.weight for member in config.members if member.weight is not None)
    return IsolatedMadeTeacher(place, tuple(parts), config.combine, weights or None)


def _network(source: IsolatedTeacherSource, seed: int, place: IsolatedPlace, fresh: bool) -> MadeNetwork:
    if source.checkpoint is not None:
        made = loaded(source.checkpoint, place)
        place.progress.line(f"teacher  loaded from {made.checkpoint}, trained on {made.card.corpus}")
        return made
    return train_network(place, teacher_training(source, seed), fresh=fresh)


def loaded(path: str, place: IsolatedPlace) -> MadeNetwork:
    """A teacher from a checkpoint.

    Raises:
        ValueError: when there is none, or it was trained on other classes or on clips prepared in another way.
    """
    checkpoint = find_checkpoint(path, TEACHER_ROLES)
    network, card = load_network(checkpoint)
    _check_fits(checkpoint, network, card, place)
    return MadeNetwork(network.to(place.precision.device), card, checkpoint, None, 0.0)


def _check_fits(checkpoint: Path, network: nn.Module, card: NetworkCard, place: IsolatedPlace) -> None:
    if card.classes != place.corpus.classes:
        raise ValueError(
            f"the teacher {checkpoint} tells {len(card.classes)} classes apart and this corpus has "
            f"{len(place.corpus.classes)}, {gloss_difference(card.classes, place.corpus.classes)}: train a teacher on "
            "the same classes"
        )
    for where, trained, now in differences(card.preprocessing, place.described(network), stated=bool(card.released)):
        raise ValueError(
            f"the teacher {checkpoint} was trained on clips with {where} {trained}, and this configuration prepares "
            f"them with {now}: give data the teacher's settings, or let it teach by its scores (evaluate.py RUN "
            "--split train, then teacher.scores.train)"
        )


def read_scores(files: ScoreFiles, place: IsolatedPlace) -> Scores:
    """The scores of a teacher, those of training covering every training clip.

    Raises:
        ValueError: when a file is missing or damaged, or is about other clips, classes or labels; one sentence.
    """
    named = {"train": files.train, "dev": files.dev, "test": files.test}
    return {split: _read(path, split, place) for split, path in named.items() if path is not None}


def _read(path: str, split: str, place: IsolatedPlace) -> ClipScores:
    scores = ClipScores.read(path)
    if scores.classes != place.corpus.classes:
        raise ValueError(
            f"{path} is about {len(scores.classes)} classes and this corpus has {len(place.corpus.classes)}, "
            f"{gloss_difference(scores.classes, place.corpus.classes)}: take scores of a network of the same classes"
        )
    clips = place.corpus.clips(split)
    if not clips:
        raise ValueError(f"{path} is to tell about {split} of {place.corpus.name}, which has no clip")
    ids = tuple(clip.id for clip in clips)
    labels = np.asarray([clip.label for clip in clips], dtype=np.int64)
    empty = np.zeros((len(ids), len(scores.classes)), dtype=np.float32)
    wanted = ClipScores(ids, empty, labels, scores.classes)
    known = set(ids)
    rows = np.asarray([row for row, clip in enumerate(scores.ids) if clip in known], dtype=np.int64)
    return aligned_to(wanted, scores.picked(rows), path, f"{split} of {place.corpus.name}")


def ready_made(config: IsolatedTeacher) -> Any:
    """Hashes of what a teacher brings along, checkpoints and scores, and of the code by which it is asked."""
    asked = module_hash(*(one.__module__ for one in (FrozenTeacher, ScoreTeacher, EnsembleTeacher)))
    return [asked, *((role, _brought(source)) for role, (_, source) in config.sources().items())]


def _brought(source: IsolatedTeacherSource) -> Any:
    if source.checkpoint is not None:
        card = read_card(find_checkpoint(source.checkpoint, TEACHER_ROLES))
        return [card.weights_sha256, code_hash(dict(card.network))]
    if source.scores is not None:
        named = (source.scores.train, source.scores.dev, source.scores.test)
        return [None if path is None else ClipScores.read(path).digest for path in named]
    return None
