"""What of a study is done: for every run of its grid the folder that holds it, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.faults import dotted, shown
from workbench.study.folders import RefusedRunError, RunFolder, contents, read_config, read_run
from workbench.study.grid import Cell, Grid, PlannedRun, RunConfig, run_content

Status = Literal["done", "missing", "unfinished", "refused", "failed"]


@dataclass(frozen=True)
class Found:
    """A run of the grid as it was found; ``reason`` says why there is no figure of it."""

    status: Status
    run: RunFolder | None = None
    reason: str = ""


@dataclass(frozen=True)
class Collected:
    """What was found; ``strangers`` are sentences about run folders that belong to no run of the study."""

    cells: Mapping[Cell, Found]
    strangers: Sequence[str] = ()

    @property
    def finished(self) -> dict[Cell, RunFolder]:
        """The runs that figures may be taken from."""
        return {cell: found.run for cell, found in self.cells.items() if found.run is not None}


@dataclass
class _Candidates:
    """Folders by the content of what was asked for in them, and sentences about those that cannot be read."""

    by_content: dict[str, list[Path]] = field(default_factory=dict)
    configs: dict[Path, RunConfig] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)


def collect(grid: Grid, failures: Mapping[str, str] | None = None) -> Collected:
    """Look for the runs of a study in its folder, whatever they are called there, and in the folders of other studies.

    Args:
        grid: the study.
        failures: why runs failed when they were started last, by name.
    """
    candidates = _look(grid)
    wanted = {run.content for run in grid.runs.values()}
    strangers = {folder: config for folder, config in candidates.configs.items() if contents(config) not in wanted}
    cells = {cell: _found(run, candidates, strangers, failures or {}) for cell, run in grid.runs.items()}
    told = [*candidates.unreadable.values()]
    told += [_stranger(folder, config, grid) for folder, config in strangers.items()]
    return Collected(cells, told)


def _look(grid: Grid) -> _Candidates:
    found = _Candidates()
    own = [path.parent for path in sorted(grid.out.glob("*/config.yaml"))]
    halves = [path.parent for path in sorted(grid.out.glob("*/result.json")) if path.parent not in own]
    # The name of a run folder ends with its content, so that those of other studies need not all be read.
    others = [
        path for run in grid.runs.values() for path in sorted(grid.out.parent.glob(f"*/*-{run.content[:8]}"))
        if path.parent != grid.out and (path / "config.yaml").is_file()
    ]  # fmt: skip
    for folder in (*own, *halves, *others):
        try:
            config = read_config(folder)
        except RefusedRunError as error:
            found.unreadable[folder] = str(error)
            continue
        found.by_content.setdefault(contents(config), []).append(folder)
        if folder in own:
            found.configs[folder] = config
    return found


def _found(
    run: PlannedRun, candidates: _Candidates, strangers: Mapping[Path, RunConfig], failures: Mapping[str, str]
) -> Found:
    """The first whole folder of this run; else the first reason against one."""
    reasons, begun = [], False
    for folder in candidates.by_content.get(run.content, []):
        try:
            finished = read_run(folder)
        except ValueError as error:
            reasons.append(str(error))
            continue
        if finished is not None:
            return Found("done", finished)
        begun = begun or folder.name == run.name
    reasons += [reason for folder, reason in candidates.unreadable.items() if folder.name == run.name]
    if reasons:
        return Found("refused", reason=reasons[0])
    if run.name in failures:
        return Found("failed", reason=failures[run.name])
    other = [folder for folder in strangers if folder.name.startswith(f"{_stem(run)}-")]
    if other:
        reason = f"{other[0]} is another configuration: {_difference(strangers[other[0]], run.config)}"
        return Found("unfinished" if begun else "refused", reason=reason)
    return Found("unfinished", reason="not finished") if begun else Found("missing", reason="not run yet")


def _stem(run: PlannedRun) -> str:
    return run.name.rpartition("-")[0]


def _stranger(folder: Path, config: RunConfig, grid: Grid) -> str:
    """The sentence about a folder that belongs to no run: how it differs from the run that it is nearest to."""
    nearest = min(grid.runs.values(), key=lambda run: len(list(_differences(config, run.config))))
    return f"{folder} is no run of this study: {_difference(config, nearest.config)} ({nearest.cell})"


def _difference(theirs: RunConfig, ours: RunConfig) -> str:
    """How a run differs from the one that is wanted, in one clause."""
    found = list(_differences(theirs, ours))
    place, their_value, our_value = found[0]
    more = f", and in {len(found) - 1} more settings" if len(found) > 1 else ""
    return f"its {place} is {their_value} where the study has {our_value}{more}"


def _differences(theirs: RunConfig, ours: RunConfig) -> Iterator[tuple[str, str, str]]:
    yield from _between(run_content(theirs), run_content(ours), ())


def _between(theirs: Any, ours: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str, str, str]]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in dict.fromkeys([*theirs, *ours]):
            yield from _between(theirs.get(key), ours.get(key), (*place, key))
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _between(one, other, (*place, index))
    elif theirs != ours:
        yield dotted(place), shown(theirs), shown(ours)
