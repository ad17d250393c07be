"""Records of fusions: what was fused cannot be fused again without the scores, which records of runs do not hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.study.class_codes import Outcomes
from workbench.study.fused import FUSED, FusedRun, Stream
from workbench.study.grid import Cell
from workbench.study.kept_record import Parts, add_part, called, digest, named_part, part_name


@dataclass(frozen=True)
class KeptFusion:
    """A fusion of which a record is at hand.

    Attributes:
        place: what a message calls it.
        entry: what the record says of it.
        labels: clips, labels and classes by part.
        outcomes: what it found in them.
    """

    place: str
    entry: Mapping[str, Any]
    labels: Mapping[str, Any]
    outcomes: Outcomes

    def of(self, streams: Sequence[Stream]) -> FusedRun | None:
        """The fusion of these runs; None where they are not those that it was made of."""
        if _found_by(streams) != self.entry["streams"]:
            return None
        return FusedRun(tuple(streams), self.outcomes.reports, self.labels, self.entry["about_weights"], self.place)


def record_of_fusion(content: str, found: FusedRun, cell: Cell) -> tuple[dict[str, Any], Parts]:
    """The entry of a fusion, and the parts that it refers to."""
    parts: Parts = {"references": {}, "networks": {}}
    entry = {
        "row": cell.row,
        "seed": cell.seed,
        "corpus_seed": cell.corpus_seed,
        **({} if cell.split is None else {"split": cell.split}),
        "streams": _found_by(found.streams),
        "about_weights": found.about_weights,
        "references": add_part(parts, "references", dict(found.labels)),
        "networks": {FUSED: add_part(parts, "networks", Outcomes(found.reports).as_part())},
        "counts": {split: found.counts(FUSED, split) for split in found.reports},
    }
    entry["digest"] = digest(content, entry)
    return entry, parts


def read_fusion(file: Path, content: str, entry: Mapping[str, Any], parts: Parts) -> KeptFusion:
    """The fusion of an entry, checked as that of a run is.

    Raises:
        ValueError: when it was edited, a part of it is missing, or the counts are not those of what was found.
    """
    place = f"the record of {called(content, entry)} in {file}"
    try:
        if entry["digest"] != digest(content, entry):
            raise ValueError(f"{place} was edited: restore the file, or fuse the runs again")
        labels = named_part(place, parts, "references", entry["references"])
        network = named_part(place, parts, "networks", entry["networks"][FUSED])
        outcomes = Outcomes.read(network, labels)
        counts = {split: report.as_dict() for split, report in outcomes.reports.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{place} is damaged ({error!r}): restore the file, or fuse the runs again") from error
    if counts != entry["counts"]:
        raise ValueError(
            f"{place} does not hold together: it says {json.dumps(entry['counts'])}, and what was found gives "
            f"{json.dumps(counts)}"
        )
    return KeptFusion(place, entry, labels, outcomes)


def _found_by(streams: Sequence[Stream]) -> list[list[str]]:
    """What decides a fusion beside its weights: which run every stream is, and what its network found."""
    return [[stream.run.content, part_name(dict(stream.run.read_by(stream.role)))] for stream in streams]
