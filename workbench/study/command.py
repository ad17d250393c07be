"""What ``scripts/ablation.py`` does."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from workbench.study.collect import Collected, collect
from workbench.study.estimate import estimate
from workbench.study.grid import Cell, Grid, plan
from workbench.study.grid_view import render_grid
from workbench.study.invocation import command_line, threads_of
from workbench.training_lines import duration

_TO_DO = {"missing": "to do", "unfinished": "to finish"}


def run_study(asked: Namespace, console: Console) -> None:
    """Do what the command line asks for."""
    grid = plan(asked.study, Path(asked.out), seeds=asked.seeds, words=asked.words)
    collected = collect(grid)
    if asked.dry_run:
        show_plan(grid, collected, asked.jobs, console)
        return


def show_plan(grid: Grid, collected: Collected, jobs: int, console: Console) -> None:
    """Print the grid, the command of every run that is left, and how long they will take."""
    statuses = {cell: found.status for cell, found in collected.cells.items()}
    words = {cell: _TO_DO.get(status, status) for cell, status in statuses.items()}
    console.print(render_grid(grid, words, statuses))
    _print_reasons(collected, console)
    pending = [cell for cell, status in statuses.items() if status != "done"]
    threads = threads_of(jobs)
    for cell in pending:
        print(command_line(grid.runs[cell], grid, threads))  # not through the console, which would fold it
    console.print(Text(_time_line(grid, collected, pending, jobs)))


def _print_reasons(collected: Collected, console: Console) -> None:
    bad = {cell: found for cell, found in collected.cells.items() if found.status in ("refused", "failed")}
    told = [f"{cell}: {found.reason}" for cell, found in bad.items()]
    for line in (*told, *collected.strangers):
        console.print(Text(line, style="yellow"))


def _time_line(grid: Grid, collected: Collected, pending: list[Cell], jobs: int) -> str:
    count = f"{len(pending)} of {len(grid.runs)} runs to do"
    if not pending:
        return f"all {len(grid.runs)} runs are done"
    at_once = f", {jobs} at once" if jobs > 1 else ""
    left = estimate(grid, collected.finished, pending).total(jobs)
    if left is None:
        return f"{count}{at_once}; how long they take is known when one of each kind is finished"
    return f"{count}{at_once}: about {duration(left)}, judged by the finished ones"
