"""How much longer an epoch of distillation takes than an epoch of the student alone, with the teacher's outputs cached.

The two take turns batch by batch, so that whatever else the machine does befalls both; the first round warms up. The
time is that of the clock on the wall: that of the process would count the threads that wait for each other. The teacher
is not trained: what it says does not change how long it takes to listen. Then some batches are learned once more, in
turn with and without diagnostics, which tells what those add to an epoch at the setting of the configuration.

    python benchmarks/distillation_epoch.py --profile small --repeats 5
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from slr.synthesis import PROFILES
from workbench.assemble import make_network, network_arguments
from workbench.caching import teaching_of
from workbench.checkpoint import save_network
from workbench.config import load_config
from workbench.learner import Learner
from workbench.measure import MadeNetwork
from workbench.preflight import check_distillation
from workbench.progress import make_progress
from workbench.schema import DistillConfig
from workbench.training import Lesson, Teaching, Training, make_lesson
from workbench.training_state import Trainee
from workbench.workplace import Workplace

CONFIG = Path(__file__).resolve().parent.parent / "configs" / "stsg_to_stgt.yaml"
LIMIT = 1.10


def untrained(node: Mapping[str, Any], place: Workplace) -> nn.Module:
    """A network of a configuration, on its device."""
    arguments = network_arguments(node, place.corpus, place.data)
    return make_network(node, len(place.vocabulary), arguments, seed=0).to(place.precision.device)


def untrained_teacher(config: DistillConfig, place: Workplace, folder: Path) -> MadeNetwork:
    """A teacher that a cache takes for a real one."""
    node = config.teacher.network
    assert node is not None
    network = untrained(node, place)
    card = save_network(folder / "teacher", network, node=node, vocabulary=place.vocabulary, corpus=place.corpus.name)
    return MadeNetwork(network, card, folder / "teacher", None, 0.0)


def of_student(config: DistillConfig, teaching: Teaching | None) -> Training:
    """The training of the student, alone or distilled."""
    losses = config.distillation.losses if teaching else {}
    return Training("student", config.student.network, config.student.stages, 0, losses, teaching)


def learner_of(training: Training, place: Workplace) -> tuple[Learner, Lesson]:
    """A network at the beginning of its training."""
    network = untrained(training.network, place)
    lesson = make_lesson(place, training, network)
    trainee = Trainee(network.train(), lesson.objective.train(), lesson.optimizer, place.precision.scaler())
    return Learner(trainee, place.precision, lesson.teacher, training.stages[0].clip_grad_norm), lesson


def seconds_of_an_epoch(learners: Sequence[Learner], lesson: Lesson, device: torch.device) -> list[float]:
    """What an epoch takes each learner, when all learn every batch in turn; the loading of it counts for each."""
    learning, loading = [0.0 for _ in learners], 0.0
    begin = time.perf_counter()
    for index, batch in enumerate(lesson.batches.epoch(0, 0)):
        batch = batch.to(device)
        loading += time.perf_counter() - begin
        for turn in range(len(learners)):
            which = (index + turn) % len(learners)
            begin = time.perf_counter()
            learners[which].learn(batch, share=1.0)
            learners[which].step(1.0, may_skip=False)
            learning[which] += time.perf_counter() - begin
        begin = time.perf_counter()
    return [loading + seconds for seconds in learning]


def seconds_of_a_diagnosis(learner: Learner, lesson: Lesson, device: torch.device, batches: int = 16) -> float:
    """What the diagnostics of one batch add to it: the median over some batches, each learned with them and without."""
    added = []
    for index, batch in enumerate(itertools.islice(lesson.batches.epoch(0, 0), batches)):
        batch, seconds = batch.to(device), {}
        for diagnose in (index % 2 == 0, index % 2 == 1):
            begin = time.perf_counter()
            learner.learn(batch, share=1.0, diagnose=diagnose)
            seconds[diagnose] = time.perf_counter() - begin
            learner.step(1.0, may_skip=False)
        added.append(seconds[True] - seconds[False])
    return statistics.median(added)


def main() -> None:
    """Measure, and print both epochs and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="key=value", help="override any key of the configuration")
    parser.add_argument("--profile", choices=tuple(PROFILES), default="tiny")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--root", default="data/synthetic", help="where the simulated corpus lies, or will")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        words = [f"data.corpus.profile={asked.profile}", f"data.root={asked.root}", f"run.threads={asked.threads}"]
        config = load_config(CONFIG, [*words, f"run.out={folder}", *asked.words], schema=DistillConfig)
        needs = check_distillation(config)
        place = Workplace.open(config.run, config.data, config.evaluate, make_progress())
        teacher = untrained_teacher(config, place, Path(folder))
        teaching = teaching_of(place, teacher, needs.teacher_taps, live=False)
        pairs = [learner_of(of_student(config, one), place) for one in (None, teaching)]
        learners, lesson = [learner for learner, _ in pairs], pairs[0][1]
        rounds = [seconds_of_an_epoch(learners, lesson, place.precision.device) for _ in range(asked.repeats + 1)][1:]
        diagnosis = seconds_of_a_diagnosis(learners[1], lesson, place.precision.device)
    medians = [statistics.median(seconds) for seconds in zip(*rounds, strict=True)]
    ratios = sorted(distilled / alone for alone, distilled in rounds)
    ratio = statistics.median(ratios)
    clips = len(place.corpus.clips("train"))
    print(f"{place.corpus.name}: {clips} clips, {asked.threads} threads, {place.precision.device}")
    print(f"epoch of the student alone   {medians[0]:.3f} s (median of {asked.repeats})")
    print(f"epoch of distillation        {medians[1]:.3f} s")
    verdict = "within" if ratio <= LIMIT else "above"
    spread = f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
    print(f"ratio of an epoch            {ratio:.3f} {spread}, {verdict} the limit of {LIMIT}")
    diagnostics = config.run.diagnostics
    if diagnostics is not None:
        share = diagnosis * diagnostics.batches / diagnostics.every_epochs / medians[0]
        print(f"diagnostics of a batch       {diagnosis:.3f} s: {share:.4f} of an epoch as configured, on average")


if __name__ == "__main__":
    main()
