"""How long an epoch of distillation takes under every row of a study, next to one of the student alone.

All of them learn every batch in turn, so that whatever else the machine does befalls all; a first round warms up. As in
``benchmarks/distillation_epoch.py`` the teacher is not trained, and its outputs are cached.

    python -m benchmarks.loss_epochs experiments/losses.yaml --repeats 3
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.distillation_epoch import learner_of, seconds_of_an_epoch, untrained_teacher
from workbench.caching import teaching_of
from workbench.learner import Learner
from workbench.preflight import check_distillation
from workbench.progress import make_progress
from workbench.schema import DistillConfig
from workbench.study.grid import Grid, plan
from workbench.training import Lesson
from workbench.workplace import Workplace


def distillations(grid: Grid) -> dict[str, DistillConfig]:
    """The configuration of every row that distils, under the label of the row."""
    runs = {cell.row: run.config for cell, run in reversed(grid.runs.items())}
    labels = {row.name: row.label for row in grid.study.rows}
    return {labels[row]: config for row, config in reversed(runs.items()) if isinstance(config, DistillConfig)}


def learners_of(configs: dict[str, DistillConfig], folder: Path) -> tuple[list[Learner], Lesson, Workplace]:
    """The student alone, then the student of every configuration, all taught by one teacher."""
    first = next(iter(configs.values()))
    place = Workplace.open(first.run, first.data, first.evaluate, make_progress())
    taps = set().union(*(check_distillation(config).teacher_taps for config in configs.values()))
    teaching = teaching_of(place, untrained_teacher(first, place, folder), taps, live=False)
    pairs = [learner_of(first, place, None), *(learner_of(config, place, teaching) for config in configs.values())]
    return [learner for learner, _ in pairs], pairs[0][1], place


def main() -> None:
    """Measure, and print every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key of the configurations")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        words = [*asked.words, f"run.threads={asked.threads}", f"run.store={folder}"]
        configs = distillations(plan(asked.study, Path(folder), seeds=[0], words=words))
        learners, lesson, place = learners_of(configs, Path(folder))
        device = place.precision.device
        rounds = [seconds_of_an_epoch(learners, lesson, device) for _ in range(asked.repeats + 1)][1:]
    table = Table(title=f"{place.corpus.name}: {asked.threads} threads, {device}, {asked.repeats} rounds", box=None)
    for column in ("epoch of", "seconds", "times that of the student alone", "spread"):
        table.add_column(column, justify="left" if column == "epoch of" else "right")
    for index, label in enumerate(("the student alone", *configs)):
        ratios = sorted(seconds[index] / seconds[0] for seconds in rounds)
        median = statistics.median(seconds[index] for seconds in rounds)
        spread = f"{ratios[0]:.3f} to {ratios[-1]:.3f}"
        table.add_row(label, f"{median:.2f}", f"{statistics.median(ratios):.3f}", spread)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
