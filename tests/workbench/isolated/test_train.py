from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from kd.losses import CRD, DKD, FrameKL, GuidedCTC, ShiftTolerantKL
from kd.losses.base import Loss
from kd.objective import Objective, Term
from slr.data.isolated import StoredCorpus
from slr.scoring import accuracy
from tests.workbench.running import here, read_json, sha256, snapshot, stored
from workbench.checkpoint import load_network, read_card
from workbench.faults import ConfigError
from workbench.isolated.preflight import refuse_blanks
from workbench.isolated.scores import ClipScores

from .waving import waving_config, waving_store


def test_a_network_learns_and_is_reported(run: Path, store: Path) -> None:
    result = read_json(run / "result.json")
    assert result["task"] == "class"
    assert result["corpus"] == "waving (made up)"
    assert (result["stream"], result["views"], result["selected_on"]) == ("joint", 1, "dev top-1")
    network = result["network"]
    assert network["name"] == "LightDKEGCN"
    assert network["test"]["clips"] == 12
    assert network["test"]["top1"] > 0.6  # chance is a third
    assert network["test"]["top5"] == 1  # of three classes
    assert network["dev"]["clips"] == 6
    assert network["train"]["clips"] == 30
    assert network["gap"]["test"] == pytest.approx(network["train"]["top1"] - network["test"]["top1"])
    assert network["clip_shape"] == [8, 1, 5, 3]
    assert network["macs_per_clip"] > 0
    assert result["best_epoch"] % 2 == 0
    files = {path.name for path in run.iterdir() if not path.name.startswith(".")}
    assert {"config.yaml", "environment.json", "metrics.jsonl", "network.safetensors"} <= files
    assert (run / "figures" / "curves.png").is_file()
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 12
    assert all(0 <= row["train_top1"] <= 1 and row["blank_rate"] is None for row in rows)
    assert [row["epoch"] for row in rows if "dev" in row] == [2, 4, 6, 8, 10, 12]
    best = max((row for row in rows if "dev" in row), key=lambda row: row["dev"]["top-1"])
    assert (best["epoch"], best["dev"]["top-1"]) == (result["best_epoch"], network["dev"]["top1"])
    (stage,) = network["stages"]
    assert (stage["epochs"], stage["best_epoch"], stage["dev_top1"]) == (12, best["epoch"], best["dev"]["top-1"])
    assert stage["gap"] == pytest.approx(best["train_top1"] - best["dev"]["top-1"])


def test_scores_are_kept_by_clip_and_give_the_reported_figures(run: Path, store: Path) -> None:
    result, scores = read_json(run / "result.json"), ClipScores.read(run / "scores.test")
    corpus = StoredCorpus(store)
    clips = corpus.clips("test")
    assert scores.ids == tuple(clip.id for clip in clips)
    assert scores.labels.tolist() == [clip.label for clip in clips]
    assert scores.classes == corpus.classes
    assert accuracy(scores.scores, scores.labels).as_dict() == result["network"]["test"]
    assert scores.about["stream"] == "joint"
    assert scores.about["weights_sha256"] == sha256(run / "network.safetensors")
    assert ClipScores.read(run / "scores.dev.json").about["split"] == "dev"


def test_the_checkpoint_rebuilds_network_and_pipeline_by_itself(run: Path, store: Path) -> None:
    network, card = load_network(run / "network")
    assert card.classes == StoredCorpus(store).classes
    assert card.glosses == ()
    assert [node["_target_"].rpartition(".")[2] for node in card.preprocessing["pipeline"]] == [
        "CentreOn", "RandomTurn", "SampleSubset", "ToStream",
    ]  # fmt: skip
    from slr.data.isolated import IsolatedDataset, collate_isolated
    from workbench.components import build

    pipeline = [build(node) for node in card.preprocessing["pipeline"]]
    corpus = StoredCorpus(store, held_out=0.2)
    dataset = IsolatedDataset(corpus, "test", pipeline)
    batch = collate_isolated([dataset[index] for index in range(len(dataset))])
    with torch.no_grad():
        found = network(batch.stream("pose")).logits.values[:, 0].numpy()
    np.testing.assert_allclose(found, ClipScores.read(run / "scores.test").scores, rtol=1e-4, atol=1e-5)


def test_a_finished_run_is_not_done_again_and_a_network_is_shared(run: Path, store: Path, tmp_path: Path) -> None:
    before = snapshot(run, lambda path: path.name not in ("environment.json", "result.json", "config.yaml"))
    config = waving_config(tmp_path, store)
    again = here("train", config, "--out", run.parent)
    assert again.code == 0, again.err
    assert "nothing is left to do" in again.err
    assert snapshot(run, lambda path: path.name not in ("environment.json", "result.json", "config.yaml")) == before
    other = here("train", config, "run.name=views", "evaluate.views=3", "--out", run.parent)
    assert "reused from" in other.err
    assert len(stored(run.parent, "network")) == 1
    assert read_json(other.folder / "result.json")["views"] == 3
    assert not np.allclose(
        ClipScores.read(other.folder / "scores.test").scores, ClipScores.read(run / "scores.test").scores
    )


def test_means_and_deviations_are_those_of_train_and_travel_with_the_network(store: Path, tmp_path: Path) -> None:
    config = waving_config(tmp_path, store)
    words = ["data.pipeline.3={_target_: slr.data.isolated.Standardise}", "stages.0.epochs=1", "run.name=standard"]
    done = here("train", config, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    corpus = StoredCorpus(store, held_out=0.2)
    heights = torch.cat([(pose[:, 0, 4] - pose[:1, 0, 0])[:, 1] for pose in map(corpus.pose, corpus.clips("train"))])
    step = read_card(done.folder / "network").preprocessing["pipeline"][-1]
    # Eight frames of every clip are seen, and not all of them.
    assert step["mean"][4][1] == pytest.approx(float(heights.mean()), abs=0.1)
    again = here("evaluate", done.folder, "--split", "test")
    assert again.code == 0, again.err
    assert "was trained on clips with" not in again.err


def test_another_stream_is_another_network(run: Path, store: Path, tmp_path: Path) -> None:
    config = waving_config(tmp_path, store)
    words = ["data.stream=bone-motion", "stages.0.epochs=1", "run.name=bones"]
    done = here("train", config, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    assert read_json(done.folder / "result.json")["stream"] == "bone-motion"
    assert ClipScores.read(done.folder / "scores.test").about["stream"] == "bone-motion"


def test_without_a_held_out_part_the_last_epoch_is_kept(store: Path, tmp_path: Path) -> None:
    config = waving_config(tmp_path, store, evaluate={"average": "probabilities", "views": 2})
    done = here("train", config, "data.corpus.held_out=0", "stages.0.epochs=2", "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    assert "Nothing was held out: these are the weights of the last epoch." in done.out
    result = read_json(done.folder / "result.json")
    assert (result["best_epoch"], result["selected_on"], result["network"]["dev"]) == (2, None, None)
    scores = ClipScores.read(done.folder / "scores.test")
    assert scores.kind == "probabilities"
    np.testing.assert_allclose(scores.scores.sum(axis=1), 1, rtol=1e-5)
    assert not (done.folder / "scores.dev.json").exists()


def test_two_persons_reach_the_network(tmp_path: Path) -> None:
    config = waving_config(tmp_path, waving_store(tmp_path, persons=2))
    done = here("train", config, "stages.0.epochs=1", "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    assert read_json(done.folder / "result.json")["network"]["clip_shape"] == [8, 2, 5, 3]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["data.root=nowhere"], "there is no store of isolated clips at nowhere"),
        (["data.corpus.split=x-sub"], "has no split 'x-sub': choose one of signers"),
        (["data.stream=bones"], "data.stream"),
        (["data.pipeline.0.joint=tail"], "no joint 'tail'"),
        (["data.pipeline.2.length=0"], "SampleSubset length is 0"),
        (["data.pipeline.2.lenght=8"], "did you mean length?"),
        (["data.pipeline.3.stream=bone"], "the workbench sets this argument itself"),
        (["network={_target_: teachers.VACResNet}"], "has no head for classes"),
        (["network={_target_: teachers.I3D}"], "has keypoints, and a network here reads frames"),
        (["network.task=glosses"], "the workbench sets this argument itself"),
        (["stages.0.losses.ce.loss={_target_: kd.losses.CTC}"], "these clips have a class and no transcript"),
        (["stages.0.losses.ce.loss.head=side"], "reads the tap 'side'"),
        (["stages.0.max_clips=null"], "a batch needs a bound: give frames_per_batch, or max_clips"),
        (["stages.0.losses=null"], "has no losses"),
        (["evaluate.select_on=test"], "evaluate.select_on"),
        (["data.pipeline=[]", "data.stream=bone"], "no slr.data.isolated.ToStream in the pipeline makes it"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_trained(
    store: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    done = here("train", waving_config(tmp_path, store), *words, "--out", tmp_path / "runs")
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "runs").exists()


def test_a_report_says_that_it_is_about_sentences(run: Path) -> None:
    assert "is a run on isolated clips" in here("report", run).sentence


def test_a_loss_that_would_take_the_first_class_for_a_blank_is_refused(store: Path, tmp_path: Path) -> None:
    loss = "{_target_: kd.losses.SelfDistillation, head: pooled}"
    done = here("train", waving_config(tmp_path, store), f"stages.0.losses.self={{loss: {loss}}}")
    assert "losses.self: blank is 'drop', and classes have no blank: set it to keep" in done.err


@pytest.mark.parametrize(
    ("loss", "read"),
    [
        (GuidedCTC(), "GuidedCTC takes the first class for the blank, and classes have none: leave it out"),
        (FrameKL(blank="drop"), "blank is 'drop', and classes have no blank: set it to keep"),
        (DKD(target="best", blank="drop"), "blank is 'drop'"),
        (ShiftTolerantKL(blank="drop"), "blank is 'drop'"),
        (FrameKL(), None),
        (CRD(student_width=2, teacher_width=2), None),
    ],
)
def test_what_a_loss_makes_of_the_first_class_is_known(loss: Loss, read: str | None) -> None:
    objective = Objective({"it": Term(loss)})
    with pytest.raises(ConfigError, match=f"losses.it: {read}") if read else nullcontext():
        refuse_blanks([objective])


def test_confused_classes_are_named_in_a_configuration(store: Path, tmp_path: Path) -> None:
    config = waving_config(tmp_path, store)
    loss = "{_target_: kd.losses.PairwiseMargin, pairs: [[wave left, wave both]]}"
    words = [f"stages.0.losses.margin={{loss: {loss}}}", "stages.0.epochs=1", "run.name=margin"]
    done = here("train", config, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (done.folder / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["terms"]["margin"] > 0
    odd = words[0].replace("wave both", "wave feet")
    assert "pairs name the class 'wave feet', which is none of the 3 classes" in here("train", config, odd).sentence
