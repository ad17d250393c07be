"""The main job: a teacher, its outputs, the student alone, the student distilled, and a table that compares them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from slr.ctc import Decoder, LabelSet
from slr.types import Network
from workbench.assemble import make_decoder
from workbench.caching import teaching_of
from workbench.checkpoint import load_network, read_card
from workbench.config import config_hash
from workbench.disk import saying_when_full
from workbench.feasibility import check_clips
from workbench.fitting import check_teacher_fits
from workbench.measure import MadeNetwork, left_files, measure, scored
from workbench.preflight import TEACHER_ROLES, Needs, check_distillation, find_checkpoint
from workbench.progress import Progress
from workbench.pseudo_labels import LABELS, agreement, configured_labels, labels_of
from workbench.pull_report import alarms_of, render_diagnostics, summary_of
from workbench.pull_watch import worse_on_dev
from workbench.record import RunRecord
from workbench.result import ROLES, NetworkResult, gap_as_dict, render_distillation
from workbench.schema import DistillConfig
from workbench.training import Training, train_network
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
        "clips": check_clips(place, needs.streams, needs.trained),
        "teacher": _loaded_weights(config),
    }
    labels = configured_labels(config.evaluate, place)
    if labels is not None:
        inputs["labels"] = labels.sha256
    with RunRecord(Path(config.run.out) / config.run.name, config, fresh=fresh) as record:
        finished = record.finished("networks", inputs)
        if finished is None:
            record.drop_result()
            decoder = make_decoder(config.evaluate, place.vocabulary)  # before training, lest it fail afterwards
            made, cache_seconds = _make_networks(config, needs, place, fresh)
            measured = _measure(place, made, decoder, record, labels)
            measured["seconds"]["cache"] = cache_seconds
            measured["warnings"] = _warnings_of_the_teacher(place, made)
            finished = record.finish("networks", inputs, outputs=[*left_files(ROLES, MAIN), LABELS], result=measured)
        else:
            progress.line(f"nothing is left to do: the networks of {record.folder} were finished {finished.finished}")
        networks = {role: scored(place, record.folder, role, MAIN, finished.result) for role in ROLES}
        result = {**_result(config, networks, finished.result), **_watched(record.metrics.rows(), finished.result)}
        record.write_result(result)
        if result["diagnostics"] is not None:
            console.print(render_diagnostics(result["diagnostics"]))
        console.print(render_distillation(result, networks, place.corpus.name))
    return record.folder


def _make_networks(
    config: DistillConfig, needs: Needs, place: Workplace, fresh: bool
) -> tuple[dict[str, MadeNetwork], float]:
    """The networks of all roles, and the seconds that the teacher's outputs took."""
    seed, student = config.run.seed, config.student
    teacher = _make_teacher(config, place, fresh)
    baseline = train_network(place, Training("student alone", student.network, student.stages, seed), fresh=fresh)
    for warning in _warnings_of_the_teacher(place, {"teacher": teacher, "baseline": baseline}):
        place.progress.warn(warning["message"])  # before hours are spent on listening to it
    begin = time.perf_counter()
    teaching = teaching_of(place, teacher, needs.teacher_taps, live=config.teacher.live)
    seconds = round(time.perf_counter() - begin, 3)
    distilled = Training(
        "student distilled", student.network, student.stages, seed, config.distillation.losses, teaching
    )
    student_made = train_network(place, distilled, fresh=fresh)
    return {"teacher": teacher, "baseline": baseline, "student": student_made}, seconds


def _warnings_of_the_teacher(place: Workplace, made: Mapping[str, MadeNetwork]) -> list[dict[str, Any]]:
    """Whether the teacher reads dev worse than the student alone, where both were trained on this corpus."""
    cards = [made[role].card for role in ("teacher", "baseline")]
    if not all(card.corpus == place.corpus.name and "WER" in card.dev for card in cards):
        return []
    alarm = worse_on_dev(*(card.dev["WER"] for card in cards))
    return [] if alarm is None else [{"network": "teacher", "stage": None, "epoch": None, "message": alarm.message}]


def _make_teacher(config: DistillConfig, place: Workplace, fresh: bool) -> MadeNetwork:
    if config.teacher.checkpoint is not None:
        return _loaded_teacher(config.teacher.checkpoint, place)
    assert config.teacher.network is not None, "the schema wants a network or a checkpoint"
    seed = config.run.seed if config.teacher.seed is None else config.run.seed + config.teacher.seed
    return train_network(place, Training("teacher", config.teacher.network, config.teacher.stages, seed), fresh=fresh)


def _loaded_weights(config: DistillConfig) -> str | None:
    """Hash of the weights of a teacher that is not trained here."""
    if config.teacher.checkpoint is None:
        return None
    return read_card(find_checkpoint(config.teacher.checkpoint, TEACHER_ROLES)).weights_sha256


def _loaded_teacher(path: str, place: Workplace) -> MadeNetwork:
    checkpoint = find_checkpoint(path, TEACHER_ROLES)
    network, card = load_network(checkpoint)
    dataset = place.dataset("dev", {cast(Network, network).input_stream})
    check_teacher_fits(checkpoint, card, place.vocabulary, dataset.describe())
    place.progress.line(f"teacher  loaded from {checkpoint}, trained on {card.corpus}")
    return MadeNetwork(network.to(place.precision.device), card, checkpoint, None, 0.0)


def _measure(
    place: Workplace, made: dict[str, MadeNetwork], decoder: Decoder, record: RunRecord, labels: LabelSet | None
) -> dict[str, Any]:
    """Let every network read dev and test, and keep what a result is made of."""
    measured = measure(place, made, decoder, record, MAIN)
    students = {role: made[role].network for role in ("baseline", "student")}
    labels = labels or labels_of(place, made["teacher"])
    with saying_when_full(record.folder):
        labels.write(record.folder / LABELS)
    measured["pseudo_label_accuracy"] = agreement(place, labels, students)
    return measured


def _watched(rows: list[dict[str, Any]], measured: dict[str, Any]) -> dict[str, Any]:
    """What was diagnosed and what was warned of; a run that was finished before there were diagnostics has neither."""
    return {
        "diagnostics": summary_of(row for row in rows if row["network"] == MAIN),
        "warnings": [*measured.get("warnings", []), *alarms_of(rows)],
    }


def _result(config: DistillConfig, networks: dict[str, NetworkResult], measured: dict[str, Any]) -> dict[str, Any]:
    accuracy = measured["pseudo_label_accuracy"]
    return {
        "name": config.run.name,
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "protocol": config.data.protocol,
        "decoder": measured["decoder"],
        **{role: networks[role].as_dict() for role in ROLES},
        "gap_closed": gap_as_dict(networks["baseline"], networks["student"], networks["teacher"]),
        "pseudo_label_accuracy": {
            **accuracy["student"],
            "baseline": accuracy["baseline"],
            "labels": accuracy["labels"],
            "clips_left_out": accuracy["clips_left_out"],
        },
        "seconds": measured["seconds"],
    }
