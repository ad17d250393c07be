"""The commands that a study consists of, as a user would type them."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from workbench.study.grid import Grid, PlannedRun, override_words

_SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def arguments_of(run: PlannedRun, grid: Grid, threads: int | None) -> list[str]:
    """What follows the name of the script: the configuration, its overrides, and where the run lies."""
    places = {"run.name": run.name, "run.out": str(grid.out), "run.store": str(grid.store)}
    words = override_words(places)
    if threads is not None and run.config.run.threads is None:
        words.append(f"run.threads={threads}")
    return [str(run.path), *run.words, *words]


def command_line(run: PlannedRun, grid: Grid, threads: int | None) -> str:
    """The command of a run for a shell."""
    return shlex.join(["python", f"scripts/{run.script}.py", *arguments_of(run, grid, threads)])


def process_arguments(run: PlannedRun, grid: Grid, threads: int | None) -> list[str]:
    """The command of a run for a new process, in this Python."""
    return [sys.executable, str(_SCRIPTS / f"{run.script}.py"), *arguments_of(run, grid, threads)]


def threads_of(jobs: int) -> int | None:
    """Threads of each of ``jobs`` processes that share this machine; None leaves a single one all."""
    return None if jobs == 1 else max(1, _processors() // jobs)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
