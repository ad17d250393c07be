"""Several teachers at once, from end to end on the tiny corpus: trained ones, checkpoints and imported outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import workbench.measure
from tests.workbench.dumps import network_dump
from tests.workbench.running import (
    MAIN_CONFIG,
    ROOT,
    distilled,
    distilling_losses,
    here,
    read_json,
    sha256,
    snapshot,
    stored,
    tiny_words,
)
from tests.workbench.test_teacher_outputs import distance, distilled_rows
from workbench.checkpoint import load_network

pytestmark = pytest.mark.slow

ENSEMBLE = ROOT / "configs" / "ensemble_to_stgt.yaml"
LOGITS_ONLY = [f"distillation.losses.{name}.weight=0" for name in distilling_losses() if not name.startswith("kd")]


@pytest.fixture(autouse=True, scope="module")
def _without_figures() -> Iterator[None]:
    """Figures take a second per run and are tested elsewhere."""
    with mock.patch.object(workbench.measure, "draw_training"):
        yield


def ensemble_words(root: Path) -> list[str]:
    """The ensemble of the project, small: tiny corpus, one epoch per stage."""
    words = [word for word in tiny_words(root, student=1) if not word.startswith("teacher.")]
    epochs = [
        f"teacher.members.{member}.stages.{stage}.epochs=1"
        for member in ("stsg", "cnn")
        for stage in ("warm-start", "glosses")
    ]
    return [*words, *epochs]


@dataclass(frozen=True)
class Trained:
    """The ensemble of the project after a run, two teachers and all."""

    root: Path
    out: Path
    words: list[str]
    folder: Path
    printed: str
    err: str


@pytest.fixture(scope="module")
def trained(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("several") / "runs"
    words = ensemble_words(simulated_root)
    done = distilled(out, words, config=ENSEMBLE)
    return Trained(simulated_root, out, words, done.folder, " ".join(done.out.split()), done.err)


def with_members(folder: Path, combine: str, *members: dict[str, Any]) -> Path:
    """A configuration whose teacher has these members."""
    path = folder / f"{combine}.yaml"
    listed = json.dumps(members)
    path.write_text(
        f"base: {MAIN_CONFIG}\nrun: {{name: {combine}}}\n"
        f"teacher: {{network: null, stages: [], combine: {combine}, members: {listed}}}\n"
    )
    return path


def student_words(root: Path, *more: str) -> list[str]:
    return [*(word for word in tiny_words(root) if not word.startswith("teacher.")), *more]


def test_the_table_shows_every_teacher_and_their_combination(trained: Trained) -> None:
    result = read_json(trained.folder / "result.json")
    assert list(result["teachers"]) == ["stsg", "cnn"]
    assert [result["teachers"][name]["name"] for name in ("stsg", "cnn")] == ["STSGNet", "CNN2DCNN1D"]
    assert result["teacher"]["name"] == "2 teachers"
    for key in ("params", "macs"):
        assert result["teacher"][key] == sum(result["teachers"][name][key] for name in ("stsg", "cnn"))
    for found in (*result["teachers"].values(), result["teacher"]):
        for split, glosses in (("dev", 15), ("test", 22)):
            assert found[split]["ref"] == glosses
    assert result["combination"] == {"rule": "average", "members": ["stsg", "cnn"]}
    for row in ("teacher stsg STSGNet", "teacher cnn CNN2DCNN1D", "teachers, average 2 teachers", "student alone STGT"):
        assert row in trained.printed
    assert "The teachers stsg, cnn are averaged: their posteriors, at the steps of stsg." in trained.printed
    assert result["seconds"]["teacher"] == pytest.approx(
        result["seconds"]["teacher-stsg"] + result["seconds"]["teacher-cnn"], abs=0.002
    )
    assert result["gap_closed"]["test_gap"] == result["baseline"]["test"]["wer"] - result["teacher"]["test"]["wer"]


def test_the_run_folder_holds_every_teacher(trained: Trained) -> None:
    present = {path.name for path in trained.folder.iterdir()}
    for role in ("teacher-stsg", "teacher-cnn"):
        assert {f"{role}.safetensors", f"{role}.json", f"hypotheses.{role}.dev.ctm"} <= present
    assert {"hypotheses.teacher.dev.ctm", "hypotheses.teacher.test.ctm", "labels.dev.json"} <= present
    assert "teacher.safetensors" not in present
    rows = [json.loads(line) for line in (trained.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["network"] for row in rows] == [*["teacher-stsg"] * 2, *["teacher-cnn"] * 2, "baseline", "student"]
    assert set(rows[-1]["terms"]) == {"ctc", "ctc_conv", *distilling_losses()}


def test_a_run_with_several_teachers_is_not_done_twice(trained: Trained) -> None:
    before = {role: sha256(trained.folder / f"{role}.safetensors") for role in ("teacher-cnn", "student")}
    again = distilled(trained.out, trained.words, config=ENSEMBLE)
    assert "nothing is left to do" in again.err
    assert " ".join(again.out.split()) == trained.printed
    assert {role: sha256(trained.folder / f"{role}.safetensors") for role in before} == before


def test_a_member_is_shared_with_a_run_of_its_own(trained: Trained) -> None:
    done = distilled(trained.out, tiny_words(trained.root, teacher=1, student=1))
    assert "teacher  reused from" in done.err
    assert "student alone  reused from" in done.err
    assert len(stored(trained.out, "teacher")) == 2
    assert not [
        file for file in (trained.out / "cache").glob("*/*") if file.stat().st_mtime > done.folder.stat().st_mtime
    ]


def test_the_order_of_the_members_and_the_rule_make_other_students(trained: Trained, tmp_path: Path) -> None:
    members = [
        {"name": name, "checkpoint": str(trained.folder / f"teacher-{name}.safetensors"), "weight": weight}
        for name, weight in (("stsg", 1), ("cnn", 3))
    ]
    one, other = (tmp_path / name for name in ("one", "other"))
    one.mkdir()
    other.mkdir()
    words = student_words(trained.root, "student.stages.glosses.epochs=1")
    done = distilled(trained.out, words, "run.name=one", config=with_members(one, "weighted", *members))
    result = read_json(done.folder / "result.json")
    assert result["combination"] == {"rule": "weighted", "members": ["stsg", "cnn"], "weights": [0.25, 0.75]}
    assert "averaged with the weights stsg 0.25, cnn 0.75." in " ".join(done.out.split())
    assert "loaded from" in done.err
    turned = distilled(trained.out, words, "run.name=other", config=with_members(other, "weighted", *members[::-1]))
    assert read_json(turned.folder / "result.json")["combination"]["members"] == ["cnn", "stsg"]
    weights = {sha256(folder / "student.safetensors") for folder in (trained.folder, done.folder, turned.folder)}
    assert len(weights) == 3


def test_a_network_and_its_own_outputs_teach_together_what_it_teaches_alone(trained: Trained, tmp_path: Path) -> None:
    """Two equal posteriors have themselves as their mean, whichever way each of them comes."""
    checkpoint = trained.folder / "teacher-stsg"
    dump = network_dump(trained.root, checkpoint, tmp_path / "same", ())
    store = dump.imported("--fps", "12.5").folder
    words = student_words(trained.root, "student.stages.glosses.optimizer.lr=2e-3", *LOGITS_ONLY)
    members = [{"name": "net", "checkpoint": f"{checkpoint}.safetensors"}, {"name": "said", "outputs": str(store)}]
    alone = distilled(tmp_path / "runs", words, f"teacher.checkpoint={checkpoint}.safetensors", "run.name=alone")
    found = {}
    for combine in ("average", "best"):
        config = with_members(tmp_path, combine, *members)
        done = distilled(tmp_path / "runs", words, config=config)
        found[combine] = read_json(done.folder / "result.json")
        one, other, baseline = (
            load_network(folder)[0].state_dict()
            for folder in (done.folder / "student", alone.folder / "student", alone.folder / "baseline")
        )
        assert distance(one, other) < 1e-3 * distance(one, baseline)
        for mine, true in zip(distilled_rows(done.folder), distilled_rows(alone.folder), strict=True):
            assert mine == pytest.approx(true, rel=1e-4)
        own = read_json(alone.folder / "result.json")["teacher"]
        for split in ("dev", "test"):
            assert found[combine]["teacher"][split] == found[combine]["teachers"]["said"][split] == own[split]
        assert found[combine]["teachers"]["said"]["foreign"] is True
        assert (found[combine]["teacher"]["params"], found[combine]["teacher"]["macs"]) == (None, None)
    combination = found["best"]["combination"]
    assert sum(combination["clips"].values()) == 16
    assert list(combination["clips"]) == ["net", "said"]


def test_the_best_of_each_training_clip_teaches_and_dev_and_test_choose_nothing(
    trained: Trained, tmp_path: Path
) -> None:
    members = [
        {"name": name, "checkpoint": str(trained.folder / f"teacher-{name}.safetensors")} for name in ("stsg", "cnn")
    ]
    words = student_words(trained.root, "student.stages.glosses.epochs=1", *LOGITS_ONLY)
    done = distilled(trained.out, words, config=with_members(tmp_path, "best", *members))
    result = read_json(done.folder / "result.json")
    combination = result["combination"]
    assert (combination["rule"], sum(combination["clips"].values()), combination["ties"]) == ("best", 16, 0)
    # On dev and test one of them answers for all clips; both have the same steps here.
    for split in ("dev", "test"):
        assert result["teacher"][split] == result["teachers"][combination["otherwise"]][split]
    said = " ".join(done.out.split())
    assert "Every training clip is taught by the teacher of the lowest CTC loss on it (stsg " in said
    assert f"dev and test, whose transcripts choose nothing, are read by {combination['otherwise']}" in said
    assert "teachers, best 2 teachers" in said


def test_live_members_teach_as_cached_ones(trained: Trained) -> None:
    words = [*trained.words, "student.stages.glosses.optimizer.lr=2e-3"]
    cached = distilled(trained.out, words, "run.name=cached", config=ENSEMBLE)
    live = distilled(trained.out, words, "run.name=live", "teacher.live=true", config=ENSEMBLE)
    assert "teacher outputs" not in live.err
    for mine, true in zip(distilled_rows(live.folder), distilled_rows(cached.folder), strict=True):
        assert mine == pytest.approx(true, rel=0.05)  # live ones see the augmented frames


# What is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["teacher.combine=null"], "say how the members are combined: average, weighted or best"),
        (["teacher.combine=mean"], "teacher.combine (command line): should be 'average', 'weighted' or 'best'"),
        (["teacher.combine=weighted"], "stsg has no weight, and under weighted every member needs one"),
        (["teacher.members.cnn.weight=2"], "weights belong to weighted, and combine is average"),
        (["teacher.members.cnn.weight=0"], "teacher.members.1.weight (command line): "),
        (["teacher.members.cnn.name=stsg"], "members need names of their own, and stsg stands twice"),
        (["teacher.members.cnn.name=../up"], "teacher.members.1.name (command line): "),
        (["teacher.members=[]"], "this teacher would be untrained: give it a network and the stages that train it"),
        (["teacher.members.cnn.network=null"], "teacher.members.1"),
        (
            ["teacher.checkpoint=x"],
            "several members are the teacher, so it has no checkpoint and no outputs of its own",
        ),
        (["teacher.members.cnn.checkpoint=none"], "there is no checkpoint at none: name a .safetensors file"),
        (["teacher.members.cnn.outputs=none"], "there are no teacher outputs at none: name a folder that scripts/"),
        (["teacher.members.cnn.network.temporal_layers=X"], "'X' in temporal layers 'X' is no layer"),
        (
            ["teacher.members.cnn.stages.glosses.losses.ctc.loss.head=none"],
            "teacher.members.cnn.stages.glosses.losses.ctc: reads the tap 'none'",
        ),
        (
            ["teacher.combine=best", "teacher.members.cnn.network.width=128"],
            "distillation.losses.crd: reads the tap 'conv', which the teacher does not publish; known here: context",
        ),
        (
            ["teacher.combine=best"],
            "networks (several teachers publish the taps that all of them have in the same width) has 1 fault:\n  "
            "distillation.losses.crd_frame: reads the tap 'frame'",
        ),
    ],
)
def test_what_several_teachers_cannot_do_is_refused_before_anything_is_touched(
    trained: Trained, words: list[str], says: str
) -> None:
    before = snapshot(trained.out)
    done = here("distill", ENSEMBLE, *trained.words, *words, "--out", trained.out)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert snapshot(trained.out) == before


def test_twice_the_same_teacher_is_refused(trained: Trained, tmp_path: Path) -> None:
    member = {"name": "one", "checkpoint": str(trained.folder / "teacher-cnn.safetensors")}
    config = with_members(tmp_path, "average", member, {**member, "name": "two"})
    done = here("distill", config, *student_words(trained.root), "--out", tmp_path / "runs")
    assert done.code == 2
    assert "one and two are the same teacher: give one of them a seed, or leave it out" in done.err


def test_a_checkpoint_that_does_not_fit_is_refused_before_the_other_members_are_trained(
    trained: Trained, tmp_path: Path
) -> None:
    checkpoint = f"teacher.members.cnn.checkpoint={trained.folder / 'teacher-cnn.safetensors'}"
    done = here("distill", ENSEMBLE, *trained.words, checkpoint, "data.plan.stride=1", "--out", tmp_path / "runs")
    assert "was trained on clips with plan.stride 2, and this configuration prepares them with 1" in done.sentence
    assert not (tmp_path / "runs").exists()
