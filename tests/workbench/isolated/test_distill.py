from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from slr.scoring import accuracy, compare_classifiers, fuse, gap_closed_of_classes, softmax
from tests.workbench.running import Done, here, read_json, sha256, snapshot, stored
from workbench.isolated.distill import worse_teacher
from workbench.isolated.scores import ClipScores
from workbench.yaml_text import dump_yaml, read_yaml

from .waving import waving_config, waving_store

TEACHER = {"_target_": "students.LightDKEGCN", "channels": [8, 16], "strides": [1, 1], "dropout": 0.0}
STUDENT = {"_target_": "students.LightDKEGCN", "channels": [8], "strides": [1], "dropout": 0.0}
DKD = {"dkd": {"weight": 0.5, "warmup_epochs": 2, "loss": {"_target_": "kd.losses.ClassDKD"}}}


def stages(epochs: int) -> list[dict[str, Any]]:
    return [
        {
            "name": "classes",
            "epochs": epochs,
            "max_clips": 10,
            "optimizer": {"_target_": "torch.optim.AdamW", "lr": 0.02},
            "losses": {"ce": {"loss": {"_target_": "kd.losses.CrossEntropy"}}},
        }
    ]


def config(folder: Path, store: Path, **changes: Any) -> Path:
    """Light-DKE-GCN's chain in small: a teacher, a student that is born again, a lighter one."""
    alone = waving_config(folder, store)
    root = read_yaml(alone, [])
    assert root is not None
    plain = root.plain()
    settings: dict[str, Any] = {
        "run": {"name": "chain", "threads": 1, "diagnostics": {"every_epochs": 1}},
        "data": plain["data"],
        "teacher": {"network": TEACHER, "stages": stages(8)},
        "assistants": [
            {"name": "first", "network": STUDENT, "stages": stages(3)},
            {"name": "again", "network": STUDENT, "stages": stages(3)},
        ],
        "student": {"network": {**STUDENT, "channels": [4]}, "stages": stages(3)},
        "distillation": {"losses": DKD},
        "evaluate": {"every_epochs": 1},
        **changes,
    }
    path = folder / "chain.yaml"
    path.write_text(dump_yaml(settings))
    return path


@pytest.fixture(scope="module")
def run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("chain")
    done = here("distill", config(folder, store), "--out", folder / "runs")
    assert done.code == 0, done.err
    return done


@pytest.mark.slow
def test_a_chain_is_trained_and_every_link_of_it_is_reported(run: Done) -> None:
    result = read_json(run.folder / "result.json")
    assert set(result["assistants"]) == {"first", "again"}
    for entry in (result["teacher"], result["baseline"], result["student"], *result["assistants"].values()):
        assert entry["test"]["clips"] == 12
        assert entry["train"]["clips"] == 30
    assert result["teacher"]["params"] > result["assistants"]["again"]["params"] > result["student"]["params"]
    assert result["student"]["params"] == result["baseline"]["params"]
    assert result["task"] == "class"
    for shown in ("teacher", "assistant first", "assistant again", "student alone", "student distilled"):
        assert shown in run.out
    assert "the student distilled" in run.out
    weights = {sha256(path) for path in run.folder.glob("*.safetensors") if "scores" not in path.name}
    assert len(weights) == 5  # one that is born again is not who it was


def test_scores_and_gap_follow_from_the_score_files(run: Done) -> None:
    result = read_json(run.folder / "result.json")
    names = {"teacher": "scores.teacher", "baseline": "scores.baseline", "student": "scores"}
    reports = {role: ClipScores.read(run.folder / f"{name}.test").report() for role, name in names.items()}
    for role, report in reports.items():
        assert result[role]["test"] == report.as_dict()
    gap = result["gap_closed"]
    assert gap["test_gain"] == pytest.approx(reports["student"].per_instance() - reports["baseline"].per_instance())
    assert gap["p_value"] == compare_classifiers(reports["baseline"], reports["student"]).p_value
    whole = gap_closed_of_classes(reports["baseline"], reports["student"], reports["teacher"])
    assert gap["test_gap_in_standard_errors"] == whole.gap_in_standard_errors
    assert (run.folder / "confusion.test.csv").is_file()


def test_what_pulls_at_the_student_is_measured(run: Done) -> None:
    found = read_json(run.folder / "result.json")["diagnostics"]
    assert set(found["last"]["terms"]) == {"ce", "dkd"}
    assert found["last"]["terms"]["dkd"]["weight"] == pytest.approx(0.5)
    assert 0 <= found["last"]["teacher"]["top1"] <= 1
    assert "wer" not in found["last"]["teacher"]
    assert "the labels" in run.out
    assert "On the training clips measured, as they are shown: teacher top-1" in run.out


def test_a_finished_chain_is_not_done_again_and_its_networks_are_shared(run: Done, store: Path, tmp_path: Path) -> None:
    kept = ("environment.json", "result.json", "config.yaml")
    before = snapshot(run.folder, lambda path: path.name not in kept)
    again = here("distill", config(tmp_path, store), "--out", run.folder.parent)
    assert again.code == 0, again.err
    assert "nothing is left to do" in again.err
    assert snapshot(run.folder, lambda path: path.name not in kept) == before
    words = ["run.name=shorter", "assistants=[]"]
    other = here("distill", config(tmp_path, store), *words, "--out", run.folder.parent)
    assert other.code == 0, other.err
    assert other.err.count("reused from") == 2  # the teacher, and the student alone
    assert len(stored(run.folder.parent, "teacher")) == 1


@pytest.mark.parametrize("busy", [False, True])
def test_while_another_run_trains_the_teacher_the_student_alone_goes_first(
    run: Done, store: Path, tmp_path: Path, busy: bool
) -> None:
    words = [f"run.store={run.folder.parent}", "run.name=beside"]
    with mock.patch("workbench.trained_teacher.is_being_trained", return_value=busy):
        done = here("distill", config(tmp_path, store), *words, "--out", tmp_path / "runs")
    said = [line.split("  reused")[0] for line in done.err.splitlines() if "reused from" in line]
    assert said[:2] == (["student alone", "teacher"] if busy else ["teacher", "student alone"])
    assert len(said) == 5


def test_a_network_of_a_chain_is_evaluated_and_can_teach_others(run: Done, store: Path, tmp_path: Path) -> None:
    done = here("evaluate", run.folder, "--network", "baseline", "--split", "test", "--against", run.folder)
    assert done.code == 0, done.err
    assert done.folder.name == "evaluated.baseline.test.safetensors"
    words = [f"teacher.checkpoint={run.folder / 'assistant-again'}", "assistants=[]", "run.name=taught"]
    taught = here("distill", config(tmp_path, store), *words, "--out", tmp_path / "runs")
    assert taught.code == 0, taught.err
    result = read_json(taught.folder / "result.json")
    link = read_json(run.folder / "result.json")["assistants"]["again"]
    assert result["teacher"]["test"] == link["test"]


def fused(folder: Path, run: Path, split: str) -> Path:
    """What two networks of a chain say together of a part."""
    words = ["--split", split]
    names = []
    for role in ("teacher", "baseline"):
        done = here("evaluate", run, "--network", role, *words)
        assert done.code == 0, done.err
        names.append(done.folder)
    done = here("fuse", *names, "--weights", "2", "1", "--out", folder / f"fused.{split}")
    assert done.code == 0, done.err
    return done.folder


@pytest.mark.slow
def test_fused_scores_are_a_teacher(run: Done, store: Path, tmp_path: Path) -> None:
    files = {split: str(fused(tmp_path, run.folder, split)) for split in ("train", "test")}
    path = config(tmp_path, store, teacher={"scores": files}, assistants=[])
    done = here("distill", path, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    result = read_json(done.folder / "result.json")
    assert result["teacher"]["name"] == "fused scores"
    assert result["teacher"]["params"] is None
    assert result["teacher"]["dev"] is None
    assert result["teacher"]["test"] == ClipScores.read(files["test"]).report().as_dict()
    again = here("distill", path, "--out", tmp_path / "runs")
    assert "nothing is left to do" in again.err
    scores = ClipScores.read(files["train"])
    replace(scores, scores=scores.scores[:, ::-1].copy()).write(Path(files["train"]).with_suffix(""))
    changed = here("distill", path, "--out", tmp_path / "runs")
    assert changed.code == 0, changed.err
    assert "nothing is left to do" not in changed.err
    assert len(stored(tmp_path / "runs", "student-distilled")) == 2


def test_several_teachers_teach_together_and_need_not_be_asked_in_every_step(
    run: Done, store: Path, tmp_path: Path
) -> None:
    members = [
        {"name": "one", "checkpoint": str(run.folder / "teacher"), "weight": 2.0},
        {"name": "two", "checkpoint": str(run.folder / "baseline"), "weight": 1.0},
    ]
    teacher = {"combine": "weighted", "live": False, "members": members}
    done = here("distill", config(tmp_path, store, teacher=teacher, assistants=[]), "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    result = read_json(done.folder / "result.json")
    assert result["teacher"]["name"] == "2 teachers"
    both = [ClipScores.read(run.folder / f"scores.{role}.test") for role in ("teacher", "baseline")]
    mean = fuse([softmax(one.scores) for one in both], [2, 1])
    assert result["teacher"]["test"] == accuracy(mean, both[0].labels).as_dict()
    assert set(result["teachers"]) == {"one", "two"}
    assert "teacher one" in done.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["teacher={checkpoint: nowhere}"], "there is no checkpoint at nowhere"),
        (["teacher={scores: {train: nowhere}}"], "nowhere.json does not exist"),
        (["teacher={network: null, stages: []}"], "this teacher would be untrained"),
        (["teacher.combine=average"], "there is one teacher: list several as members"),
        (
            ["teacher={combine: average, members: [{name: a, checkpoint: x}, {name: b, checkpoint: x}]}"],
            "a and b are the same teacher: give one of them a seed, or leave it out",
        ),
        (
            ["teacher={combine: average, members: [{name: a, scores: {train: x}}, {name: a, scores: {train: y}}]}"],
            "members need names of their own, and a stands twice",
        ),
        (
            ["teacher={combine: average, members: [{name: a, checkpoint: x}]}"],
            "a is alone: several teachers are two at least",
        ),
        (["distillation.losses.dkd.weight=0"], "no loss of it compares with the teacher"),
        (["distillation.losses.dkd.loss.head=side"], "reads the tap 'side', which the student does not publish"),
        (["distillation.losses.dkd.loss={_target_: kd.losses.FrameKL, blank: drop}"], "classes have no blank"),
        (["assistants.first.name=again"], "assistants need names of their own"),
        (
            ["student.stages.classes.mixup={_target_: slr.data.isolated.MixUp}", "teacher.live=false"],
            "mixes clips, and the teacher was asked about whole ones",
        ),
        (
            ["assistants.first.stages.classes.taught_by=average", "assistants.first.stages.classes.average={}"],
            "it is taught by its average, and by the teacher of the distillation",
        ),
        (
            ["distillation.losses.hint={loss: {_target_: kd.losses.FitNet, tap: pooled}}", "teacher.live=false"],
            "the teacher does not publish",
        ),
        (["student.network={_target_: teachers.VACResNet}"], "has no head for classes"),
        (["student.network={_target_: teachers.CNN2DCNN1D}"], "has keypoints, and a network here reads frames"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_trained(
    store: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    done = here("distill", config(tmp_path, store), *words, "--out", tmp_path / "runs")
    assert done.code == 2, done.err
    assert says in done.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("teacher", "warned"), [(0.52, False), (0.49, False), (0.47, True)])
def test_a_teacher_is_called_worse_where_that_is_no_chance(teacher: float, warned: bool) -> None:
    found = worse_teacher({"top-1": teacher}, {"top-1": 0.5})
    assert (found is not None and "(top-1 47.0 % against 50.0 %)" in found) == warned


def test_a_teacher_of_other_clips_or_classes_is_refused(run: Done, store: Path, tmp_path: Path) -> None:
    def says(*words: str) -> str:
        done = here("distill", config(tmp_path, store), "assistants=[]", *words, "--out", tmp_path / "runs")
        assert done.code == 2
        return done.err

    teacher = f"teacher={{checkpoint: {run.folder / 'teacher'}}}"
    assert "was trained on clips with pipeline.3.stream 'joint'" in says(teacher, "data.stream=bone")
    two = waving_store(tmp_path, classes=2)
    assert "tells 3 classes apart and this corpus has 2" in says(teacher, f"data.root={two}")
    scores = ClipScores.read(fused(tmp_path, run.folder, "train"))
    odd = tmp_path / "odd"
    for changed, complaint in (
        (scores.picked(np.arange(5)), "odd is about other clips than train of waving (made up): it lacks"),
        (replace(scores, classes=("a", "b", "c")), "odd is about 3 classes and this corpus has 3"),
        (replace(scores, labels=1 - scores.labels), "odd has another label for the clip"),
    ):
        changed.write(odd)
        assert complaint in says(f"teacher={{scores: {{train: {odd}}}}}")


def test_a_configuration_and_its_corpus_are_checked(store: Path, tmp_path: Path) -> None:
    done = here("check", config(tmp_path, store))
    assert done.code == 0, done.err
    assert "chain: the networks can be built, and clips go through them and the losses" in done.out


def test_features_teach_too_where_the_teacher_is_asked_in_every_step(store: Path, tmp_path: Path) -> None:
    losses = {**DKD, "hint": {"weight": 1, "loss": {"_target_": "kd.losses.FitNet", "tap": "pooled"}}}
    path = config(tmp_path, store, distillation={"losses": losses}, assistants=[])
    words = ["teacher.stages.classes.epochs=1", "student.stages.classes.epochs=1"]
    done = here("distill", path, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (done.folder / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["terms"]["hint"] > 0
