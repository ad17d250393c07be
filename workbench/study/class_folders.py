"""Folders of runs on isolated clips as a table reads them: nothing in them is taken on trust.

What ``result.json`` says has to follow from the score files (``scores.*``), which hold the label of every clip beside
what the network says of it; these have to be as the run left them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slr.scoring import AccuracyReport, WerReport, class_errors
from workbench.config import content_hash
from workbench.isolated.result import SPLITS, ClassifierResult
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.isolated.scores import ClipScores
from workbench.isolated.single import MAIN, scores_name
from workbench.study.class_codes import Outcomes, labels_part
from workbench.study.folder_files import (
    FinishedFolder,
    RefusedRunError,
    check_outputs,
    check_settings,
    must_be,
    read_step,
)
from workbench.study.schema import Task


@dataclass(frozen=True)
class ClassRunFolder(FinishedFolder):
    """A finished run on isolated clips whose files agree with each other; ``splits`` are the parts that have clips."""

    config: IsolatedTrainConfig
    splits: tuple[str, ...]

    @property
    def task(self) -> Task:
        """A class."""
        return "class"

    @property
    def main(self) -> str:
        """The network that the run was for."""
        return MAIN

    @property
    def judged(self) -> str:
        """How its network was judged."""
        return judged(self.config)

    def scores_file(self, role: str, split: str) -> Path | None:
        """Where the scores of a part lie, without an ending; None for a part without clips."""
        assert role == MAIN, "there is one network"
        return self.folder / scores_name(split) if split in self.splits else None

    def scores(self, role: str, split: str) -> ClipScores | None:
        """What a network says of the clips of a part."""
        assert role == MAIN, "there is one network"
        return self._scores.get(split)

    @cached_property
    def _scores(self) -> dict[str, ClipScores]:
        return {split: ClipScores.read(self.folder / scores_name(split)) for split in self.splits}

    def accuracy(self, role: str, split: str) -> AccuracyReport | None:
        """How often a network is right."""
        found = self.scores(role, split)
        return None if found is None else found.report()

    def report(self, role: str, split: str) -> WerReport | None:
        """Its errors, clip by clip, as those of sentences of one gloss."""
        found = self.scores(role, split)
        return None if found is None else class_errors(found.report(), found.ids, found.classes)

    def counts(self, role: str, split: str) -> dict[str, Any] | None:
        """The entry of ``result.json`` about a network on a part."""
        found = self.accuracy(role, split)
        return None if found is None else found.as_dict()

    @cached_property
    def references(self) -> Mapping[str, Any]:
        """Clips, labels and classes, as a record keeps them."""
        return labels_part(self._scores)

    def read_by(self, role: str) -> dict[str, Any]:
        """Which classes a network found, as a record keeps it."""
        assert role == MAIN, "there is one network"
        return Outcomes.of(self._scores).as_part()

    @cached_property
    def clips(self) -> str:
        """Hash of clips, labels and classes."""
        return content_hash(self.references)


def judged(config: IsolatedTrainConfig) -> str:
    """How networks on isolated clips are judged."""
    views = config.evaluate.views
    return "one view of a clip" if views == 1 else f"{views} views of a clip, mean of their {config.evaluate.average}"


def read_class_run(folder: Path, config: IsolatedTrainConfig) -> ClassRunFolder | None:
    """The finished run in a folder, checked; None where a run is not finished.

    Raises:
        RefusedRunError: when a file is missing, damaged, or does not agree with the others.
    """
    found = read_step(folder, MAIN)
    if found is None:
        return None
    result, done = found
    needed = [name for name in done.outputs if name.startswith("scores.")]
    check_outputs(folder, done.outputs, needed)
    splits = tuple(split for split in SPLITS if f"{scores_name(split)}.json" in needed)
    run = ClassRunFolder(folder, result, _by_role(done.result), done.finished, config, splits)
    try:
        _check_result(run, done.result)
    except RefusedRunError:
        raise
    except ValueError as error:  # of a file of scores
        raise RefusedRunError(str(error)) from error
    return run


def _by_role(measured: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured, by network."""
    keys = {"names": "name", "params": "params", "macs": "macs", "seconds": "seconds"}
    return {key: {MAIN: measured[of]} for key, of in keys.items()}


def _check_result(run: ClassRunFolder, measured: Mapping[str, Any]) -> None:
    path, result = run.folder / "result.json", run.result
    check_settings(run.folder, run.config, result)
    corpora = {str(run._scores[split].about.get("corpus")) for split in run.splits}
    must_be(path, "corpus", [result.get("corpus")], sorted(corpora))
    for split in run.splits:
        must_be(run.folder / f"{scores_name(split)}.json", "split", run._scores[split].about.get("split"), split)
    reports = {split: report for split in run.splits if (report := run.accuracy(MAIN, split)) is not None}
    size = (measured["params"], measured["macs"], tuple(measured["clip_shape"]))
    network = ClassifierResult(measured["name"], reports, *size).as_dict()
    for key, value in network.items():
        must_be(path, f"{MAIN}.{key}", (result.get(MAIN) or {}).get(key), value)
    expected = {
        "seed": run.config.run.seed,
        "stream": run.config.data.stream,
        "views": run.config.evaluate.views,
        "average": run.config.evaluate.average,
        "seconds": run.measured["seconds"],
    }
    for key, value in expected.items():
        must_be(path, key, result.get(key), value)
