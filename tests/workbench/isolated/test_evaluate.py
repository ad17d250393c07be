from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.workbench.running import here, read_json
from workbench.isolated.scores import ClipScores

from .waving import waving_config, waving_store


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_which_classes_were_found_and_confused(run: Path) -> None:
    scores = ClipScores.read(run / "scores.test")
    report = scores.report()
    matrix = report.confusion()
    for row in rows(run / "confusion.test.csv"):
        label, best = scores.classes.index(row["class"]), scores.classes.index(row["taken_for"])
        assert int(row["clips"]) == matrix[label, best]
        matrix[label, best] = 0
    assert not matrix.any()
    classes = rows(run / "classes.test.csv")
    assert [row["class"] for row in classes] == list(scores.classes)
    assert np.mean([float(row["top1"]) for row in classes]) == pytest.approx(report.per_class())
    assert {path.name for path in (run / "figures").glob("confusion.*")} == {
        f"confusion.{split}.{ending}" for split in ("dev", "test") for ending in ("png", "svg")
    }


def test_a_part_is_looked_at_again_and_gives_the_same_scores(run: Path) -> None:
    done = here("evaluate", run, "--split", "test")
    assert done.code == 0, done.err
    assert done.folder == run / "evaluated.main.test.safetensors"
    again, first = ClipScores.read(done.folder), ClipScores.read(run / "scores.test")
    np.testing.assert_array_equal(again.scores, first.scores)
    assert again.about == first.about
    top1 = read_json(run / "result.json")["network"]["test"]["top1"]
    assert f"{100 * top1:.1f}" in done.out
    assert (run / "confusion.evaluated.main.test.csv").is_file()


def test_several_views_of_a_clip_are_averaged_and_train_can_be_looked_at(run: Path) -> None:
    words = ["evaluate.views=3", "evaluate.average=probabilities"]
    done = here("evaluate", run, *words, "--split", "train")
    assert done.code == 0, done.err
    assert "3 views of a clip, mean of their probabilities" in done.out
    assert done.folder.name == "evaluated.main.train.views-3.probabilities.safetensors"
    scores = ClipScores.read(done.folder)
    np.testing.assert_allclose(scores.scores.sum(axis=1), 1, rtol=1e-5)
    assert scores.about["views"] == 3
    assert len(scores.ids) == 30


def test_two_runs_are_compared_on_the_same_clips(run: Path, store: Path, tmp_path: Path) -> None:
    config = waving_config(tmp_path, store)
    other = here("train", config, "stages.0.epochs=1", "run.name=short", "--out", tmp_path / "runs").folder
    done = here("evaluate", run, "--split", "test", "--against", other)
    assert done.code == 0, done.err
    assert "McNemar p" in done.out
    assert here("evaluate", run, "--against", run).sentence == (
        f"{run} would be compared with itself: name another run, or another network of this one"
    )


def test_what_is_shown_in_another_way_is_warned_of(run: Path) -> None:
    done = here("evaluate", run, "data.stream=bone")
    assert done.code == 0
    assert "was trained on clips with stream 'joint', and is shown them with 'bone'" in done.err
    assert "was trained on clips with pipeline.3.stream 'joint', and is" in done.err


def test_what_cannot_be_evaluated_is_told(run: Path, tmp_path: Path) -> None:
    other = waving_store(tmp_path, classes=2)
    for words, says in (
        (["--segments", tmp_path], f"{run} is a run on isolated clips, and --segments is about sentences"),
        (["--protocol", "raw"], f"{run} is a run on isolated clips, and --protocol is about sentences"),
        (["--network", "teacher"], f"{run} holds no network 'teacher': it holds network"),
        ([f"data.root={other}"], "was trained on 3 classes and the corpus now has 2, 'wave both' among those only"),
        (["data.corpus.held_out=0"], "split 'dev' of waving (made up) has no clip"),
    ):
        assert says in here("evaluate", run, *words).sentence
    done = here("evaluate", run, "--decoder", "greedy")
    assert done.code == 2
    assert "evaluate.decoder" in done.err
