"""Finished runs of which a record is at hand."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slr.scoring import AccuracyReport, WerReport, class_errors, score
from workbench.config import content_hash
from workbench.measure import SPLITS
from workbench.study.class_codes import Outcomes
from workbench.study.class_folders import STEPS as CLASS_STEPS
from workbench.study.class_folders import judged
from workbench.study.folders import STEPS, glosses_of, kind_of
from workbench.study.grid import Cell, ClassConfig, RunConfig, SentenceConfig, contents
from workbench.study.hypothesis_codes import decode
from workbench.study.schema import Task


@dataclass(frozen=True)
class KeptRun:
    """A finished run of which a record is at hand.

    Attributes:
        place: what a message calls it.
        filed: hash of what was asked for, as it was when the record was made.
        entry: what the record says of it.
        references: what should have been found, by split.
        networks: what its networks found, by role.
        config: what was asked for; settings that the workbench has learned since then have their defaults.
    """

    place: str
    filed: str
    entry: Mapping[str, Any]
    references: Mapping[str, Any]
    networks: Mapping[str, Mapping[str, Any]]
    config: RunConfig

    folder: None = None

    @cached_property
    def content(self) -> str:
        """Hash of what was asked for, as a planned run of the same configuration has it now."""
        return contents(self.config)

    @property
    def cell(self) -> Cell:
        """Where it was in its study when the record was made."""
        return Cell(self.entry["row"], self.entry["seed"], self.entry["corpus_seed"], self.entry.get("split"))

    @property
    def measured(self) -> Mapping[str, Any]:
        """What its steps found."""
        return self.entry["measured"]

    @property
    def finished(self) -> str:
        """When it ended, UTC."""
        return self.entry["finished"]

    @property
    def corpus(self) -> str:
        """The name of its corpus."""
        return self.entry["corpus"]

    @property
    def commit(self) -> str | None:
        """The commit of the workbench."""
        return self.entry["commit"]

    @property
    def uncommitted_changes(self) -> bool | None:
        """Whether the workbench differed from that commit; records of earlier versions do not say."""
        return self.entry.get("uncommitted_changes")

    @property
    def machine(self) -> Mapping[str, Any] | None:
        """The kind of machine."""
        return self.entry["machine"]

    @property
    def wall_seconds(self) -> float | None:
        """From the start that finished it to its end."""
        return self.entry["wall_seconds"]

    def read_by(self, role: str) -> Mapping[str, Any]:
        """What a network found, as it is kept."""
        return self.networks[role]

    def epoch_seconds(self, role: str) -> float | None:
        """Mean seconds of an epoch of training."""
        return self.entry["epoch_seconds"].get(role)


@dataclass(frozen=True)
class KeptSentences(KeptRun):
    """The record of a run on sentences: ``references`` hold the text of an STM file by split."""

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

    @cached_property
    def clips(self) -> str:
        """Hash of the references, as that of a run folder."""
        return content_hash([self.references[split] for split in SPLITS])

    def report(self, role: str, split: str) -> WerReport | None:
        """The scores of a network on a split, counted from what it read."""
        network = self.networks.get(role)
        if network is None or split not in network:
            return None
        return _report(self.references[split], network[split], tuple(network["glosses"]), self.config.data.protocol)

    def accuracy(self, role: str, split: str) -> None:
        """There are no classes."""

    def counts(self, role: str, split: str) -> dict[str, Any] | None:
        """The counts of a network on a split."""
        report = self.report(role, split)
        return None if report is None else report.counts.as_dict()


@dataclass(frozen=True)
class KeptClasses(KeptRun):
    """The record of a run on isolated clips; the scores themselves are not in it, so that it cannot be fused."""

    config: ClassConfig

    @property
    def task(self) -> Task:
        """A class."""
        return "class"

    @property
    def main(self) -> str:
        """The network that the run was for."""
        return CLASS_STEPS[type(self.config)][1]

    @property
    def judged(self) -> str:
        """How its network was judged."""
        return judged(self.config)

    @cached_property
    def clips(self) -> str:
        """Hash of clips, labels and classes, as that of a run folder."""
        return content_hash(self.references)

    @cached_property
    def _outcomes(self) -> Mapping[str, Mapping[str, AccuracyReport]]:
        return {role: Outcomes.read(part, self.references).reports for role, part in self.networks.items()}

    def accuracy(self, role: str, split: str) -> AccuracyReport | None:
        """How often a network is right."""
        return self._outcomes.get(role, {}).get(split)

    def report(self, role: str, split: str) -> WerReport | None:
        """Its errors, clip by clip, as those of sentences of one gloss."""
        found = self.accuracy(role, split)
        return (
            None if found is None else class_errors(found, self.references[split]["clips"], self.references["classes"])
        )

    def counts(self, role: str, split: str) -> dict[str, Any] | None:
        """The counts of a network on a part."""
        found = self.accuracy(role, split)
        return None if found is None else found.as_dict()


@functools.lru_cache(maxsize=1024)
def _report(references: str, read: str, glosses: tuple[str, ...], protocol: str) -> WerReport:
    wanted = glosses_of(references)
    return score(wanted, decode(read, [*wanted], glosses), protocol)
