"""The main job: a teacher, its outputs, the student alone, the student distilled, and a table that compares them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from slr.ctc import LabelSet
from workbench.config import config_hash, essential
from workbench.disk import saying_when_full
from workbench.feasibility import check_clips
from workbench.made_teacher import MadeTeacher, check_ready_made, make_teacher, ready_made, teacher_roles
from workbench.measure import SPLITS, MadeNetwork, hypotheses_file, leave_references, left_files, measure, scored
from workbench.preflight import Needs, check_distillation
from workbench.progress import Progress
from workbench.pseudo_labels import LABELS, agreement, agreement_as_dict, configured_labels
from workbench.published_weights import weights_digest
from workbench.pull_report import alarms_of, render_diagnostics, summary_of
from workbench.pull_watch import worse_on_dev
from workbench.readings import Reader, decoding_identity
from workbench.record import RunRecord
from workbench.result import ROLES, STUDENTS, NetworkResult, gap_as_dict, render_distillation
from workbench.schema import DistillConfig
from workbench.trained_teacher import with_student_alone
from workbench.training import Training, deciding_code, train_network
from workbench.workplace import Workplace

MAIN = "student"


def distill(config: DistillConfig, progress: Progress, console: Console, *, fresh: bool = False) -> Path:
    """Do what a configuration asks for, or what of it is not done yet, and print the table.

    ``fresh`` trains every network again, even those that are finished.

    Returns:
        the run folder.

    Raises:
        ValueError: on anything that the user can mend, in a sentence.
    """
    needs = check_distillation(config)
    place = Workplace.open(config.run, config.data, config.evaluate, progress)
    # Before the run folder is touched: whatever is wrong with the clips leaves it as it is.
    inputs = {
        "config": config_hash(config),
        "code": deciding_code(place, essential(config)),
        "reading": decoding_identity(config.evaluate, place.vocabulary),
        "clips": check_clips(place, needs.streams, needs.trained),
        "teacher": ready_made(config.teacher),
        **weights_digest(_trained_nodes(config)),
    }
    check_ready_made(config, place, needs.teacher_taps)
    labels = configured_labels(config.evaluate, place)
    if labels is not None:
        inputs["labels"] = labels.sha256
    with RunRecord(Path(config.run.out) / config.run.name, config, fresh=fresh) as record:
        finished = record.finished("networks", inputs)
        if finished is None:
            record.begin()
            reader = Reader.of(config.evaluate, place.vocabulary)  # before training, lest it fail afterwards
            made = _make(config, needs, place, fresh)
            measured, left = _measure(place, made, reader, record, labels)
            measured["warnings"] = _warnings_of_the_teacher(place, made.teacher, made.students["baseline"])
            finished = record.finish("networks", inputs, outputs=left, result=measured)
        else:
            progress.line(f"nothing is left to do: the networks of {record.folder} were finished {finished.finished}")
        roles = {**teacher_roles(config.teacher), **STUDENTS}
        splits = finished.result["splits"]
        networks = {role: scored(place, record.folder, role, MAIN, finished.result, splits[role]) for role in roles}
        found = _result(config, place.corpus.name, networks, finished.result)
        result = {**found, **_watched(record.metrics.rows(), finished.result)}
        leave_references(place, record.folder)
        record.write_result(result)
        if result["diagnostics"] is not None:
            console.print(render_diagnostics(result["diagnostics"]))
        notes = finished.result["notes"]
        console.print(render_distillation(result, networks, place.corpus.name, roles=roles, notes=notes))
    return record.folder


@dataclass(frozen=True)
class _Made:
    """The teacher and the students of a run, and the seconds that the teacher's outputs took."""

    teacher: MadeTeacher
    students: Mapping[str, MadeNetwork]
    cache_seconds: float


def _make(config: DistillConfig, needs: Needs, place: Workplace, fresh: bool) -> _Made:
    seed, student = config.run.seed, config.student
    teacher, baseline = with_student_alone(
        place,
        config.teacher.sources(),
        lambda: make_teacher(config, place, fresh=fresh),
        Training("student alone", student.network, student.stages, seed),
        fresh=fresh,
    )
    for warning in _warnings_of_the_teacher(place, teacher, baseline):
        place.progress.warn(warning["message"])  # before hours are spent on listening to it
    begin = time.perf_counter()
    teaching = teacher.teaching(needs.teacher_taps, live=config.teacher.live)
    seconds = round(time.perf_counter() - begin, 3)
    distilled = Training(
        "student distilled", student.network, student.stages, seed, config.distillation.losses, teaching
    )
    student_made = train_network(place, distilled, fresh=fresh)
    return _Made(teacher, {"baseline": baseline, "student": student_made}, seconds)


def _trained_nodes(config: DistillConfig) -> list[Mapping[str, Any]]:
    """The networks that this run trains, as the configuration names them."""
    sources = [source for _, source in config.teacher.sources().values()]
    teachers = [source.network for source in sources if source.is_trained]
    return [config.student.network, *(node for node in teachers if node is not None)]


def _warnings_of_the_teacher(place: Workplace, teacher: MadeTeacher, baseline: MadeNetwork) -> list[dict[str, Any]]:
    """Whether the teacher reads dev worse than the student alone, where both are networks trained on this corpus."""
    single = teacher.networks.get("teacher")
    cards = [made.card for made in (single, baseline) if made is not None]
    if len(cards) < 2 or not all(card.corpus == place.corpus.name and "WER" in card.dev for card in cards):
        return []
    alarm = worse_on_dev(*(card.dev["WER"] for card in cards))
    return [] if alarm is None else [{"network": "teacher", "stage": None, "epoch": None, "message": alarm.message}]


def _measure(
    place: Workplace, made: _Made, reader: Reader, record: RunRecord, labels: LabelSet | None
) -> tuple[dict[str, Any], list[str]]:
    """Let every network and the teacher read dev and test, and keep what a result is made of.

    Returns:
        what was measured, and the files that were left.
    """
    networks = {**made.teacher.networks, **made.students}
    measured = measure(place, networks, reader, record, MAIN)
    measured["splits"] = {role: list(SPLITS) for role in networks}
    _join(measured, made.teacher.measure(reader.decoder, record, MAIN))
    measured["seconds"] |= {"teacher": _seconds(made.teacher), "cache": made.cache_seconds}
    others = {role: splits for role, splits in measured["splits"].items() if role not in networks}
    left = left_files(networks, MAIN)
    left += [hypotheses_file(role, split, MAIN) for role, splits in others.items() for split in splits]
    labels = labels or made.teacher.labels()
    measured["pseudo_label_accuracy"] = None
    if labels is not None:
        with saying_when_full(record.folder):
            labels.write(record.folder / LABELS)
        students = {role: one.network for role, one in made.students.items()}
        measured["pseudo_label_accuracy"] = agreement(place, labels, students)
        left.append(LABELS)
    return measured, left


def _join(measured: dict[str, Any], of_teacher: Mapping[str, Any]) -> None:
    """Add what was found of a teacher that is no single network."""
    for key in ("names", "params", "splits"):
        measured[key] |= of_teacher[key]
    members = [measured["macs"].get(role) for role in measured["names"] if role.startswith("teacher-")]
    for role in of_teacher["names"]:
        together = role == "teacher" and members and None not in members
        measured["macs"][role] = sum(members) if together else None
    measured |= {key: of_teacher[key] for key in ("notes", "combination", "outputs")}


def _seconds(teacher: MadeTeacher) -> float:
    return round(sum(made.seconds for made in teacher.networks.values()), 3)


def _watched(rows: list[dict[str, Any]], measured: dict[str, Any]) -> dict[str, Any]:
    """What was diagnosed and what was warned of; a run that was finished before there were diagnostics has neither."""
    return {
        "diagnostics": summary_of(row for row in rows if row["network"] == MAIN),
        "warnings": [*measured.get("warnings", []), *alarms_of(rows)],
    }


def _result(
    config: DistillConfig, corpus: str, networks: dict[str, NetworkResult], measured: dict[str, Any]
) -> dict[str, Any]:
    result = {
        "name": config.run.name,
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "corpus": corpus,
        "protocol": config.data.protocol,
        "decoder": measured["decoder"],
        **{role: _as_dict(networks[role], measured["outputs"].get(role)) for role in ROLES},
        "gap_closed": gap_as_dict(networks["baseline"], networks["student"], networks["teacher"]),
        "pseudo_label_accuracy": agreement_as_dict(measured["pseudo_label_accuracy"]),
        "seconds": measured["seconds"],
    }
    members = [role for role in networks if role not in ROLES]
    if members:
        result["teachers"] = {
            role.partition("-")[2]: _as_dict(networks[role], measured["outputs"].get(role)) for role in members
        }
        result["combination"] = measured["combination"]
    return result


def _as_dict(network: NetworkResult, outputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """The entry of a network, or of a teacher that is foreign: known by imported ``outputs`` alone."""
    return network.as_dict() if outputs is None else {**network.as_dict(), "foreign": True, "outputs": outputs}
