"""What ``scripts/ablation.py`` does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from workbench.isolated.distill_preflight import check_isolated_distillation
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.preflight import check_isolated
from workbench.preflight import check_distillation, check_training
from workbench.progress import NoProgress
from workbench.schema import DistillConfig
from workbench.study.collect import Collected, collect
from workbench.study.estimate import estimate
from workbench.study.finished import FinishedRun
from workbench.study.formats import render_sheet
from workbench.study.grid import Cell, ClassConfig, Grid, plan
from workbench.study.grid_view import render_grid
from workbench.study.invocation import command_line, threads_of
from workbench.study.kept_file import KeptRuns, check_kept, default_file, keep_runs, read_kept
from workbench.study.launch import ClusterLauncher, Launcher, LocalLauncher
from workbench.study.runner import StudyRunner
from workbench.study.sheet import make_sheet
from workbench.study.state import StudyState
from workbench.study.summary import summarise
from workbench.study.table import write_table
from workbench.study.view import make_view
from workbench.training_lines import duration

FAILED = 1
_TO_DO = {"missing": "to do", "unfinished": "to finish", "refused": "to redo"}


@dataclass(frozen=True)
class StudyOptions:
    """The command line.

    Attributes:
        study: the file.
        words: overrides for every row.
        seeds: instead of those of the file.
        splits: of the corpus, instead of those of the file.
        reference: the row that others are held against, instead of that of the file.
        out: the folder above that of the study.
        jobs: runs at once; None for one here, and for all on a cluster.
        slurm: options of submitit, None to run here.
        dry_run: show, and run nothing.
        table_only: make the table of what is there, and run nothing.
        fresh: do every run again, with networks that are trained for it.
        keep: file to which records of the finished runs are added.
        records: files of records that stand in for run folders; the one beside the study when there are none.
        no_records: look at run folders alone.
    """

    study: str
    words: Sequence[str] = ()
    seeds: Sequence[int] | None = None
    splits: Sequence[str] | None = None
    reference: str | None = None
    out: str = "runs"
    jobs: int | None = None
    slurm: Mapping[str, Any] | None = None
    dry_run: bool = False
    table_only: bool = False
    fresh: bool = False
    keep: str | None = None
    records: Sequence[str] | None = None
    no_records: bool = False


def run_study(asked: StudyOptions, console: Console) -> Path | None:
    """Do what the command line asks for.

    Returns:
        the folder of the study, None when nothing was to be written.

    Raises:
        ValueError: on anything that the user can mend, in a sentence.
        SystemExit: with 1, when runs failed; the table is written all the same.
    """
    if asked.jobs is not None and asked.jobs < 1:
        raise ValueError(f"--jobs is {asked.jobs}: at least one run is done at a time")
    if asked.no_records and asked.records:
        raise ValueError("--no-records looks at run folders alone: leave out --records")
    if asked.keep is not None and asked.dry_run:
        raise ValueError("--dry-run writes nothing: leave out --keep")
    grid = plan(
        asked.study,
        Path(asked.out),
        seeds=asked.seeds,
        splits=asked.splits,
        reference=asked.reference,
        words=asked.words,
    )
    state = StudyState.open(grid.out)
    if asked.fresh:
        if asked.dry_run or asked.table_only:
            raise ValueError("--fresh runs everything again: leave out --dry-run and --table-only")
        _check_runs(grid, [*grid.runs])
        state.begin_anew(run.name for run in grid.runs.values())
    if state.fresh:
        grid = replace(grid, store=state.store)
    if asked.keep is not None:
        check_kept(Path(asked.keep))  # before hours are spent
    records = [] if state.fresh else _records(asked)
    collected = collect(grid, state.failures, elsewhere=not state.fresh, records=records)
    if asked.dry_run:
        show_plan(grid, collected, asked.jobs or 1, console)
        return None
    if not asked.table_only:
        collected = _do(grid, collected, state, asked)
    return tabulate(grid, collected, console, ran=not asked.table_only, keep=asked.keep)


def show_plan(grid: Grid, collected: Collected, jobs: int, console: Console) -> None:
    """Print the grid, the command of every run that is left, and how long they will take."""
    statuses = {cell: found.status for cell, found in collected.cells.items()}
    words = {cell: _TO_DO.get(status, status) for cell, status in statuses.items()}
    console.print(render_grid(grid, words, statuses))
    for sentence in (*_bad(collected), *collected.strangers):
        console.print(Text(sentence, style="yellow"))
    pending = [cell for cell, status in statuses.items() if status != "done"]
    threads = threads_of(jobs)
    for cell in pending:
        print(command_line(grid.runs[cell], grid, threads))  # not through the console, which would fold it
    console.print(Text(_time_line(grid, collected, pending, jobs)))


def tabulate(grid: Grid, collected: Collected, console: Console, *, ran: bool, keep: str | None = None) -> Path:
    """Write the table of what was found, and print it with its folder last; records go to the file ``keep``.

    Raises:
        ValueError: when nothing was run and run folders had to be refused.
        SystemExit: with 1, when runs failed.
    """
    if not collected.finished and not ran:
        reasons = dict.fromkeys([found.reason for found in collected.cells.values()] + [*collected.strangers])
        raise ValueError(f"there is no run of this study in {grid.out} to make a table of: {'; '.join(reasons)}")
    summary = summarise(grid, collected)
    if keep is not None:
        keep_runs(Path(keep), collected.finished, summary.fusions)
    sheet = make_sheet(summary)
    write_table(summary, sheet)
    console.print(render_sheet(sheet, console))
    print(grid.out)
    for sentence in collected.strangers:
        print(f"WARNING: {sentence}", file=sys.stderr)
    refused = _bad(collected)
    if refused and not ran:
        raise ValueError("; ".join(refused))
    if refused:
        print(f"{len(refused)} of {len(grid.runs)} runs failed: {'; '.join(refused)}", file=sys.stderr)
        raise SystemExit(FAILED)
    return grid.out


def _do(grid: Grid, collected: Collected, state: StudyState, asked: StudyOptions) -> Collected:
    """Run what is left."""
    pending = [cell for cell, found in collected.cells.items() if found.status != "done"]
    if not pending:
        return collected
    _check_runs(grid, pending)
    launcher: Launcher
    if asked.slurm is not None:
        launcher = ClusterLauncher(grid, asked.slurm, asked.jobs)
    else:
        launcher = LocalLauncher(grid, asked.jobs or 1, threads_of(asked.jobs or 1))
    view = make_view(grid, min(launcher.capacity, len(pending)))
    for cell in pending:
        if collected.cells[cell].status == "refused":
            print(f"WARNING: {collected.cells[cell].reason}; it is run again", file=sys.stderr)
    cells = StudyRunner(grid, launcher, view, state, keeper(asked.keep)).run(collected.cells)
    return replace(collected, cells=cells)


def _records(asked: StudyOptions) -> list[KeptRuns]:
    """The records that stand in for run folders.

    Raises:
        ValueError: when a file that was asked for is not there, or one is damaged.
    """
    if asked.no_records:
        return []
    beside = default_file(asked.study)
    files = [Path(name) for name in asked.records] if asked.records else [beside] if beside.is_file() else []
    return [read_kept(path) for path in files]


def keeper(file: str | None) -> Callable[[Cell, FinishedRun], None]:
    """What adds a run to a file as soon as it has ended: a study that breaks off later has lost nothing of it."""

    def keep(cell: Cell, run: FinishedRun) -> None:
        if file is None:
            return
        try:
            keep_runs(Path(file), {cell: run})
        except (OSError, ValueError) as error:  # the other runs go on; when all have ended, it is tried again
            print(f"WARNING: {run.place} is not in {file} yet: {error}", file=sys.stderr)

    return keep


def _check_runs(grid: Grid, cells: Sequence[Cell]) -> None:
    """Find out before hours are spent whether losses fit networks, once for every row.

    Raises:
        ValueError: about the first row that cannot run.
    """
    checked = set()
    for cell in cells:
        if cell.row in checked:
            continue
        checked.add(cell.row)
        config = grid.runs[cell].config
        try:
            if isinstance(config, ClassConfig):
                _check_classes(config)
            elif isinstance(config, DistillConfig):
                check_distillation(config)
            else:
                check_training(config)
        except ValueError as error:
            raise ValueError(f"the row {cell.row} cannot run: {error}") from error


def _check_classes(config: ClassConfig) -> None:
    place = IsolatedPlace.open(config.run, config.data, config.evaluate, NoProgress())
    if isinstance(config, IsolatedDistillConfig):
        check_isolated_distillation(config, place)
    else:
        check_isolated(config, place)


def _bad(collected: Collected) -> list[str]:
    """What is wrong with runs that are there, or were."""
    found = collected.cells.items()
    return [f"{cell}: {one.reason}" for cell, one in found if one.status in ("refused", "failed")]


def _time_line(grid: Grid, collected: Collected, pending: list[Cell], jobs: int) -> str:
    count = f"{len(pending)} of {len(grid.runs)} runs to do"
    if not pending:
        return f"all {len(grid.runs)} runs are done"
    at_once = f", {jobs} at once" if jobs > 1 else ""
    left = estimate(grid, collected.finished, pending).total(jobs)
    if left is None:
        return f"{count}{at_once}; how long they take is known when one of each kind is finished"
    return f"{count}{at_once}: about {duration(left)}, judged by the finished ones"
