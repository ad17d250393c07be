"""From trained networks to scores in a run folder, and from those to what is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.cost import batch_macs, count_parameters
from workbench.disk import saying_when_full
from workbench.figures import ACCURACY_CURVES, FOLDER, draw_training
from workbench.isolated.place import IsolatedPlace
from workbench.isolated.result import SPLITS, ClassifierResult
from workbench.isolated.scores import ClipScores, score_files
from workbench.isolated.tables import leave_tables
from workbench.measure import MadeNetwork, copy_network
from workbench.record import RunRecord

SELECTED_ON = "dev top-1"


def scores_name(role: str, split: str, main: str) -> str:
    """Name of the score files of a network, without an ending; those of the ``main`` network carry no role."""
    return f"scores.{split}" if role == main else f"scores.{role}.{split}"


def measure(place: IsolatedPlace, made: Mapping[str, MadeNetwork], record: RunRecord, main: str) -> dict[str, Any]:
    """Test every network; leave scores, weights, metrics, curves, and the tables of the main one in the run folder.

    Returns:
        what else a result is made of, by role.

    Raises:
        NoRoomError: when there is no room in the run folder.
    """
    title = f"{record.folder.name}: {place.corpus.name}"
    train = {}
    with saying_when_full(record.folder):
        record.metrics.keep(lambda row: False)
        for role, one in made.items():
            train[role] = _leave(place, role, one, record, main, title)
        draw_training(record.metrics.rows(), title, record.folder / FOLDER, ACCURACY_CURVES)
    batch = place.sample()
    pose = batch.stream("pose").values
    shape = pose.shape[1:] if pose.ndim == 5 else (pose.shape[1], 1, *pose.shape[2:])
    rows = record.metrics.rows()
    return {
        "names": {role: one.name for role, one in made.items()},
        "params": {role: count_parameters(one.network) for role, one in made.items()},
        "macs": {role: batch_macs(one.network, batch) for role, one in made.items()},
        "clip_shape": list(shape),
        "splits": {role: there(place) for role in made},
        "train": train,
        "best_epoch": {role: one.card.best_epoch for role, one in made.items()},
        "stages": {role: stages_of([row for row in rows if row["network"] == role]) for role in made},
        "seconds": {role: one.seconds for role, one in made.items()},
    }


def _leave(
    place: IsolatedPlace, role: str, one: MadeNetwork, record: RunRecord, main: str, title: str
) -> dict[str, Any]:
    """Leave what is known of a network; returns how it does on its training clips, as testing sees them."""
    for split in there(place):
        found = place.scores(one.network, one.card, split)
        found.write(record.folder / scores_name(role, split, main))
        if role == main:
            leave_tables(found, record.folder, split, f"{title}, {split}")
    copy_network(one, role, record)
    return place.scores(one.network, one.card, "train").report().as_dict()


def there(place: IsolatedPlace) -> list[str]:
    """The parts of dev and test that have clips."""
    return [split for split in SPLITS if place.has(split)]


def left_files(splits: Mapping[str, Sequence[str]], networks: Sequence[str], main: str) -> list[str]:
    """The files that a run leaves: scores of every role, and weights of those that are ``networks``."""
    names = [scores_name(role, split, main) for role, found in splits.items() for split in found]
    scores = [path.name for name in names for path in score_files(Path(name))]
    return [*scores, *(f"{role}{ending}" for role in networks for ending in (".safetensors", ".json"))]


def scored(folder: Path, role: str, main: str, measured: Mapping[str, Any]) -> ClassifierResult:
    """A network, or a teacher that is known by its scores, from its score files."""
    splits = measured["splits"][role]
    reports = {split: ClipScores.read(folder / scores_name(role, split, main)).report() for split in splits}
    about = {key: measured[key].get(role) for key in ("train", "best_epoch", "stages")}
    return ClassifierResult(
        name=measured["names"][role],
        reports=reports,
        params=measured["params"].get(role),
        macs=measured["macs"].get(role),
        clip_shape=tuple(measured["clip_shape"]),
        **about,
    )


def stages_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What every stage of a training came to, from its rows.

    ``train_top1`` is that of the epoch whose weights were kept, on clips as they were shown in training; ``gap`` is the
    difference between it and the dev accuracy of that epoch. What was not measured is None.
    """
    found = []
    for name in dict.fromkeys(row["stage"] for row in rows):
        stage = [row for row in rows if row["stage"] == name]
        judged = [row for row in stage if "dev" in row]
        kept = max(judged, key=lambda row: (row["dev"]["top-1"], -row["epoch"])) if judged else stage[-1]
        train, dev = kept.get("train_top1"), kept["dev"]["top-1"] if judged else None
        found.append(
            {
                "name": name.rpartition(", ")[2],
                "epochs": stage[-1]["epoch"],
                "best_epoch": kept["epoch"],
                "train_top1": train,
                "dev_top1": dev,
                "gap": None if train is None or dev is None else train - dev,
                "seconds": round(sum(row["seconds"] for row in stage), 3),
            }
        )
    return found
