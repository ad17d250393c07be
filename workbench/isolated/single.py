"""Train one network on isolated clips, and test it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from workbench.config import config_hash, essential
from workbench.isolated.measure import SELECTED_ON, left_files, measure, scored
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.preflight import check_isolated
from workbench.isolated.result import SPLITS, ClassifierResult, render_classifiers
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.progress import Progress
from workbench.published_weights import weights_digest
from workbench.pull_report import alarms_of
from workbench.record import RunRecord
from workbench.training import Training, deciding_code, train_network

MAIN = "network"


def train_isolated(config: IsolatedTrainConfig, progress: Progress, console: Console, *, fresh: bool = False) -> Path:
    """Train a network, or what of it is not done yet, and print its accuracy.

    Returns:
        the run folder.

    Raises:
        ValueError: on anything that the user can mend, in a sentence.
    """
    place = IsolatedPlace.open(config.run, config.data, config.evaluate, progress)
    check_isolated(config, place)
    inputs = {
        "config": config_hash(config),
        "code": deciding_code(place, essential(config)),
        "clips": place.contents(("train", *SPLITS), place.streams - {"pose"}),
        **weights_digest([config.network]),
    }
    with RunRecord(Path(config.run.out) / config.run.name, config, fresh=fresh) as record:
        finished = record.finished(MAIN, inputs)
        if finished is None:
            record.begin()
            made = train_network(place, Training(MAIN, config.network, config.stages, config.run.seed), fresh=fresh)
            measured = measure(place, {MAIN: made}, record, MAIN)
            left = left_files(measured["splits"], [MAIN], MAIN)
            finished = record.finish(MAIN, inputs, outputs=left, result=measured)
        else:
            progress.line(f"nothing is left to do: {record.folder} was finished {finished.finished}")
        network = scored(record.folder, MAIN, MAIN, finished.result)
        result = _result(config, place, network, finished.result, record)
        record.write_result(result)
        console.print(render_classifiers(result, {"": network}))
    return record.folder


def _result(
    config: IsolatedTrainConfig,
    place: IsolatedPlace,
    network: ClassifierResult,
    measured: Mapping[str, Any],
    record: RunRecord,
) -> dict[str, Any]:
    return {
        "name": config.run.name,
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "task": "class",
        "corpus": place.corpus.name,
        "stream": config.data.stream,
        "views": config.evaluate.views,
        "average": config.evaluate.average,
        "network": network.as_dict(),
        "best_epoch": network.best_epoch,
        "selected_on": SELECTED_ON if place.has("dev") else None,
        "seconds": measured["seconds"],
        "warnings": alarms_of(record.metrics.rows()),
    }
