"""The main job: a teacher, its outputs, the student alone, the student distilled, and a table that compares them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from slr.types import Network
from workbench.assemble import make_decoder
from workbench.caching import teaching_of
from workbench.checkpoint import NetworkCard, load_network
from workbench.config import config_hash
from workbench.measure import MadeNetwork, left_files, measure, scored
from workbench.preflight import check_distillation, find_checkpoint, required_taps
from workbench.progress import Progress
from workbench.pseudo_labels import dev_agreement
from workbench.record import RunRecord
from workbench.result import NetworkResult, gap_as_dict, render_distillation
from workbench.schema import DistillConfig
from workbench.training import Training, train_network
from workbench.workplace import Workplace

ROLES = ("teacher", "baseline", "student")
MAIN = "student"


def distill(config: DistillConfig, progress: Progress, console: Console, *, fresh: bool = False) -> Path:
    """Do what a configuration asks for, or what of it is not done yet, and print the table.

    Returns:
        the run folder.

    Raises:
        ValueError: on anything that the user can mend, in a sentence.
    """
    check_distillation(config)
    place = Workplace.open(config.run, config.data, config.evaluate, progress)
    with RunRecord(Path(config.run.out) / config.run.name, config, fresh=fresh) as record:
        inputs = {"config": config_hash(config), "corpus": place.corpus.name}
        finished = record.finished("networks", inputs)
        if finished is None:
            measured = _make_and_measure(config, place, record, fresh)
            finished = record.finish("networks", inputs, outputs=left_files(ROLES, MAIN), result=measured)
        else:
            progress.line(f"nothing is left to do: the networks of {record.folder} were finished {finished.finished}")
        networks = {role: scored(place, record.folder, role, MAIN, finished.result) for role in ROLES}
        result = _result(config, networks, finished.result)
        record.write_result(result)
        console.print(render_distillation(result, networks, place.corpus.name))
    return record.folder


def _make_and_measure(config: DistillConfig, place: Workplace, record: RunRecord, fresh: bool) -> dict[str, Any]:
    """Train what is not trained, let every network read dev and test, and keep what a result is made of."""
    seed, student = config.run.seed, config.student
    teacher = _make_teacher(config, place, fresh)
    baseline = train_network(place, Training("student alone", student.network, student.stages, seed), fresh=fresh)
    begin = time.perf_counter()
    taps = required_taps(config, cast(Network, teacher.network))
    teaching = teaching_of(place, teacher, taps, live=config.teacher.live)
    cache_seconds = round(time.perf_counter() - begin, 3)
    distilled = Training(
        "student distilled", student.network, student.stages, seed, config.distillation.losses, teaching
    )
    made = {"teacher": teacher, "baseline": baseline, "student": train_network(place, distilled, fresh=fresh)}
    measured = measure(place, made, make_decoder(config.evaluate, place.vocabulary), record, MAIN)
    students = {role: made[role].network for role in ("baseline", "student")}
    measured["pseudo_label_accuracy"] = dev_agreement(place, teacher.network, students)
    measured["seconds"]["cache"] = cache_seconds
    return measured


def _make_teacher(config: DistillConfig, place: Workplace, fresh: bool) -> MadeNetwork:
    if config.teacher.checkpoint is not None:
        return _loaded_teacher(config.teacher.checkpoint, place)
    assert config.teacher.network is not None, "the schema wants a network or a checkpoint"
    training = Training("teacher", config.teacher.network, config.teacher.stages, config.run.seed)
    return train_network(place, training, fresh=fresh)


def _loaded_teacher(path: str, place: Workplace) -> MadeNetwork:
    checkpoint = find_checkpoint(path)
    network, card = load_network(checkpoint)
    _check_teacher_fits(card, checkpoint, cast(Network, network).input_stream, place)
    place.progress.line(f"teacher  loaded from {checkpoint}, trained on {card.corpus}")
    return MadeNetwork(network.to(place.precision.device), card, checkpoint, None, 0.0)


def _check_teacher_fits(card: NetworkCard, checkpoint: Path, stream: str, place: Workplace) -> None:
    if card.glosses != place.vocabulary.glosses:
        lacks = sorted(set(place.vocabulary.glosses) - set(card.glosses))
        raise ValueError(
            f"the teacher {checkpoint} writes {len(card.glosses)} glosses and this corpus has "
            f"{len(place.vocabulary.glosses)}"
            + (f", {lacks[0]!r} among those it lacks" if lacks else "")
            + ": train a teacher on the same vocabulary"
        )
    described = place.dataset("dev", {stream}).describe()
    for part in (stream, "plan"):
        if card.preprocessing.get(part) != described[part]:
            raise ValueError(
                f"the teacher {checkpoint} was trained on {part} prepared as {card.preprocessing.get(part)}, and this "
                f"configuration prepares it as {described[part]}: give data the teacher's settings"
            )


def _result(config: DistillConfig, networks: dict[str, NetworkResult], measured: dict[str, Any]) -> dict[str, Any]:
    agreement = measured["pseudo_label_accuracy"]
    return {
        "name": config.run.name,
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "protocol": config.data.protocol,
        "decoder": measured["decoder"],
        **{role: networks[role].as_dict() for role in ROLES},
        "gap_closed": gap_as_dict(networks["baseline"], networks["student"], networks["teacher"]),
        "pseudo_label_accuracy": {
            **agreement["student"],
            "baseline": agreement["baseline"],
            "labels": agreement["labels"],
        },
        "seconds": measured["seconds"],
    }
