"""Train one network on isolated clips, and test it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from slr.data.isolated import collate_isolated
from slr.files import copy_whole
from workbench.checkpoint import checkpoint_files
from workbench.config import config_hash
from workbench.cost import batch_macs, count_parameters
from workbench.disk import saying_when_full
from workbench.figures import ACCURACY_CURVES, FOLDER, draw_training
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.preflight import check_isolated
from workbench.isolated.result import SPLITS, ClassifierResult, render_classifiers
from workbench.isolated.schema import IsolatedTrainConfig
from workbench.isolated.scores import ClipScores, score_files
from workbench.isolated.tables import leave_tables
from workbench.measure import MadeNetwork
from workbench.progress import Progress
from workbench.published_weights import weights_digest
from workbench.pull_report import alarms_of
from workbench.record import MetricsFile, RunRecord
from workbench.training import Training, train_network

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
        "clips": place.contents(("train", *SPLITS), ()),
        **weights_digest([config.network]),
    }
    with RunRecord(Path(config.run.out) / config.run.name, config, fresh=fresh) as record:
        finished = record.finished(MAIN, inputs)
        if finished is None:
            record.drop_result()
            made = train_network(place, Training(MAIN, config.network, config.stages, config.run.seed), fresh=fresh)
            measured = _measure(place, made, record)
            finished = record.finish(MAIN, inputs, outputs=_left(place), result=measured)
        else:
            progress.line(f"nothing is left to do: {record.folder} was finished {finished.finished}")
        network = _scored(place, record.folder, finished.result)
        result = _result(config, place, network, finished.result, record)
        record.write_result(result)
        console.print(render_classifiers(result, {"": network}))
    return record.folder


def scores_name(split: str) -> str:
    """Name of the score files of a part in a run folder, without an ending."""
    return f"scores.{split}"


def _measure(place: IsolatedPlace, made: MadeNetwork, record: RunRecord) -> dict[str, Any]:
    """Test the network; leave scores, weights, metrics and curves in the run folder."""
    title = f"{record.folder.name}: {place.corpus.name}"
    with saying_when_full(record.folder):
        for split in _there(place):
            found = place.scores(made.network, made.card, split)
            found.write(record.folder / scores_name(split))
            leave_tables(found, record.folder, split, f"{title}, {split}")
        for source, ending in zip(checkpoint_files(made.checkpoint), (".safetensors", ".json"), strict=True):
            copy_whole(source, record.folder / f"{MAIN}{ending}")
        record.metrics.keep(lambda row: False)
        for row in MetricsFile(made.metrics).rows() if made.metrics else []:
            record.metrics.append({"network": MAIN, **row})
        draw_training(record.metrics.rows(), title, record.folder / FOLDER, ACCURACY_CURVES)
    batch = collate_isolated([place.dataset("train")[0]])
    pose = batch.stream("pose").values
    shape = pose.shape[1:] if pose.ndim == 5 else (pose.shape[1], 1, *pose.shape[2:])
    return {
        "name": type(made.network).__name__,
        "params": count_parameters(made.network),
        "macs": batch_macs(made.network, batch),
        "clip_shape": list(shape),
        "best_epoch": made.card.best_epoch,
        "selected_on": "dev top-1" if place.has("dev") else None,
        "seconds": made.seconds,
    }


def _there(place: IsolatedPlace) -> list[str]:
    return [split for split in SPLITS if place.has(split)]


def _left(place: IsolatedPlace) -> list[str]:
    scores = [path.name for split in _there(place) for path in score_files(Path(scores_name(split)))]
    return [*scores, f"{MAIN}.safetensors", f"{MAIN}.json"]


def _scored(place: IsolatedPlace, folder: Path, measured: Mapping[str, Any]) -> ClassifierResult:
    reports = {split: ClipScores.read(folder / scores_name(split)).report() for split in _there(place)}
    shape = tuple(measured["clip_shape"])
    return ClassifierResult(measured["name"], reports, measured["params"], measured["macs"], shape)


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
        "best_epoch": measured["best_epoch"],
        "selected_on": measured["selected_on"],
        "seconds": {MAIN: measured["seconds"]},
        "warnings": alarms_of(record.metrics.rows()),
    }
