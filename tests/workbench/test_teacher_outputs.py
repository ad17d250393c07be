"""A teacher known by its outputs alone teaches as the network does whose outputs they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
import torch

import workbench.measure
from slr.ctc import BeamDecoder
from slr.data import Phoenix2014
from slr.scoring import read_transcripts
from slr.types import Padded
from tests.workbench.dumps import FRAMES_PER_STEP, Dump, clips_of, network_dump
from tests.workbench.running import MAIN_CONFIG, Done, distilled, edited, here, read_json, sha256, snapshot, tiny_words
from workbench.checkpoint import load_network

pytestmark = pytest.mark.slow

TAPS = ("frame", "conv", "conv_logits")


@dataclass(frozen=True)
class Taught:
    """A distillation from a network, what that network said, and the store made of it."""

    root: Path
    out: Path
    words: list[str]
    done: Done
    dump: Dump
    store: Path


@pytest.fixture(autouse=True, scope="module")
def _without_figures() -> Iterator[None]:
    """Figures take a second per run and are tested elsewhere."""
    with mock.patch.object(workbench.measure, "draw_training"):
        yield


@pytest.fixture(scope="module")
def taught(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Taught:
    folder = tmp_path_factory.mktemp("taught")
    # Adam's first steps are as large as the rate however small a gradient is, so a rounding can turn one around.
    words = tiny_words(simulated_root, "student.stages.glosses.optimizer.lr=2e-3")
    done = distilled(folder / "runs", words)
    dump = network_dump(simulated_root, done.folder / "teacher", folder / "CorrNet", TAPS)
    imported = dump.imported("--fps", "12.5")
    assert imported.code == 0, imported.err
    assert "frames of 12.5 per second per step: logits 2, frame 1, conv 2, conv_logits 2" in imported.err
    return Taught(simulated_root, folder / "runs", words, done, dump, imported.folder)


@pytest.fixture(scope="module")
def foreign(taught: Taught) -> Done:
    return distilled(taught.out, taught.words, f"teacher.outputs={taught.store}", "run.name=foreign")


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Sum of all differences of two networks."""
    return sum(float((weight.float() - other[name].float()).abs().sum()) for name, weight in one.items())


def distilled_rows(folder: Path) -> list[dict[str, float]]:
    """The values of all losses of the distilled student, epoch by epoch."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row["terms"] for row in rows if row["network"] == "student"]


def spans_in_half_precision(dump: Dump, clip: str) -> list[tuple[float, float]]:
    """Begin and end in seconds of what a beam search reads in the scores of a dump, rounded as a store rounds them."""
    arrays = dump.read(clip)
    steps = int(arrays["logits_length"])
    scores = torch.from_numpy(arrays["logits"][:steps]).half().float()
    ours = torch.cat([scores[:, -1:], scores[:, :-1].flip(1)], dim=1)  # the blank first, the glosses in our order
    best = BeamDecoder(10).decode(Padded(ours[None], torch.tensor([steps])))[0].hypotheses[0]
    frames = next(dump.corpus.num_frames(one) for one in clips_of(dump.corpus) if one.id == clip)
    ends = [min((last + 1) * FRAMES_PER_STEP, frames) / 25 for last in best.ends]
    return [(first * FRAMES_PER_STEP / 25, end) for first, end in zip(best.starts, ends, strict=True)]


def test_it_teaches_what_the_network_teaches_within_half_precision(taught: Taught, foreign: Done) -> None:
    assert f"teacher  outputs of CorrNet, read from {taught.store}" in foreign.err
    assert "student alone  reused from" in foreign.err
    one, other, alone = (
        load_network(folder)[0].state_dict()
        for folder in (foreign.folder / "student", taught.done.folder / "student", foreign.folder / "baseline")
    )
    # The weights move as they do under the network itself, and not as they do without a teacher.
    assert distance(one, other) < 1e-3 * distance(one, alone)
    ours, theirs = (distilled_rows(folder) for folder in (foreign.folder, taught.done.folder))
    for mine, true in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(true, rel=1e-4)


def test_its_error_rate_is_that_of_the_outputs_and_it_is_called_foreign(taught: Taught, foreign: Done) -> None:
    ours, theirs = (read_json(folder / "result.json") for folder in (foreign.folder, taught.done.folder))
    for split in ("dev", "test"):
        assert ours["teacher"][split] == theirs["teacher"][split]
        assert ours["gap_closed"][f"{split}_gap"] == theirs["gap_closed"][f"{split}_gap"]
        mine, true = (
            read_transcripts(folder / f"hypotheses.teacher.{split}.ctm")
            for folder in (foreign.folder, taught.done.folder)
        )
        for clip, found in mine.items():
            assert found.glosses == true[clip].glosses
            # In float32 a teacher as unsure as this one may place a gloss elsewhere.
            spans = spans_in_half_precision(taught.dump, clip)
            for (begin, end), (first, behind) in zip(found.times, spans, strict=True):
                assert begin == pytest.approx(first)
                assert end == pytest.approx(behind, abs=0.041)  # whether a frame that was skipped belongs to a step
    assert (ours["teacher"]["name"], ours["teacher"]["foreign"]) == ("CorrNet", True)
    assert ours["teacher"]["params"] is None
    assert ours["teacher"]["outputs"]["folder"] == str(taught.store)
    assert ours["seconds"]["teacher"] == 0
    assert (
        "CorrNet is no network of this run: its outputs were imported, and its WER is that of these outputs."
        in " ".join(foreign.out.split())
    )
    row = next(line for line in foreign.out.splitlines() if line.startswith(" teacher "))
    assert row.split()[1] == "CorrNet"
    assert row.split()[-2:] == ["-", "-"], "neither parameters nor multiply-adds are known"
    for name in ("all", "non_blank", "dense"):
        assert ours["pseudo_label_accuracy"]["baseline"][name] == theirs["pseudo_label_accuracy"]["baseline"][name]


def test_no_weights_of_a_teacher_are_left_and_nothing_is_done_twice(taught: Taught, foreign: Done) -> None:
    assert not (foreign.folder / "teacher.safetensors").exists()
    before = sha256(foreign.folder / "student.safetensors"), read_json(foreign.folder / "result.json")
    again = distilled(taught.out, taught.words, f"teacher.outputs={taught.store}", "run.name=foreign")
    assert "nothing is left to do" in again.err
    assert again.out == foreign.out
    assert (sha256(foreign.folder / "student.safetensors"), read_json(foreign.folder / "result.json")) == before


def test_other_outputs_in_the_same_place_and_edited_code_are_another_teacher(
    taught: Taught, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = network_dump(taught.root, taught.done.folder / "teacher", tmp_path / "one", TAPS)
    store = first.imported("--fps", "12.5").folder
    words = [*taught.words, "student.stages.glosses.epochs=1", f"teacher.outputs={store}"]
    distilled(tmp_path / "runs", words)
    clip = "simulated_tiny_train-0000"
    first.change(clip, logits=first.read(clip)["logits"] * 2)
    (store / "outputs.json").unlink()
    assert first.imported("--fps", "12.5").code == 0
    again = distilled(tmp_path / "runs", words)
    assert "student alone  reused from" in again.err
    assert "student distilled  epoch 1/1" in again.err
    before = len(list((tmp_path / "runs" / "labels").iterdir()))
    edited(monkeypatch, "kd.foreign")
    assert "student distilled  epoch 1/1" in distilled(tmp_path / "runs", words).err
    assert len(list((tmp_path / "runs" / "labels").iterdir())) == before + 1


def test_no_frame_is_read_where_nothing_but_the_student_looks_at_clips(taught: Taught, tmp_path: Path) -> None:
    words = [*taught.words, f"teacher.outputs={taught.store}", "student.stages.glosses.epochs=1"]
    frames = mock.Mock(side_effect=AssertionError("a frame was read"))
    with mock.patch.object(Phoenix2014, "rgb", frames):
        distilled(tmp_path, words)


def test_a_random_start_and_a_random_speed_are_answered(taught: Taught, tmp_path: Path) -> None:
    words = [*taught.words, f"teacher.outputs={taught.store}", "student.stages.glosses.epochs=1"]
    done = distilled(tmp_path, words, "data.plan.random_start=true", "data.plan.speed=[0.8,1.2]")
    assert (done.folder / "student.safetensors").is_file()


def test_without_dev_and_test_nothing_is_invented(taught: Taught, tmp_path: Path) -> None:
    checkpoint = taught.done.folder / "teacher"
    store = (
        network_dump(taught.root, checkpoint, tmp_path / "few", TAPS, splits=["train"]).imported("--fps", "12.5").folder
    )
    done = distilled(taught.out, taught.words, f"teacher.outputs={store}", "run.name=unmeasured")
    result = read_json(done.folder / "result.json")
    assert result["teacher"] | {"outputs": None} == {
        "name": "few", "dev": None, "test": None, "params": None, "macs": None, "foreign": True, "outputs": None,
    }  # fmt: skip
    for split in ("dev", "test"):
        gap = result["gap_closed"]
        assert (gap[split], gap[f"{split}_gap"], gap[f"{split}_ci95"]) == (None, None, None)
        assert gap[f"{split}_gain"] == result["baseline"][split]["wer"] - result["student"][split]["wer"]
    assert result["pseudo_label_accuracy"]["all"] is None
    assert not (done.folder / "labels.dev.json").exists()
    assert not list(done.folder.glob("hypotheses.teacher.*"))
    said = " ".join(done.out.split())
    assert "none of dev and test were given, so its WER there was not measured." in said
    assert "The teacher was not measured on test, so there is no gap to speak of." in said
    row = next(line for line in done.out.splitlines() if line.startswith(" teacher "))
    assert row.split() == ["teacher", "few", "-", "-", "-", "-", "-", "-"]
    # With labels of another run the students are measured against these.
    labels = f"evaluate.labels={taught.done.folder / 'labels.dev.json'}"
    other = distilled(taught.out, taught.words, f"teacher.outputs={store}", labels, "run.name=unmeasured")
    assert read_json(other.folder / "result.json")["pseudo_label_accuracy"]["all"] is not None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["data.streams.flip=0.5"],
            "data.streams.flip: mirrors training clips, and teacher.outputs are those of plain clips: set it to 0, or "
            "take a teacher that can be asked",
        ),
        (
            ["distillation.losses.trkd.weight=1"],
            "distillation.losses.trkd: reads the tap 'context', which the teacher does not publish; known here: conv,",
        ),
        (["teacher.live=true"], "outputs are read and cannot be asked: leave live out"),
        (["teacher.checkpoint=x"], "a teacher comes from a checkpoint or from outputs: name one of them"),
    ],
)
def test_what_outputs_cannot_answer_is_refused_before_anything_is_touched(
    taught: Taught, foreign: Done, words: list[str], says: str
) -> None:
    before = snapshot(taught.out)
    store = f"teacher.outputs={taught.store}"
    done = here("distill", MAIN_CONFIG, *taught.words, store, *words, "--out", taught.out)
    assert done.code == 2
    assert says in done.err
    assert snapshot(taught.out) == before


def test_a_store_that_is_not_there_or_damaged_is_told_before_training(taught: Taught, tmp_path: Path) -> None:
    sentence = here(
        "distill", MAIN_CONFIG, *taught.words, f"teacher.outputs={tmp_path}", "--out", tmp_path / "x"
    ).sentence
    assert sentence.startswith(f"there are no teacher outputs at {tmp_path}: name a folder that scripts/prepare.py")
    store = (
        network_dump(taught.root, taught.done.folder / "teacher", tmp_path / "d", TAPS).imported("--fps", "12.5").folder
    )
    for shard in store.glob("*/shard-*"):
        shard.unlink()
    sentence = here("distill", MAIN_CONFIG, *taught.words, f"teacher.outputs={store}", "--out", tmp_path / "x").sentence
    assert sentence == f"the teacher outputs of 30 clips in {store} are damaged or gone: import them again"
    assert not (tmp_path / "x").exists()
