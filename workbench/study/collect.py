"""What of a study is done: for every run of its grid the folder or the record that holds it, or why there is none."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.config import content_hash
from workbench.faults import dotted, shown
from workbench.study.finished import FinishedRun
from workbench.study.folder_files import RefusedRunError, read_config
from workbench.study.fused import FusedRun, Stream
from workbench.study.grid import Cell, Grid, PlannedRun, RunConfig, contents, run_content
from workbench.study.kept_file import KeptRuns
from workbench.study.kept_fusion import KeptFusion
from workbench.study.kept_record import Kept
from workbench.study.reading import read_finished

_Change = tuple[str, str, str]  # the place, their value, ours
_SEEDS = {"run.seed", "data.corpus.seed"}
_SHOWN = 2
Status = Literal["done", "missing", "unfinished", "refused", "failed"]


@dataclass(frozen=True)
class Found:
    """A run of the grid as it was found; ``reason`` says why there is no figure of it.

    Of a run that is done, it says why a record had to stand in for its folder.
    """

    status: Status
    run: FinishedRun | None = None
    reason: str = ""


def find_run(run: PlannedRun, folder: Path) -> Found:
    """A run that has just ended well, in its own folder."""
    try:
        finished = read_finished(folder, read_config(folder))
    except ValueError as error:
        return Found("refused", reason=str(error))
    if finished is None:
        return Found("failed", reason=f"it ended well and left no result in {folder}")
    assert contents(finished.config) == run.content, "a run is done in the folder of its own name"
    return Found("done", finished)


@dataclass(frozen=True)
class Collected:
    """What was found; ``strangers`` are sentences about folders and records that no figure was taken from.

    ``fusions`` are those of the records, by what decides them.
    """

    cells: Mapping[Cell, Found]
    strangers: Sequence[str] = ()
    fusions: Mapping[str, KeptFusion] = field(default_factory=dict)

    def fusion(self, content: str, streams: Sequence[Stream]) -> FusedRun | None:
        """A fusion of runs whose score files are not here, from its record if there is one."""
        kept = self.fusions.get(content)
        return None if kept is None else kept.of(streams)

    @property
    def finished(self) -> dict[Cell, FinishedRun]:
        """The runs that figures may be taken from."""
        return {cell: found.run for cell, found in self.cells.items() if found.run is not None}


@dataclass
class _Candidates:
    """Folders and records by the content of what was asked for, and sentences about those that cannot be read."""

    by_content: dict[str, list[tuple[Path, RunConfig]]] = field(default_factory=dict)
    configs: dict[Path, RunConfig] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def collect(
    grid: Grid,
    failures: Mapping[str, str] | None = None,
    *,
    elsewhere: bool = True,
    records: Sequence[KeptRuns] = (),
) -> Collected:
    """Look for the runs of a study in its folder, whatever they are called there, and in the folders of other studies.

    Args:
        grid: the study.
        failures: why runs failed when they were started last, by name.
        elsewhere: whether to look in the folders of other studies.
        records: of finished runs; they stand in for run folders that are not here.
    """
    candidates = _look(grid, elsewhere, records)
    wanted = {run.content for run in grid.runs.values()}
    strangers = {folder: config for folder, config in candidates.configs.items() if contents(config) not in wanted}
    cells = {cell: _found(run, candidates, strangers, failures or {}) for cell, run in grid.runs.items()}
    done = [(found.reason, found.run) for found in cells.values() if found.run is not None]
    told = [f"{reason}; {kept.place} stands in for it" for reason, kept in done if reason]
    cells |= _of_other_clips(cells)
    told += [reason for folder, reason in candidates.unreadable.items() if folder.name not in _names(grid)]
    told += [sentence for folder, config in strangers.items() if (sentence := _stranger(folder, config, grid))]
    told += [sentence for kept in records if (sentence := _strange_records(kept, grid))]
    told += [sentence for filed, sentence in candidates.refused.items() if filed not in wanted]
    fusions = {content: fusion for kept in reversed(records) for content, fusion in kept.fusions.items()}
    return Collected(cells, told, fusions)


def _names(grid: Grid) -> set[str]:
    return {run.name for run in grid.runs.values()}


def _of_other_clips(cells: Mapping[Cell, Found]) -> dict[Cell, Found]:
    """The runs that say they read the same corpus as others and read other clips of it, or call it otherwise."""
    by_data: dict[str, list[tuple[Cell, FinishedRun]]] = {}
    for cell, found in cells.items():
        if found.run is not None:
            by_data.setdefault(content_hash(run_content(found.run.config)["data"]), []).append((cell, found.run))
    refused = {}
    for runs in by_data.values():
        (usual, _), *others = Counter((run.clips, run.corpus) for _, run in runs).most_common()
        first = next(run for _, run in runs if (run.clips, run.corpus) == usual)
        for cell, run in runs if others else ():
            if (run.clips, run.corpus) != usual:
                reason = f"{run.place} is about {run.corpus} and {first.place} about {first.corpus}"
                if run.corpus == first.corpus:
                    reason = f"{run.place} read other clips of {run.corpus} than {first.place}"
                refused[cell] = Found("refused", reason=reason)
    return refused


def _look(grid: Grid, elsewhere: bool, records: Sequence[KeptRuns]) -> _Candidates:
    found = _Candidates()
    for kept in reversed(records):  # of two records of a run the one in the first file counts
        found.kept |= {run.content: run for run in kept.runs.values()}
        found.refused |= kept.refused
    own = [path.parent for path in sorted(grid.out.glob("*/config.yaml"))]
    halves = [path.parent for path in sorted(grid.out.glob("*/result.json")) if path.parent not in own]
    others = _runs_elsewhere(grid) if elsewhere else []
    for folder in (*own, *halves, *others):
        try:
            config = read_config(folder)
        except RefusedRunError as error:
            found.unreadable[folder] = str(error)
            continue
        found.by_content.setdefault(contents(config), []).append((folder, config))
        if folder in own:
            found.configs[folder] = config
    return found


def _runs_elsewhere(grid: Grid) -> list[Path]:
    """Run folders of other studies: their names end with the content, so that not all of them have to be read."""
    named = (path for run in grid.runs.values() for path in sorted(grid.out.parent.glob(f"*/*-{run.content[:8]}")))
    return [path for path in named if path.parent != grid.out and (path / "config.yaml").is_file()]


def _found(
    run: PlannedRun, candidates: _Candidates, strangers: Mapping[Path, RunConfig], failures: Mapping[str, str]
) -> Found:
    """The first whole folder of this run, or a record of it; else the first reason against one."""
    reasons, begun = [], False
    for folder, config in candidates.by_content.get(run.content, []):
        try:
            finished = read_finished(folder, config)
        except ValueError as error:
            reasons.append(str(error))
            continue
        if finished is not None:
            return Found("done", finished)
        begun = begun or folder.name == run.name
    reasons += [reason for folder, reason in candidates.unreadable.items() if folder.name == run.name]
    if run.content in candidates.kept:
        return Found("done", candidates.kept[run.content], reasons[0] if reasons else "")
    if run.content in candidates.refused:
        reasons.append(candidates.refused[run.content])
    if reasons:
        return Found("refused", reason=reasons[0])
    if run.name in failures:
        return Found("failed", reason=failures[run.name])
    if begun:
        return Found("unfinished", reason="not finished")
    folders = ((str(at), config) for at, config in strangers.items() if at.name.startswith(f"{_stem(run)}-"))
    records = ((kept.place, kept.config) for kept in candidates.kept.values() if kept.cell == run.cell)
    other = next(itertools.chain(folders, records), None)
    if other is None:
        return Found("missing", reason="not run yet")
    place, config = other
    how = _told(_changes(config, run.config))
    return Found("missing", reason=f"not run yet; {place} is another configuration, it has {how}")


def _stem(run: PlannedRun) -> str:
    return run.name.rpartition("-")[0]


def _stranger(place: Path | str, config: RunConfig, grid: Grid) -> str | None:
    """The sentence about a folder or a record of no run of the study: how it differs from the nearest one.

    None where that is a seed alone: the study may be made with fewer seeds than there are runs.
    """
    nearest = min(grid.runs.values(), key=lambda run: len(_changes(config, run.config)))
    changes = _changes(config, nearest.config)
    if {place for place, _, _ in changes} <= _SEEDS:
        return None
    return f"{place} is no run of this study: from {nearest.cell} it differs in {_told(changes)}"


def _strange_records(kept: KeptRuns, grid: Grid) -> str | None:
    """The sentence about the runs of a file that are none of the study: how many, and how the first of them differs.

    None where all are, but for their seeds.
    """
    wanted = {run.content for run in grid.runs.values()}
    sentences = [_stranger(run.place, run.config, grid) for run in kept.runs.values() if run.content not in wanted]
    told = [sentence for sentence in sentences if sentence is not None]
    if not told:
        return None
    more = f"; {len(told) - 1} more in this file are none either" if len(told) > 1 else ""
    return f"{told[0]}{more}"


def _told(changes: Sequence[_Change]) -> str:
    """A few of many differences in a clause."""
    shown_changes = [f"{place}: {theirs} instead of {ours}" for place, theirs, ours in changes[:_SHOWN]]
    more = f" and {len(changes) - _SHOWN} more settings" if len(changes) > _SHOWN else ""
    return f"{', '.join(shown_changes)}{more}"


def _changes(theirs: RunConfig, ours: RunConfig) -> list[_Change]:
    return list(_between(run_content(theirs), run_content(ours), ()))


def _between(theirs: Any, ours: Any, place: tuple[str | int, ...]) -> Iterator[_Change]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in dict.fromkeys([*theirs, *ours]):
            yield from _between(theirs.get(key), ours.get(key), (*place, key))
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _between(one, other, (*place, index))
    elif theirs != ours:
        yield dotted(place), shown(theirs), shown(ours)
