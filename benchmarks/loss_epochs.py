"""How long an epoch of distillation takes under every row of a study, next to one of the student alone.

All of them learn every batch in turn, so that whatever else the machine does befalls all; a first round warms up. As in
``benchmarks/distillation_epoch.py`` the teacher is not trained, and its outputs are cached.

    python -m benchmarks.loss_epochs experiments/losses.yaml --repeats 3
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.distillation_epoch import learner_of, of_student, seconds_of_an_epoch, untrained_teacher
from workbench.caching import teaching_of
from workbench.learner import Learner
from workbench.preflight import check_distillation
from workbench.progress import make_progress
from workbench.schema import DistillConfig, TrainConfig
from workbench.study.grid import Grid, plan
from workbench.training import Lesson, Training
from workbench.workplace import Workplace

Configs = dict[str, DistillConfig | TrainConfig]


def of_one_student(grid: Grid) -> Configs:
    """The configuration of every row that distils, or trains the same student without a teacher, under its label."""
    runs = {cell.row: run.config for cell, run in reversed(list(grid.runs.items()))}
    labels = {row.name: row.label for row in grid.study.rows}
    found = {labels[row]: config for row, config in reversed(runs.items())}
    student = first_distillation(found).student.network
    return {
        label: config
        for label, config in found.items()
        if isinstance(config, DistillConfig) or (isinstance(config, TrainConfig) and config.network == student)
    }


def first_distillation(configs: Mapping[str, object]) -> DistillConfig:
    """It says which student, corpus and teacher.

    Raises:
        ValueError: when no row distils.
    """
    for config in configs.values():
        if isinstance(config, DistillConfig):
            return config
    raise ValueError("no row of this study distils, so there is no student to measure alone")


def learners_of(configs: Configs, folder: Path) -> tuple[list[Learner], Lesson, Workplace]:
    """The student alone, then the student of every configuration; one teacher teaches those that have one."""
    first = first_distillation(configs)
    place = Workplace.open(first.run, first.data, first.evaluate, make_progress())
    distilled = [config for config in configs.values() if isinstance(config, DistillConfig)]
    taps = set().union(*(check_distillation(config).teacher_taps for config in distilled))
    teaching = teaching_of(place, untrained_teacher(first, place, folder), taps, live=False)
    trainings = [of_student(first, None)]
    for config in configs.values():
        if isinstance(config, DistillConfig):
            trainings.append(of_student(config, teaching))
        else:
            trainings.append(Training("network", config.network, config.stages, 0, {}, None))
    pairs = [learner_of(training, place) for training in trainings]
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
        configs = of_one_student(plan(asked.study, Path(folder), seeds=[0], words=words))
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
