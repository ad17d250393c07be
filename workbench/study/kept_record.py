"""Records of finished runs: what was asked for, what the networks read, what was measured.

A record is an entry and the parts it refers to. Parts are stored once and called by a hash of what they hold: sections
of the configuration, references, and what a network found in the clips, which the rows of a study share.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pydantic

from workbench.config import content_hash
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.measure import SPLITS
from workbench.schema import DistillConfig, TrainConfig
from workbench.study.finished import FinishedRun
from workbench.study.grid import Cell, ClassConfig, run_content
from workbench.study.kept_run import KeptClasses, KeptSentences

Kept = KeptSentences | KeptClasses
Parts = dict[str, dict[str, Any]]  # kind -> name -> what it holds
PARTS = ("settings", "references", "networks")
_SENTENCES = {schema.__name__: schema for schema in (DistillConfig, TrainConfig)}
_CLASSES: Mapping[str, type[ClassConfig]] = {
    schema.__name__: schema for schema in (IsolatedTrainConfig, IsolatedDistillConfig)
}
# What of the measurements a table reads.
_MEASURED = ("corpus", "decoder", "names", "params", "macs", "seconds", "splits", "pseudo_label_accuracy")
_NOWHERE = "not-here"  # where a run and its corpus lie is no part of a record, and a configuration needs an answer


def record_of(run: FinishedRun, cell: Cell) -> tuple[dict[str, Any], Parts]:
    """The entry of a run, which was asked for in a cell of a study, and the parts that it refers to."""
    parts: Parts = {kind: {} for kind in PARTS}
    roles = list(run.measured["names"])
    counts = {role: {split: run.counts(role, split) for split in SPLITS} for role in roles}
    entry = {
        "row": cell.row,
        "seed": cell.seed,
        "corpus_seed": cell.corpus_seed,
        **({} if cell.split is None else {"split": cell.split}),
        "kind": type(run.config).__name__,
        "settings": {name: add_part(parts, "settings", section) for name, section in run_content(run.config).items()},
        "corpus": run.corpus,
        "references": add_part(parts, "references", dict(run.references)),
        "protocol": _protocol(run),
        "networks": {role: add_part(parts, "networks", dict(run.read_by(role))) for role in roles},
        "counts": {role: {split: one for split, one in found.items() if one} for role, found in counts.items()},
        "measured": {key: run.measured[key] for key in _MEASURED if key in run.measured},
        "epoch_seconds": {role: seconds for role in roles if (seconds := run.epoch_seconds(role)) is not None},
        "wall_seconds": run.wall_seconds,
        "commit": run.commit,
        "uncommitted_changes": run.uncommitted_changes,
        "machine": None if run.machine is None else dict(run.machine),
        "finished": run.finished,
    }
    entry["digest"] = digest(run.content, entry)
    return entry, parts


def read_record(file: Path, content: str, entry: Mapping[str, Any], parts: Parts) -> Kept:
    """The run of an entry, checked: nothing in it is taken on trust that follows from something else.

    Raises:
        ValueError: when it was edited, a part of it is missing, or the counts are not those of what was read.
    """
    place = f"the record of {called(content, entry)} in {file}"
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


def add_part(parts: Parts, kind: str, part: Any) -> str:
    """Put a part among the others; what it is called."""
    name = part_name(part)
    parts[kind][name] = part
    return name


def _protocol(run: FinishedRun) -> str | None:
    return None if isinstance(run.config, ClassConfig) else run.config.data.protocol


def called(content: str, entry: Mapping[str, Any]) -> str:
    """What a message calls the run of an entry, which may be damaged."""
    try:
        return str(Cell(entry["row"], entry["seed"], entry["corpus_seed"], entry.get("split")))
    except (KeyError, TypeError, AttributeError):
        return content[:8]


def _read(place: str, content: str, entry: Mapping[str, Any], parts: Parts) -> Kept:
    if entry["digest"] != digest(content, entry):
        raise ValueError(f"{place} was edited: restore the file, or do the run again")
    plain = {section: named_part(place, parts, "settings", name) for section, name in entry["settings"].items()}
    if content_hash(plain) != content:
        raise ValueError(f"{place} was edited: its settings are not those that it is filed under")
    references = named_part(place, parts, "references", entry["references"])
    networks = {role: named_part(place, parts, "networks", name) for role, name in entry["networks"].items()}
    whole = json.dumps(
        {**plain, "run": {**plain["run"], "name": _NOWHERE}, "data": {**plain["data"], "root": _NOWHERE}}
    )
    kind = entry["kind"]
    try:
        if kind in _CLASSES:
            config = _CLASSES[kind].model_validate_json(whole)
            return KeptClasses(place, content, entry, references, networks, config)
        return KeptSentences(place, content, entry, references, networks, _SENTENCES[kind].model_validate_json(whole))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place} has settings that this version does not take: {where}: {first['msg']}") from error


def named_part(place: str, parts: Parts, kind: str, name: str) -> Any:
    """A part by its name.

    Raises:
        ValueError: when it is not there, or not what it was.
    """
    if name not in parts[kind]:
        raise ValueError(f"{place} is damaged: {name} is not among the {kind} of the file")
    if part_name(parts[kind][name]) != name:
        raise ValueError(f"{place} was edited, in {name} of its {kind}: restore the file, or do the run again")
    return parts[kind][name]


def _check_counts(run: Kept) -> None:
    """Whether the counts and the settings that the entry names are those that follow from the rest of it."""
    if run.entry["protocol"] != _protocol(run):
        raise ValueError(
            f"{run.place} was edited: it says protocol {run.entry['protocol']}, and its settings say {_protocol(run)}"
        )
    for role, counts in run.entry["counts"].items():
        for split in SPLITS:
            try:
                found = run.counts(role, split)
            except ValueError as error:
                raise ValueError(f"{run.place} is damaged: {role}, {split}: {error}") from error
            if found != counts.get(split):
                raise ValueError(
                    f"{run.place} does not hold together: it says {role}.{split} is {json.dumps(counts.get(split))}, "
                    f"and what the network read gives {json.dumps(found)}"
                )
    if {*run.entry["counts"]} != {*run.networks} or {*run.networks} != {*run.measured["names"]}:
        raise ValueError(f"{run.place} is damaged: its counts, its networks and its measurements name other networks")
    datetime.fromisoformat(run.finished)
