"""The main command from end to end, on the tiny simulated corpus."""

from __future__ import annotations

import json
import platform
import signal
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from safetensors import safe_open

from slr.ctc import LabelSet
from slr.data import Phoenix2014
from slr.scoring import read_transcripts, score
from slr.types import Padded
from students import STGT
from tests.workbench.running import (
    MAIN_CONFIG,
    ROOT,
    Done,
    distilled,
    distilling_losses,
    here,
    in_a_process,
    read_json,
    sha256,
    snapshot,
    stored,
    student_config,
    tiny_words,
)
from workbench.assemble import make_dataset, open_corpus
from workbench.checkpoint import load_network
from workbench.config import load_config
from workbench.schema import DistillConfig

pytestmark = pytest.mark.slow

ROLES = ("teacher", "baseline", "student")
SCORES = {"wer", "sub", "del", "ins", "ref"}


@dataclass(frozen=True)
class Unbroken:
    """The main command as a user runs it, in a process of its own."""

    out: Path
    words: list[str]
    done: Done

    @property
    def folder(self) -> Path:
        return self.done.folder


@pytest.fixture(scope="module")
def unbroken(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    folder = tmp_path_factory.mktemp("unbroken")
    words = tiny_words(simulated_root)
    done = in_a_process(ROOT / "scripts" / "distill.py", MAIN_CONFIG, *words, "--out", folder / "runs", cwd=folder)
    return Unbroken(folder / "runs", words, done)


def without_seconds(folder: Path) -> dict[str, Any]:
    result = read_json(folder / "result.json")
    del result["seconds"]
    return result


def test_the_main_command_ends_well_and_prints_its_run_folder_last(unbroken: Unbroken) -> None:
    assert unbroken.done.code == 0, unbroken.done.err
    assert unbroken.done.out.splitlines()[-1] == str(unbroken.out / "stsg_to_stgt")
    assert "student distilled" in unbroken.done.out
    assert "simulated corpus (tiny, seed 0), keypoints very-high" in unbroken.done.out
    assert unbroken.folder.is_dir()


def test_the_run_folder_is_complete(unbroken: Unbroken) -> None:
    present = {path.name for path in unbroken.folder.iterdir()}
    wanted = {"config.yaml", "environment.json", "metrics.jsonl", "result.json"}
    wanted |= {f"hypotheses.{split}.ctm" for split in ("dev", "test")}
    wanted |= {f"hypotheses.{role}.{split}.ctm" for role in ("teacher", "baseline") for split in ("dev", "test")}
    wanted |= {f"references.{split}.stm" for split in ("dev", "test")}
    wanted |= {f"{role}.{ending}" for role in ROLES for ending in ("safetensors", "json")}
    assert wanted <= present
    drawn = {f"{name}.{ending}" for name in ("curves", "losses") for ending in ("png", "svg")}
    assert {path.name for path in (unbroken.folder / "figures").iterdir()} == drawn
    assert not [name for name in present if name.endswith((".part", ".state.safetensors"))]
    config = load_config(unbroken.folder / "config.yaml", schema=DistillConfig)
    assert config == load_config(MAIN_CONFIG, [*unbroken.words, f"run.out={unbroken.out}"], schema=DistillConfig)
    environment = read_json(unbroken.folder / "environment.json")
    assert environment["python"] == platform.python_version()
    assert environment["threads"] == 1


def test_result_json_has_every_field_of_the_design(unbroken: Unbroken) -> None:
    result = read_json(unbroken.folder / "result.json")
    assert {
        "name",
        "config_hash",
        "seed",
        "protocol",
        "decoder",
        *ROLES,
        "gap_closed",
        "pseudo_label_accuracy",
        "seconds",
    } <= set(result)
    assert (result["name"], result["seed"], result["protocol"], result["decoder"]) == (
        "stsg_to_stgt",
        0,
        "raw",
        "beam-10",
    )
    for role in ROLES:
        assert {"dev", "test", "params", "macs"} <= set(result[role])
        assert result[role]["params"] > 0
        assert result[role]["macs"] > 0
        for split, glosses in (("dev", 15), ("test", 22)):
            found = result[role][split]
            assert set(found) == SCORES
            assert found["ref"] == glosses
            assert found["wer"] == (found["sub"] + found["del"] + found["ins"]) / glosses
    assert {"dev", "test", "test_ci95", "p_value"} <= set(result["gap_closed"])
    assert {"all", "non_blank", "dense"} <= set(result["pseudo_label_accuracy"])
    assert {"teacher", "cache", "baseline", "student"} <= set(result["seconds"])
    assert all(seconds > 0 for seconds in result["seconds"].values())
    assert result["baseline"]["params"] == result["student"]["params"] < result["teacher"]["params"]


def test_the_scores_can_be_counted_again_without_the_corpus(unbroken: Unbroken) -> None:
    result = read_json(unbroken.folder / "result.json")
    assert result["corpus"] == "simulated corpus (tiny, seed 0), keypoints very-high"
    for role, split in product(ROLES, ("dev", "test")):
        wanted = read_transcripts(unbroken.folder / f"references.{split}.stm")
        read = read_transcripts(unbroken.folder / f"hypotheses.{'' if role == 'student' else f'{role}.'}{split}.ctm")
        report = score(*({clip: one.glosses for clip, one in side.items()} for side in (wanted, read)), "raw")
        assert report.counts.as_dict() == result[role][split]


def test_networks_are_found_in_a_store_that_run_folders_elsewhere_share(unbroken: Unbroken, tmp_path: Path) -> None:
    done = distilled(tmp_path, [*unbroken.words, f"run.store={unbroken.out}", "run.name=elsewhere"])
    assert all(f"{label}  reused from" in done.err for label in ("teacher", "student alone", "student distilled"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere"]


@pytest.mark.parametrize("busy", [False, True])
def test_while_another_run_trains_the_teacher_the_student_alone_goes_first(
    unbroken: Unbroken, tmp_path: Path, busy: bool
) -> None:
    with mock.patch("workbench.trained_teacher.is_being_trained", return_value=busy):
        done = distilled(tmp_path, [*unbroken.words, f"run.store={unbroken.out}", "run.name=beside"])
    said = [line.split("  reused")[0] for line in done.err.splitlines() if "reused from" in line]
    first = ["student alone", "teacher"] if busy else ["teacher", "student alone"]
    assert said == [*first, "student distilled"]


def test_metrics_have_a_row_per_epoch_of_every_network(unbroken: Unbroken) -> None:
    rows = [json.loads(line) for line in (unbroken.folder / "metrics.jsonl").read_text().splitlines()]
    done = [(row["network"], row["stage"], row["epoch"]) for row in rows]
    assert done == [
        ("teacher", "teacher, warm-start", 1),
        ("teacher", "teacher, glosses", 1),
        ("teacher", "teacher, glosses", 2),
        ("baseline", "student alone", 1),
        ("baseline", "student alone", 2),
        ("student", "student distilled", 1),
        ("student", "student distilled", 2),
    ]
    assert set(rows[-1]["terms"]) == {"ctc", "ctc_conv", *distilling_losses()}
    assert set(rows[4]["terms"]) == {"ctc", "ctc_conv"}


def test_the_distilled_student_is_diagnosed_and_the_result_sums_it_up(unbroken: Unbroken) -> None:
    rows = [json.loads(line) for line in (unbroken.folder / "metrics.jsonl").read_text().splitlines()]
    diagnosed = [(row["network"], row["epoch"]) for row in rows if "diagnostics" in row]
    assert diagnosed == [("student", 1), ("student", 2)]  # the first and the last
    result = read_json(unbroken.folder / "result.json")
    found = result["diagnostics"]
    assert found["epochs"] == 2
    assert found["last"] == rows[-1]["diagnostics"]
    assert set(found["mean"]["terms"]) == {"ctc", "ctc_conv", *distilling_losses()}
    assert set(found["mean"]["terms"]["crd"]) == {"weight", "gradient", "cosine", "contrast_accuracy"}
    assert set(found["mean"]["pseudo_labels"]) == {"all", "non_blank", "dense"}
    assert "what pulled at the student, means over 2 epochs (the last)" in unbroken.done.out
    messages = [warning["message"] for warning in result["warnings"]]
    assert all("blank" in message or "WER" in message for message in messages)
    assert any("dev WER is still" in message for message in messages)  # two epochs teach nothing


def test_diagnostics_change_no_weight_and_train_nothing_again(unbroken: Unbroken, tmp_path: Path) -> None:
    done = distilled(tmp_path, [*unbroken.words, "run.diagnostics=null", f"teacher.checkpoint={unbroken.folder}"])
    assert sha256(done.folder / "student.safetensors") == sha256(unbroken.folder / "student.safetensors")
    assert read_json(done.folder / "result.json")["diagnostics"] is None
    assert "what pulled at" not in done.out
    again = distilled(unbroken.out, [*unbroken.words, "run.diagnostics.batches=3", "run.name=again"])
    assert "student distilled  reused from" in again.err


def test_a_teacher_worse_than_the_student_alone_is_warned_of_before_it_teaches(
    simulated_root: Path, tmp_path: Path
) -> None:
    """Where a skeleton network teaches that is trained less than its student."""
    words = [word for word in tiny_words(simulated_root, teacher=1, student=12) if "warm-start" not in word]
    done = distilled(tmp_path, words, config=ROOT / "configs" / "control_skeleton_teacher.yaml")
    lines = done.err.splitlines()
    (warned,) = [at for at, line in enumerate(lines) if "the teacher is worse than the student alone on dev" in line]
    assert lines[warned].startswith("WARNING: ")
    assert warned < next(at for at, line in enumerate(lines) if line.startswith("student distilled  epoch"))
    warnings = read_json(done.folder / "result.json")["warnings"]
    assert any(each["network"] == "teacher" and "worse than the student" in each["message"] for each in warnings)


def test_hypotheses_lie_inside_their_clips_in_order(unbroken: Unbroken, simulated_root: Path) -> None:
    corpus = Phoenix2014(simulated_root / "tiny-seed0")
    glosses = 0
    for split in ("dev", "test"):
        ends = {clip.id: corpus.num_frames(clip) / 25 for clip in corpus.clips(split)}
        for role in ("", "baseline.", "teacher."):
            found = read_transcripts(unbroken.folder / f"hypotheses.{role}{split}.ctm")
            assert set(found) == set(ends)
            for clip, transcript in found.items():
                glosses += len(transcript.glosses)
                assert len(transcript.times) == len(transcript.glosses)
                starts = [start for start, _ in transcript.times]
                assert starts == sorted(set(starts))
                assert all(0 <= start < end <= ends[clip] + 1e-9 for start, end in transcript.times)
    assert glosses > 20  # an untrained teacher writes a lot


def test_the_student_rebuilds_itself_with_no_configuration_beside_it(unbroken: Unbroken, tmp_path: Path) -> None:
    for ending in ("safetensors", "json"):
        (tmp_path / f"taken.{ending}").write_bytes((unbroken.folder / f"student.{ending}").read_bytes())
    network, card = load_network(tmp_path / "taken")
    assert isinstance(network, STGT)
    assert len(card.glosses) == 8
    clip = Padded(torch.rand(1, 20, 27, 3), torch.tensor([20]))
    assert network(clip).logits.values.shape == (1, 10, 9)


def test_nothing_of_teacher_or_distillation_is_in_the_students_file(unbroken: Unbroken) -> None:
    names = {}
    for role in ROLES:
        with safe_open(unbroken.folder / f"{role}.safetensors", framework="pt") as file:
            names[role] = set(file.keys())
    network, _ = load_network(unbroken.folder / "student")
    assert names["student"] == names["baseline"] == set(network.state_dict())
    assert names["student"] != names["teacher"]


def test_a_rerun_has_nothing_to_do_and_finds_the_same(unbroken: Unbroken) -> None:
    keep = lambda path: path.name not in ("config.yaml", ".lock")  # noqa: E731
    before = {name: content for name, (content, _) in snapshot(unbroken.out, keep).items()}
    again = distilled(unbroken.out, unbroken.words)
    assert "nothing is left to do" in again.err
    assert "epoch" not in again.err
    assert again.out == unbroken.done.out
    assert {name: content for name, (content, _) in snapshot(unbroken.out, keep).items()} == before


def test_the_run_keeps_the_labels_that_its_accuracies_are_against(unbroken: Unbroken) -> None:
    labels = LabelSet.read(unbroken.folder / "labels.dev.json")
    found = read_json(unbroken.folder / "result.json")["pseudo_label_accuracy"]
    assert (labels.teacher, labels.split, found["labels"]) == ("STSGNet", "dev", labels.sha256[:16])
    assert found["clips_left_out"] == len(labels.left_out)
    for role, shares in (("student", found), ("baseline", found["baseline"])):
        done = here("evaluate", unbroken.folder, "--network", role, "--labels", unbroken.folder / "labels.dev.json")
        assert done.code == 0, done.err
        said = [f"{shares[name]:.1%}" for name in ("all", "non_blank", "dense")]
        assert f"pseudo-label accuracy: all {said[0]}, non-blank {said[1]}, dense {said[2]}" in done.out


def test_a_network_without_a_teacher_is_measured_against_the_labels_of_another_run(
    unbroken: Unbroken, tmp_path: Path
) -> None:
    labels = unbroken.folder / "labels.dev.json"
    config = student_config(tmp_path, [*unbroken.words, f"evaluate.labels={labels}"])
    done = here("train", config, "--out", unbroken.out)
    assert done.code == 0, done.err
    theirs = read_json(unbroken.folder / "result.json")["pseudo_label_accuracy"]
    ours = read_json(done.folder / "result.json")["pseudo_label_accuracy"]
    assert ours == {**theirs["baseline"], "labels": theirs["labels"], "clips_left_out": theirs["clips_left_out"]}


def test_labels_that_were_altered_stop_a_run_before_it_begins(unbroken: Unbroken, tmp_path: Path) -> None:
    altered = tmp_path / "altered.json"
    altered.write_text((unbroken.folder / "labels.dev.json").read_text().replace(" 0", " 1", 1))
    words = [*unbroken.words, f"evaluate.labels={altered}", "run.name=never"]
    done = here("distill", MAIN_CONFIG, *words, "--out", unbroken.out)
    assert done.sentence.startswith(f"{altered} was changed after it was written")
    assert not (unbroken.out / "never").exists()


def test_an_evaluation_against_the_teacher_finds_what_the_result_says(unbroken: Unbroken) -> None:
    """The other network reads frames where this one reads keypoints: the same clips, decoder and protocol."""
    result = read_json(unbroken.folder / "result.json")
    done = here("evaluate", unbroken.folder, "--split", "test", "--against", f"{unbroken.folder}:teacher")
    assert done.code == 0, done.err
    student, teacher = (result[role]["test"]["wer"] for role in ("student", "teacher"))
    assert student != teacher
    assert f"{student:.2%}" in done.out
    assert f"{teacher:.2%}" in done.out
    assert f"{100 * (student - teacher):+.2f}" in done.out


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_run_killed_twice_ends_like_one_that_was_not(unbroken: Unbroken, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    (out / "stsg_to_stgt").mkdir(parents=True)
    (out / "stsg_to_stgt" / "result.json").write_text("{}")  # of other settings under this name
    for stage in ("teacher, glosses", "student distilled"):
        killed = in_a_process(
            *("-m", "tests.workbench.killed_distillation", stage, "1", "1"),
            *(MAIN_CONFIG, *unbroken.words, "--out", str(out)),
            cwd=tmp_path,
        )
        assert killed.code == -signal.SIGKILL, killed.err
        assert f"{stage}  epoch 1/2" in killed.err
        assert f"{stage}  epoch 2/2" not in killed.err
        assert not (out / "stsg_to_stgt" / "result.json").exists()
    assert "teacher, glosses  continuing after 1 of 2 epochs" in killed.err
    last = distilled(out, unbroken.words)
    assert "teacher  reused from" in last.err
    assert "student distilled  continuing after 1 of 2 epochs" in last.err
    for role in ROLES:
        assert sha256(last.folder / f"{role}.safetensors") == sha256(unbroken.folder / f"{role}.safetensors"), role
    ours, theirs = without_seconds(last.folder), without_seconds(unbroken.folder)
    assert ours == theirs
    assert not list(out.rglob("*.part"))


def test_a_changed_loss_weight_retrains_the_distilled_student_alone(unbroken: Unbroken) -> None:
    kept = {
        label: snapshot(stored(unbroken.out, label)[0]) for label in ("teacher", "student-alone", "student-distilled")
    }
    words = [*unbroken.words, "distillation.losses.kd.weight=2", "run.name=gentler"]
    done = distilled(unbroken.out, words)
    assert "teacher  reused from" in done.err
    assert "student alone  reused from" in done.err
    assert "student distilled  epoch 2/2" in done.err
    assert len(stored(unbroken.out, "student-distilled")) == 2
    for label, before in kept.items():
        assert any(snapshot(folder) == before for folder in stored(unbroken.out, label)), label
    for role, same in (("teacher", True), ("baseline", True), ("student", False)):
        weights = (sha256(folder / f"{role}.safetensors") for folder in (done.folder, unbroken.folder))
        assert (len(set(weights)) == 1) == same, role


def test_fresh_trains_everything_again_to_the_same_weights(unbroken: Unbroken) -> None:
    before = {role: sha256(unbroken.folder / f"{role}.safetensors") for role in ROLES}
    result = without_seconds(unbroken.folder)
    done = distilled(unbroken.out, unbroken.words, "--fresh")
    assert "reused" not in done.err
    for line in ("teacher, glosses  epoch 2/2", "student alone  epoch 2/2", "student distilled  epoch 2/2"):
        assert line in done.err
    assert {role: sha256(done.folder / f"{role}.safetensors") for role in ROLES} == before
    assert without_seconds(done.folder) == result


def test_a_live_teacher_teaches_the_same_and_stays_as_it_is(unbroken: Unbroken) -> None:
    teacher = sha256(unbroken.folder / "teacher.safetensors")
    # Adam's first steps are as large as the rate however small a gradient is, so a rounding can turn one around.
    words = [*unbroken.words, "student.stages.glosses.optimizer.lr=2e-3"]
    cached = distilled(unbroken.out, words, "run.name=cached")
    live = distilled(unbroken.out, words, "teacher.live=true", "run.name=live")
    assert "teacher outputs" not in live.err
    assert sha256(live.folder / "teacher.safetensors") == teacher
    assert sha256(stored(unbroken.out, "teacher")[0] / "network.safetensors") == teacher
    one, other = (load_network(folder / "student")[0].state_dict() for folder in (live.folder, cached.folder))
    # The cache keeps float16, so the two differ, but by no more than rounding.
    assert any(not torch.equal(one[name], other[name]) for name in one)
    for name, weight in one.items():
        torch.testing.assert_close(weight.float(), other[name].float(), atol=5e-3, rtol=0)


def test_the_teacher_of_another_run_is_loaded_and_not_trained(unbroken: Unbroken) -> None:
    done = distilled(unbroken.out, unbroken.words, f"teacher.checkpoint={unbroken.folder}", "run.name=loaded")
    assert f"teacher  loaded from {unbroken.folder / 'teacher'}, trained on simulated corpus (tiny" in done.err
    assert "teacher, glosses" not in done.err
    assert sha256(done.folder / "student.safetensors") == sha256(unbroken.folder / "student.safetensors")
    assert read_json(done.folder / "result.json")["seconds"]["teacher"] == 0


@pytest.mark.parametrize("pair", ["stsg_to_st_gcn", "2dcnn_1dcnn_to_stgt", "2dcnn_1dcnn_to_st_gcn"])
def test_every_pair_of_networks_can_be_distilled(unbroken: Unbroken, simulated_root: Path, pair: str) -> None:
    words = tiny_words(simulated_root, teacher=2 if pair.startswith("stsg") else 1, student=1)
    done = distilled(unbroken.out, words, config=ROOT / "configs" / f"{pair}.yaml")
    assert done.folder == unbroken.out / pair
    result = read_json(done.folder / "result.json")
    teacher, student = pair.split("_to_")
    assert result["teacher"]["name"] == {"stsg": "STSGNet", "2dcnn_1dcnn": "CNN2DCNN1D"}[teacher]
    assert result["student"]["name"] == {"stgt": "STGT", "st_gcn": "STGCN"}[student]


def test_a_skeleton_network_can_teach_and_no_frame_is_read(simulated_root: Path, tmp_path: Path) -> None:
    words = [word for word in tiny_words(simulated_root, student=1) if "warm-start" not in word]
    frames = mock.Mock(side_effect=AssertionError("a frame was read"))
    with mock.patch.object(Phoenix2014, "rgb", frames):
        done = distilled(tmp_path, words, config=ROOT / "configs" / "control_skeleton_teacher.yaml")
    result = read_json(done.folder / "result.json")
    assert result["teacher"]["name"] == result["student"]["name"] == "STGT"
    # Of the same shape as the student, but of another seed: not the student alone over again.
    assert sha256(done.folder / "teacher.safetensors") != sha256(done.folder / "baseline.safetensors")


def test_a_simulated_corpus_read_as_phoenix_gives_the_same_samples(simulated_root: Path) -> None:
    made = load_config(MAIN_CONFIG, [f"data.root={simulated_root}", "data.corpus.profile=tiny"], schema=DistillConfig)
    phoenix = load_config(
        MAIN_CONFIG, ["data=phoenix2014", f"data.root={simulated_root / 'tiny-seed0'}"], schema=DistillConfig
    )
    corpora = [open_corpus(config.data) for config in (made, phoenix)]
    assert corpora[0].name == corpora[1].name == "simulated corpus (tiny, seed 0), keypoints very-high"
    for split, training in (("train", True), ("dev", False)):
        datasets = [
            make_dataset(corpus, split, corpus.vocabulary(), made.data, streams=("rgb", "pose"), training=training)
            for corpus in corpora
        ]
        assert len(datasets[0]) == len(datasets[1]) > 0
        for one, other in zip(*datasets, strict=True):
            assert one.id == other.id
            for name in ("glosses", "frames", "rgb", "pose"):
                assert torch.equal(getattr(one, name), getattr(other, name)), (one.id, name)
