"""A finished run as its record tells it: what was asked for, what its networks read, what was measured.

A record is an entry and the parts it refers to. Parts are stored once and called by a hash of what they hold: sections
of the configuration, references, and hypotheses of a network, which the rows of a study share.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pydantic

from slr.scoring import WerReport, score
from slr.scoring.files import parse_transcripts
from workbench.config import content_hash
from workbench.measure import SPLITS
from workbench.schema import DistillConfig, ReleasedConfig, TrainConfig
from workbench.study.finished import FinishedRun
from workbench.study.folders import STEPS, contents, kind_of
from workbench.study.grid import Cell, RunConfig, run_content
from workbench.study.hypothesis_codes import decode, encode, occurring

Parts = dict[str, dict[str, Any]]  # kind -> name -> what it holds
PARTS = ("settings", "references", "networks")
_SCHEMAS: Mapping[str, type[RunConfig]] = {
    schema.__name__: schema for schema in (DistillConfig, TrainConfig, ReleasedConfig)
}
# What of the measurements a table reads.
_MEASURED = ("corpus", "decoder", "names", "params", "macs", "seconds", "splits", "pseudo_label_accuracy")
_NOWHERE = "not-here"  # where a run and its corpus lie is no part of a record, and a configuration needs an answer


@dataclass(frozen=True)
class KeptRun:
    """A finished run of which a record is at hand.

    Attributes:
        place: what a message calls it.
        filed: hash of what was asked for, as it was when the record was made.
        config: what was asked for; settings that the workbench has learned since then have their defaults.
        entry: what the record says of it.
        references: the text of an STM file by split.
        networks: what the networks read, by role, as :mod:`workbench.study.hypothesis_codes` writes it.
    """

    place: str
    filed: str
    config: RunConfig
    entry: Mapping[str, Any]
    references: Mapping[str, str]
    networks: Mapping[str, Mapping[str, Any]]

    folder: None = None

    @cached_property
    def content(self) -> str:
        """Hash of what was asked for, as a planned run of the same configuration has it now."""
        return contents(self.config)

    @property
    def cell(self) -> Cell:
        """Where it was in its study when the record was made."""
        return Cell(self.entry["row"], self.entry["seed"], self.entry["corpus_seed"])

    @property
    def measured(self) -> Mapping[str, Any]:
        """What its steps found."""
        return self.entry["measured"]

    @property
    def finished(self) -> str:
        """When it ended, UTC."""
        return self.entry["finished"]

    @property
    def main(self) -> str:
        """The network that the run was for."""
        return STEPS[kind_of(self.config)][1]

    @property
    def corpus(self) -> str:
        """The name of its corpus."""
        return self.entry["corpus"]

    @property
    def commit(self) -> str | None:
        """The commit of the workbench."""
        return self.entry["commit"]

    @property
    def machine(self) -> Mapping[str, Any] | None:
        """The kind of machine."""
        return self.entry["machine"]

    @property
    def wall_seconds(self) -> float | None:
        """From its last start to its end."""
        return self.entry["wall_seconds"]

    @cached_property
    def clips(self) -> str:
        """Hash of the references, as that of a run folder."""
        return content_hash([self.references[split] for split in SPLITS])

    def hypotheses(self, role: str, split: str) -> Mapping[str, tuple[str, ...]] | None:
        """What a network read, by clip."""
        network = self.networks.get(role)
        if network is None or split not in network:
            return None
        return decode(network[split], [*_wanted(self.references[split])], network["glosses"])

    def report(self, role: str, split: str) -> WerReport | None:
        """The scores of a network on a split, counted from what it read."""
        network = self.networks.get(role)
        if network is None or split not in network:
            return None
        return _report(self.references[split], network[split], tuple(network["glosses"]), self.config.data.protocol)

    def epoch_seconds(self, role: str) -> float | None:
        """Mean seconds of an epoch of training."""
        return self.entry["epoch_seconds"].get(role)


def record_of(run: FinishedRun, cell: Cell) -> tuple[dict[str, Any], Parts]:
    """The entry of a run, which was asked for in a cell of a study, and the parts that it refers to."""
    parts: Parts = {kind: {} for kind in PARTS}
    settings = {name: _part(parts, "settings", section) for name, section in run_content(run.config).items()}
    roles = list(run.measured["names"])
    networks = {role: _part(parts, "networks", _network(run, role)) for role in roles}
    reports = {role: {split: run.report(role, split) for split in SPLITS} for role in roles}
    entry = {
        "row": cell.row,
        "seed": cell.seed,
        "corpus_seed": cell.corpus_seed,
        "kind": type(run.config).__name__,
        "settings": settings,
        "corpus": run.corpus,
        "references": _part(parts, "references", dict(run.references)),
        "protocol": run.config.data.protocol,
        "networks": networks,
        "counts": {
            role: {split: report.counts.as_dict() for split, report in found.items() if report is not None}
            for role, found in reports.items()
        },
        "measured": {key: run.measured[key] for key in _MEASURED if key in run.measured},
        "epoch_seconds": {role: seconds for role in roles if (seconds := run.epoch_seconds(role)) is not None},
        "wall_seconds": run.wall_seconds,
        "commit": run.commit,
        "machine": None if run.machine is None else dict(run.machine),
        "finished": run.finished,
    }
    entry["digest"] = digest(run.content, entry)
    return entry, parts


def read_record(file: Path, content: str, entry: Mapping[str, Any], parts: Parts) -> KeptRun:
    """The run of an entry, checked: nothing in it is taken on trust that follows from something else.

    Raises:
        ValueError: when it was edited, a part of it is missing, or the counts are not those of what was read.
    """
    place = f"the record of {_called(content, entry)} in {file}"
    try:
        found = _read(place, content, entry, parts)
        _check_counts(found)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{place} is damaged ({error!r}): restore the file, or do the run again") from error
    return found


def digest(content: str, entry: Mapping[str, Any]) -> str:
    """Hash of an entry; what it refers to goes by a hash of its own."""
    return content_hash([content, {key: value for key, value in entry.items() if key != "digest"}])


def part_name(part: Any) -> str:
    """What a part is called: the beginning of its hash."""
    return content_hash(part)[:20]


def _part(parts: Parts, kind: str, part: Any) -> str:
    name = part_name(part)
    parts[kind][name] = part
    return name


def _network(run: FinishedRun, role: str) -> dict[str, Any]:
    """What a network read, coded; without the splits on which it was not measured."""
    read = {split: found for split in SPLITS if (found := run.hypotheses(role, split)) is not None}
    glosses = occurring(read.values())
    clips = {split: [*_wanted(run.references[split])] for split in read}
    return {"glosses": glosses, **{split: encode(found, clips[split], glosses) for split, found in read.items()}}


def _called(content: str, entry: Mapping[str, Any]) -> str:
    try:
        return str(Cell(entry["row"], entry["seed"], entry["corpus_seed"]))
    except (KeyError, TypeError):
        return content[:8]


def _read(place: str, content: str, entry: Mapping[str, Any], parts: Parts) -> KeptRun:
    if entry["digest"] != digest(content, entry):
        raise ValueError(f"{place} was edited: restore the file, or do the run again")
    plain = {section: _named(place, parts, "settings", name) for section, name in entry["settings"].items()}
    if content_hash(plain) != content:
        raise ValueError(f"{place} was edited: its settings are not those that it is filed under")
    return KeptRun(
        place,
        content,
        _config(place, entry["kind"], plain),
        entry,
        _named(place, parts, "references", entry["references"]),
        {role: _named(place, parts, "networks", name) for role, name in entry["networks"].items()},
    )


def _named(place: str, parts: Parts, kind: str, name: str) -> Any:
    if name not in parts[kind]:
        raise ValueError(f"{place} is damaged: {name} is not among the {kind} of the file")
    if part_name(parts[kind][name]) != name:
        raise ValueError(f"{place} was edited, in {name} of its {kind}: restore the file, or do the run again")
    return parts[kind][name]


def _config(place: str, kind: str, plain: Mapping[str, Any]) -> RunConfig:
    whole = {
        **plain,
        "run": {**plain["run"], "name": _NOWHERE},
        "data": {**plain["data"], "root": _NOWHERE},
    }
    try:
        return _SCHEMAS[kind].model_validate_json(json.dumps(whole))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place} has settings that this version does not take: {where}: {first['msg']}") from error


def _check_counts(run: KeptRun) -> None:
    """Whether the counts and the settings that the entry names are those that follow from the rest of it."""
    if run.entry["protocol"] != run.config.data.protocol:
        raise ValueError(
            f"{run.place} was edited: it says protocol {run.entry['protocol']}, and its settings say "
            f"{run.config.data.protocol}"
        )
    for role, counts in run.entry["counts"].items():
        for split in SPLITS:
            try:
                report = run.report(role, split)
            except ValueError as error:
                raise ValueError(f"{run.place} is damaged: {role}, {split}: {error}") from error
            found = None if report is None else report.counts.as_dict()
            if found != counts.get(split):
                raise ValueError(
                    f"{run.place} does not hold together: it says {role}.{split} is {json.dumps(counts.get(split))}, "
                    f"and what the network read gives {json.dumps(found)}"
                )
    if {*run.entry["counts"]} != {*run.networks} or {*run.networks} != {*run.measured["names"]}:
        raise ValueError(f"{run.place} is damaged: its counts, its networks and its measurements name other networks")
    datetime.fromisoformat(run.finished)


@functools.lru_cache(maxsize=1024)
def _report(references: str, read: str, glosses: tuple[str, ...], protocol: str) -> WerReport:
    wanted = _wanted(references)
    return score(wanted, decode(read, [*wanted], glosses), protocol)


def _wanted(references: str) -> dict[str, tuple[str, ...]]:
    """Glosses by clip, of the text of an STM file."""
    return {clip: found.glosses for clip, found in parse_transcripts(Path("references.stm"), references).items()}
