"""Rows that fuse others: the scores of several runs as those of one classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slr.scoring import AccuracyReport, WerReport, class_errors
from workbench.config import content_hash
from workbench.isolated.fusion import FusionRequest, fused
from workbench.study.class_codes import labels_part
from workbench.study.class_folders import ClassRunFolder
from workbench.study.finished import FinishedRun
from workbench.study.schema import Fusion, Role, Task

FUSED: Role = "network"  # the role of the one network that a fusion is


@dataclass(frozen=True)
class Stream:
    """A run that is fused, and which network of it."""

    run: FinishedRun
    role: str


@dataclass(frozen=True)
class FusedRun:
    """One classifier of several runs on the same clips.

    Attributes:
        streams: the runs.
        reports: how often it is right, by part; not on a part on which its weights were found.
        labels: clips, labels and classes by part, as a record keeps them.
        about_weights: a sentence.
        place: of the record that it is known from, None where it was fused just now.
    """

    streams: tuple[Stream, ...]
    reports: Mapping[str, AccuracyReport]
    labels: Mapping[str, Any]
    about_weights: str
    place: str | None = None

    @property
    def task(self) -> Task:
        """A class."""
        return "class"

    @property
    def corpus(self) -> str:
        """The name of the corpus."""
        return self.streams[0].run.corpus

    @cached_property
    def measured(self) -> dict[str, Any]:
        """Sizes, costs and seconds of all streams together."""
        return {"names": {FUSED: "fusion"}, **{key: {FUSED: self._sum(key)} for key in ("params", "macs", "seconds")}}

    def epoch_seconds(self, role: str) -> None:
        """It was not trained."""

    def counts(self, role: str, split: str) -> dict[str, Any] | None:
        """Its accuracies, as ``result.json`` has those of a network."""
        report = self.accuracy(role, split)
        return None if report is None else report.as_dict()

    def accuracy(self, role: str, split: str) -> AccuracyReport | None:
        """How often it is right."""
        return self.reports.get(split)

    def report(self, role: str, split: str) -> WerReport | None:
        """Its errors, clip by clip, as those of sentences of one gloss."""
        if split not in self.reports:
            return None
        return class_errors(self.reports[split], self.labels[split]["clips"], self.labels["classes"])

    def _sum(self, key: str) -> float | None:
        values = [stream.run.measured[key].get(stream.role) for stream in self.streams]
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None


def fusion_content(fusion: Fusion, streams: Sequence[Stream]) -> str:
    """Hash of what decides a fusion: its streams and how they are weighed."""
    how = fusion.model_dump(mode="json", exclude={"rows"})
    return content_hash([how, [[stream.run.content, stream.role] for stream in streams]])


def fuse_runs(fusion: Fusion, streams: Sequence[Stream]) -> FusedRun | None:
    """Fuse runs whose score files are at hand; None where a run is known from its record alone.

    Raises:
        ValueError: when they are not about the same clips, or do not fit the weights; in a sentence.
    """
    test = _files(streams, "test")
    if test is None:
        return None
    dev = _files(streams, "dev")
    if fusion.search and not dev:
        raise ValueError("weights are searched on clips that were held out, and these runs held none out")
    asked = FusionRequest(test, fusion.weights, fusion.preset, dev if fusion.search else None, fusion.on)
    found = fused(asked)
    scores = {"test": found.scores}
    if dev and not fusion.search:
        scores["dev"] = fused(FusionRequest(dev, found.weights, on=found.scores.kind)).scores
    reports = {split: one.report() for split, one in scores.items()}
    return FusedRun(tuple(streams), reports, labels_part(scores), found.about_weights)


def _files(streams: Sequence[Stream], split: str) -> tuple[Path, ...] | None:
    """The score files of a part; None where one is not at hand, nothing where the part has no clips."""
    found: list[Path] = []
    for stream in streams:
        if not isinstance(stream.run, ClassRunFolder):
            return None
        path = stream.run.scores_file(stream.role, split)
        if path is not None:
            found.append(path)
    return tuple(found) if len(found) == len(streams) else ()
