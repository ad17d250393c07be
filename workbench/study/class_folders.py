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
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.measure import scored, scores_name
from workbench.isolated.result import SPLITS
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.isolated.scores import ClipScores, aligned_to
from workbench.study.class_codes import Outcomes, labels_part
from workbench.study.folder_files import (
    FinishedFolder,
    RefusedRunError,
    check_outputs,
    check_settings,
    must_be,
    read_step,
)
from workbench.study.grid import ClassConfig
from workbench.study.schema import Task

# The step that leaves the networks, and the network that the run was for, whose scores carry no role.
STEPS: Mapping[type[ClassConfig], tuple[str, str]] = {
    IsolatedTrainConfig: ("network", "network"),
    IsolatedDistillConfig: ("networks", "student"),
}


@dataclass(frozen=True)
class ClassRunFolder(FinishedFolder):
    """A finished run on isolated clips whose files agree with each other."""

    config: ClassConfig

    @property
    def task(self) -> Task:
        """A class."""
        return "class"

    @property
    def main(self) -> str:
        """The network that the run was for."""
        return STEPS[type(self.config)][1]

    @property
    def judged(self) -> str:
        """How its networks were judged."""
        return judged(self.config)

    def scores_file(self, role: str, split: str) -> Path | None:
        """Where the scores of a network on a part lie, without an ending; None where it was not tested."""
        there = split in self.measured["splits"][role]
        return self.folder / scores_name(role, split, self.main) if there else None

    def scores(self, role: str, split: str) -> ClipScores | None:
        """What a network says of the clips of a part."""
        return self._scores(role).get(split)

    def _scores(self, role: str) -> dict[str, ClipScores]:
        if role not in self._read:
            files = {split: self.scores_file(role, split) for split in SPLITS}
            self._read[role] = {split: ClipScores.read(file) for split, file in files.items() if file is not None}
        return self._read[role]

    @cached_property
    def _read(self) -> dict[str, dict[str, ClipScores]]:
        return {}

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
        return labels_part(self._scores(self.main))

    def read_by(self, role: str) -> dict[str, Any]:
        """Which classes a network found, as a record keeps it."""
        first, found = self._scores(self.main), self._scores(role)
        return Outcomes.of({split: aligned_to(first[split], one, role) for split, one in found.items()}).as_part()

    @cached_property
    def clips(self) -> str:
        """Hash of clips, labels and classes."""
        return content_hash(self.references)


def judged(config: ClassConfig) -> str:
    """How networks on isolated clips are judged."""
    views = config.evaluate.views
    return "one view of a clip" if views == 1 else f"{views} views of a clip, mean of their {config.evaluate.average}"


def read_class_run(folder: Path, config: ClassConfig) -> ClassRunFolder | None:
    """The finished run in a folder, checked; None where a run is not finished.

    Raises:
        RefusedRunError: when a file is missing, damaged, or does not agree with the others.
    """
    found = read_step(folder, STEPS[type(config)][0])
    if found is None:
        return None
    result, done = found
    if "splits" not in done.result:
        raise RefusedRunError(f"{folder} was made before runs on isolated clips were read for tables: do it again")
    check_outputs(folder, done.outputs, [name for name in done.outputs if name.startswith("scores.")])
    run = ClassRunFolder(folder, result, done.result, done.finished, config)
    try:
        _check_result(run)
    except RefusedRunError:
        raise
    except ValueError as error:  # of a file of scores
        raise RefusedRunError(str(error)) from error
    return run


def _check_result(run: ClassRunFolder) -> None:
    path, result = run.folder / "result.json", run.result
    check_settings(run.folder, run.config, result)
    for role, splits in run.measured["splits"].items():
        network = scored(run.folder, role, run.main, run.measured)
        entry = _entry(result, role)
        for key, value in network.as_dict().items():
            must_be(path, f"{role}.{key}", (entry or {}).get(key), value)
        for split in splits:
            about = run._scores(role)[split].about
            must_be(run.folder / f"{scores_name(role, split, run.main)}.json", "split", about.get("split"), split)
            if role == run.main:  # the scores of a teacher may come from anywhere
                must_be(path, "corpus", result.get("corpus"), about.get("corpus"))
    expected = {
        "seed": run.config.run.seed,
        "stream": run.config.data.stream,
        "views": run.config.evaluate.views,
        "average": run.config.evaluate.average,
        "seconds": run.measured["seconds"],
    }
    for key, value in expected.items():
        must_be(path, key, result.get(key), value)


def _entry(result: Mapping[str, Any], role: str) -> Mapping[str, Any] | None:
    """What ``result.json`` says of a network; members of a teacher and assistants stand in places of their own."""
    prefix, _, name = role.partition("-")
    return result.get(f"{prefix}s", {}).get(name) if name else result.get(role)
