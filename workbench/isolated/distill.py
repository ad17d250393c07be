"""Distillation on isolated clips: a teacher, perhaps assistants, the student alone and distilled, and their table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from workbench.config import config_hash, essential
from workbench.disk import saying_when_full
from workbench.isolated.distill_preflight import check_isolated_distillation
from workbench.isolated.distill_result import distillation_result, render_isolated_distillation
from workbench.isolated.distill_schema import IsolatedDistillConfig
from workbench.isolated.measure import left_files, measure, scored, scores_name, there
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.result import SPLITS
from workbench.isolated.teacher import IsolatedMadeTeacher, make_isolated_teacher, ready_made
from workbench.isolated.teacher_parts import teaching_of
from workbench.measure import MadeNetwork
from workbench.progress import Progress
from workbench.published_weights import weights_digest
from workbench.pull_report import render_diagnostics
from workbench.pull_watch import WORSE
from workbench.record import RunRecord
from workbench.trained_teacher import with_student_alone
from workbench.training import Teaching, Training, deciding_code, train_network

MAIN = "student"


def distill_isolated(
    config: IsolatedDistillConfig, progress: Progress, console: Console, *, fresh: bool = False
) -> Path:
    """Do what a configuration asks for, or what of it is not done yet, and print the table.

    Returns:
        the run folder.

    Raises:
        ValueError: on anything that the user can mend, in a sentence.
    """
    place = IsolatedPlace.open(config.run, config.data, config.evaluate, progress)
    check_isolated_distillation(config, place)
    inputs = {
        "config": config_hash(config),
        "code": deciding_code(place, essential(config)),
        "clips": place.contents(("train", *SPLITS), place.streams - {"pose"}),
        "teacher": ready_made(config.teacher),
        **weights_digest(_trained_nodes(config)),
    }
    with RunRecord(Path(config.run.out) / config.run.name, config, fresh=fresh) as record:
        finished = record.finished("networks", inputs)
        if finished is None:
            record.begin()
            teacher, alone = with_student_alone(
                place,
                config.teacher.sources(),
                lambda: make_isolated_teacher(config.teacher, config.run.seed, place, fresh=fresh),
                Training("student alone", config.student.network, config.student.stages, config.run.seed),
                fresh=fresh,
            )
            students = _students(config, place, teacher, alone, fresh=fresh)
            measured = _measure(place, teacher, students, record)
            networks = [*teacher.networks, *students]
            left = left_files(measured["splits"], networks, MAIN)
            finished = record.finish("networks", inputs, outputs=left, result=measured)
        else:
            progress.line(f"nothing is left to do: the networks of {record.folder} were finished {finished.finished}")
        found = finished.result
        results = {role: scored(record.folder, role, MAIN, found) for role in found["names"]}
        result = distillation_result(config, place, results, found, record.metrics.rows())
        record.write_result(result)
        if result["diagnostics"] is not None:
            console.print(render_diagnostics(result["diagnostics"]))
        console.print(render_isolated_distillation(result, results))
    return record.folder


def _students(
    config: IsolatedDistillConfig,
    place: IsolatedPlace,
    teacher: IsolatedMadeTeacher,
    alone: MadeNetwork,
    *,
    fresh: bool,
) -> dict[str, MadeNetwork]:
    """The assistants, each taught by the one in front of it, the student alone, and the student taught by the last."""
    student, seed, over = config.student, config.run.seed, config.distillation.losses
    made = {"baseline": alone}
    _say_when_worse(place, teacher.networks.get("teacher"), alone)
    teaching: Teaching = teacher.teaching(live=config.teacher.live)
    for one in config.assistants:
        losses = {**over, **(one.losses or {})}
        label = f"assistant {one.name}"
        last = train_network(place, Training(label, one.network, one.stages, seed, losses, teaching), fresh=fresh)
        made[f"assistant-{one.name}"] = last
        teaching = teaching_of(place, last, live=config.teacher.live)
    distilled = Training("student distilled", student.network, student.stages, seed, over, teaching)
    return {**made, MAIN: train_network(place, distilled, fresh=fresh)}


def _say_when_worse(place: IsolatedPlace, teacher: MadeNetwork | None, alone: MadeNetwork) -> None:
    """Warn, before hours are spent on listening to it, of a teacher that is worse than the student alone."""
    message = worse_teacher(None if teacher is None else teacher.card.dev, alone.card.dev)
    if message is not None:
        place.progress.warn(message)


def worse_teacher(teacher: Mapping[str, Any] | None, alone: Mapping[str, Any] | None) -> str | None:
    """A sentence about a teacher whose dev accuracy is lower than that of the student alone, by more than chance.

    None where it is not. ``WORSE`` is that difference for rates of glosses, too.
    """
    if not teacher or not alone or "top-1" not in teacher or "top-1" not in alone:
        return None
    theirs, ours = teacher["top-1"], alone["top-1"]
    if ours - theirs <= WORSE:
        return None
    return (
        f"the teacher is worse than the student alone on dev (top-1 {100 * theirs:.1f} % against {100 * ours:.1f} %): "
        "it has little to teach as it is, so train it longer or take a better one"
    )


def _trained_nodes(config: IsolatedDistillConfig) -> list[Mapping[str, Any]]:
    """The networks that this run trains, as the configuration names them."""
    sources = [source for _, source in config.teacher.sources().values()]
    teachers = [source.network for source in sources if source.is_trained and source.network is not None]
    return [config.student.network, *(one.network for one in config.assistants), *teachers]


def _measure(
    place: IsolatedPlace, teacher: IsolatedMadeTeacher, students: Mapping[str, MadeNetwork], record: RunRecord
) -> dict[str, Any]:
    """Test every network and the teacher, and keep what a result is made of."""
    measured = measure(place, {**teacher.networks, **students}, record, MAIN)
    names = {part.role: part.name for part in teacher.parts if part.role not in teacher.networks}
    if teacher.combine is not None:
        names["teacher"] = f"{len(teacher.parts)} teachers"
    for role, name in names.items():
        measured["names"][role], measured["splits"][role] = name, []
    for split in there(place):
        for role, scores in teacher.others(split).items():
            with saying_when_full(record.folder):
                scores.write(record.folder / scores_name(role, split, MAIN))
            measured["splits"][role].append(split)
    cards = {role: one.card.dev for role, one in {**teacher.networks, **students}.items()}
    measured["worse_teacher"] = worse_teacher(cards.get("teacher"), cards["baseline"])
    return measured
