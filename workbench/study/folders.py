"""Folders of runs on sentences as a table reads them: wherever they come from, nothing in them is taken on trust.

A run folder tells what was asked for (``config.yaml``), what was measured (``steps.json``), what the networks read
(``hypotheses.*``) and what they should have read (``references.*``). What ``result.json`` says has to follow from
these; the scores are counted again, so no corpus is needed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slr.scoring import WerReport, score
from slr.scoring.files import parse_transcripts
from workbench.config import content_hash
from workbench.measure import SPLITS, hypotheses_file, references_file
from workbench.pseudo_labels import agreement_as_dict
from workbench.schema import DistillConfig
from workbench.study.folder_files import (
    FinishedFolder,
    RefusedRunError,
    check_outputs,
    check_settings,
    must_be,
    read_step,
)
from workbench.study.grid import SentenceConfig
from workbench.study.hypothesis_codes import coded
from workbench.study.schema import Task

# The step that leaves the networks, and the network whose hypotheses carry no role, by what the run was.
STEPS = {"distill": ("networks", "student"), "train": ("network", "network")}
# What result.json repeats of what was measured: in it by network, and as it is.
_BY_NETWORK = ("params", "macs")


@dataclass(frozen=True)
class RunFolder(FinishedFolder):
    """A finished run on sentences whose files agree with each other."""

    config: SentenceConfig

    @property
    def task(self) -> Task:
        """Glosses."""
        return "glosses"

    @property
    def main(self) -> str:
        """The network that the run was for."""
        return STEPS[kind_of(self.config)][1]

    @property
    def judged(self) -> str:
        """How its networks were judged."""
        return f"protocol {self.config.data.protocol}, decoder {self.measured['decoder']}"

    def report(self, role: str, split: str) -> WerReport | None:
        """The scores of a network on a split; None for a teacher that was not measured there."""
        if split not in self._splits(role):
            return None
        text = (self.folder / hypotheses_file(role, split, self.main)).read_text(encoding="utf-8")
        return _report(self.references[split], text, self.config.data.protocol)

    def accuracy(self, role: str, split: str) -> None:
        """There are no classes."""

    def counts(self, role: str, split: str) -> dict[str, Any] | None:
        """The entry of ``result.json`` about a network on a split."""
        report = self.report(role, split)
        return None if report is None else report.counts.as_dict()

    @cached_property
    def references(self) -> Mapping[str, str]:
        """What should have been read, as the text of an STM file, by split."""
        return {split: (self.folder / references_file(split)).read_text(encoding="utf-8") for split in SPLITS}

    def read_by(self, role: str) -> dict[str, Any]:
        """What a network read, as a record keeps it."""
        found = {}
        for split in self._splits(role):
            path = self.folder / hypotheses_file(role, split, self.main)
            found[split] = {clip: one.glosses for clip, one in parse_transcripts(path, path.read_text("utf-8")).items()}
        return coded(found, {split: glosses_of(self.references[split]) for split in found})

    @cached_property
    def clips(self) -> str:
        """Hash of what should have been read in dev and test."""
        return content_hash([self.references[split] for split in SPLITS])

    def _splits(self, role: str) -> list[str]:
        return self.measured.get("splits", {}).get(role, list(SPLITS))


def read_run(folder: Path, config: SentenceConfig) -> RunFolder | None:
    """The finished run in a folder, checked; None where a run is not finished.

    Args:
        folder: the run folder.
        config: what it says was asked for.

    Raises:
        RefusedRunError: when a file is missing, damaged, or does not agree with the others.
    """
    found = read_step(folder, STEPS[kind_of(config)][0])
    if found is None:
        return None
    result, done = found
    run = RunFolder(folder, result, done.result, done.finished, config)
    needed = [path for path in done.outputs if path.endswith(".ctm")]
    check_outputs(folder, done.outputs, needed, map(references_file, SPLITS))
    _check_result(run)
    return run


def kind_of(config: SentenceConfig) -> str:
    """``distill`` or ``train``."""
    return "distill" if isinstance(config, DistillConfig) else "train"


def glosses_of(references: str) -> dict[str, tuple[str, ...]]:
    """Glosses by clip, of the text of an STM file."""
    return {clip: found.glosses for clip, found in parse_transcripts(Path("references.stm"), references).items()}


def _check_result(run: RunFolder) -> None:
    path, result = run.folder / "result.json", run.result
    check_settings(run.folder, run.config, result)
    expected: dict[str, Any] = {
        "protocol": run.config.data.protocol,
        "seed": run.config.run.seed,
        "decoder": run.measured["decoder"],
    }
    for role in run.measured["names"]:
        entry = _entry(result, role)
        if entry is None:
            raise RefusedRunError(f"{path} says nothing of the network {role}, which the run measured")
        for key in _BY_NETWORK:
            must_be(path, f"{role}.{key}", entry.get(key), run.measured[key].get(role))
        for split in SPLITS:
            must_be(path, f"{role}.{split}", entry.get(split), run.counts(role, split))
    must_be(path, "seconds", result.get("seconds"), run.measured["seconds"])
    agreement = run.measured.get("pseudo_label_accuracy")
    expected["pseudo_label_accuracy"] = agreement_as_dict(agreement) if run.main == "student" else agreement
    if "corpus" not in result:
        raise RefusedRunError(f"{path} does not name its corpus: start the run again, and it is added")
    if "corpus" in run.measured:
        expected["corpus"] = run.measured["corpus"]
    for key, value in expected.items():
        must_be(path, key, result.get(key), value)


def _entry(result: Mapping[str, Any], role: str) -> Mapping[str, Any] | None:
    """What ``result.json`` says of a network; members of a teacher stand in a place of their own."""
    prefix, _, member = role.partition("-")
    return result.get("teachers", {}).get(member) if prefix == "teacher" and member else result.get(role)


@functools.lru_cache(maxsize=1024)
def _report(references: str, hypotheses: str, protocol: str) -> WerReport:
    """Scores by content: the rows of a table share teachers, and so the same hypotheses."""
    read = {clip: found.glosses for clip, found in parse_transcripts(Path("hypotheses.ctm"), hypotheses).items()}
    return score(glosses_of(references), read, protocol)
