"""One network and no teacher: teachers, baselines, anything that is trained alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from slr.ctc import LabelSet
from workbench.config import config_hash, essential
from workbench.feasibility import check_clips
from workbench.measure import leave_references, left_files, measure, scored
from workbench.preflight import check_training
from workbench.progress import Progress
from workbench.pseudo_labels import agreement, configured_labels
from workbench.published_weights import weights_digest
from workbench.pull_report import alarms_of
from workbench.readings import Reader, decoding_identity
from workbench.record import RunRecord
from workbench.result import render_networks
from workbench.schema import TrainConfig
from workbench.training import Training, deciding_code, train_network
from workbench.workplace import Workplace

MAIN = "network"
_AS_MEASURED = ("decoder", "seconds", "pseudo_label_accuracy")  # what a result repeats


def train_alone(config: TrainConfig, progress: Progress, console: Console, *, fresh: bool = False) -> Path:
    """Train a network, or what of it is not done yet, and print its scores.

    Returns:
        the run folder.

    Raises:
        ValueError: on anything that the user can mend, in a sentence.
    """
    needs = check_training(config)
    place = Workplace.open(config.run, config.data, config.evaluate, progress)
    inputs = {
        "config": config_hash(config),
        "code": deciding_code(place, essential(config)),
        "reading": decoding_identity(config.evaluate, place.vocabulary),
        "clips": check_clips(place, needs.streams, needs.trained),
        **weights_digest([config.network]),
    }
    labels = configured_labels(config.evaluate, place)
    if labels is not None:
        inputs["labels"] = labels.sha256
    with RunRecord(Path(config.run.out) / config.run.name, config, fresh=fresh) as record:
        finished = record.finished("network", inputs)
        if finished is None:
            record.begin()
            left, measured = _trained(config, place, record, labels, fresh)
            finished = record.finish("network", inputs, outputs=left, result=measured)
        else:
            progress.line(f"nothing is left to do: {record.folder} was finished {finished.finished}")
        network = scored(place, record.folder, MAIN, MAIN, finished.result)
        result = {
            "name": config.run.name,
            "config_hash": config_hash(config),
            "seed": config.run.seed,
            "corpus": place.corpus.name,
            "protocol": config.data.protocol,
            "network": network.as_dict(),
            **{key: finished.result[key] for key in _AS_MEASURED if key in finished.result},
            "warnings": alarms_of(record.metrics.rows()),
        }
        leave_references(place, record.folder)
        record.write_result(result)
        console.print(render_networks(result, {"": network}, place.corpus.name))
    return record.folder


def _trained(
    config: TrainConfig, place: Workplace, record: RunRecord, labels: LabelSet | None, fresh: bool
) -> tuple[list[str], dict[str, Any]]:
    """Train the network and let it read dev and test: the files that this left, and what was measured."""
    training = Training("network", config.network, config.stages, config.run.seed)
    reader = Reader.of(config.evaluate, place.vocabulary)  # before training, lest it fail afterwards
    made = {MAIN: train_network(place, training, fresh=fresh)}
    measured = measure(place, made, reader, record, MAIN)
    if labels is not None:
        found = agreement(place, labels, {MAIN: made[MAIN].network})
        measured["pseudo_label_accuracy"] = {**found.pop(MAIN), **found}
    return left_files(made, MAIN), measured
