"""The store of trained networks."""

from __future__ import annotations

import io
import json
import shutil
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from safetensors.torch import load_file

from slr.data import write_keypoints
from tests.workbench.running import edited, read_json, sha256, snapshot, stored, student_config, tiny_words
from workbench import training as training_module
from workbench.config import content_hash, load_config
from workbench.lock import lock_folder
from workbench.measure import copy_network
from workbench.progress import PlainProgress
from workbench.record import RunRecord
from workbench.schema import TrainConfig
from workbench.training import Training, is_being_trained, train_network
from workbench.workplace import Workplace


class Shop:
    """Trainings of the student alone on a corpus below ``root``, and what they said."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.folder = folder
        self.out = folder / "runs"
        self.said = ""

    def train(self, *words: str, label: str = "student alone", fresh: bool = False) -> Path:
        """The folder of the network in the store."""
        text = io.StringIO()
        path = student_config(self.folder, tiny_words(self.root, f"run.out={self.out}", student=1))
        config = load_config(path, words, schema=TrainConfig)
        place = Workplace.open(config.run, config.data, config.evaluate, PlainProgress(text))
        training = Training(label, config.network, config.stages, config.run.seed)
        self.place, self.training = place, training
        self.made = train_network(place, training, fresh=fresh)
        self.said = text.getvalue()
        return self.made.checkpoint.parent

    @property
    def busy(self) -> bool:
        return is_being_trained(self.place, self.training)

    @property
    def reused(self) -> bool:
        return "reused from" in self.said and "epoch" not in self.said


@pytest.fixture
def shop(simulated_root: Path, tmp_path: Path) -> Shop:
    return Shop(simulated_root, tmp_path)


def test_the_same_training_is_done_once(shop: Shop) -> None:
    first = shop.train()
    assert not shop.reused
    before = snapshot(first)
    assert shop.train() == first
    assert shop.reused
    assert snapshot(first) == before
    assert {path.name for path in first.iterdir()} == {
        ".lock", "finished.json", "metrics.jsonl", "network.json", "network.safetensors"
    }  # fmt: skip


@pytest.mark.parametrize(
    "word",
    [
        "run.seed=1", "stages.glosses.epochs=2", "stages.glosses.optimizer.lr=1e-3", "network.dropout=0.1",
        "data.streams.pose.normalise=frame", "data.plan.stride=1", "stages.glosses.losses.ctc_conv.weight=0.5",
        "data.max_padding=0.5", "evaluate.every_epochs=2",
    ],
)  # fmt: skip
def test_a_setting_that_decides_weights_makes_another_network(shop: Shop, word: str) -> None:
    assert _identity(shop, word) != _identity(shop)


@pytest.mark.parametrize(
    "word",
    [
        "run.name=other",
        "run.threads=2",
        "data.workers=1",
        "data.frame_cache_mb=5",
        "evaluate.decoder=greedy",
        "run.diagnostics=null",
        "run.diagnostics.every_epochs=1",
    ],
)
def test_a_setting_that_does_not_makes_the_same(shop: Shop, word: str) -> None:
    assert _identity(shop, word) == _identity(shop)


@pytest.mark.parametrize(
    "module",
    [
        "kd.objective", "kd.losses.ctc", "slr.data.phoenix2014", "slr.data.dataset", "slr.data.sampling",
        "slr.data.batching", "slr.data.transforms.pose_pipeline", "slr.data.transforms.normalise",
    ],
)  # fmt: skip
def test_edited_code_between_the_clips_and_the_loss_makes_another_network(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    before = _identity(shop)
    edited(monkeypatch, module)
    assert _identity(shop) != before


@pytest.mark.parametrize("module", ["kd.losses.dkd", "slr.data.csl_daily", "slr.scoring.wer", "students.st_gcn"])
def test_edited_code_that_it_does_not_need_leaves_it_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    before = _identity(shop)
    edited(monkeypatch, module)
    assert _identity(shop) == before


def _identity(shop: Shop, *words: str) -> str:
    path = student_config(shop.folder, tiny_words(shop.root, f"run.out={shop.out}", student=1))
    config = load_config(path, words, schema=TrainConfig)
    place = Workplace.open(config.run, config.data, config.evaluate, PlainProgress(io.StringIO()))
    return training_module._identity(place, Training("x", config.network, config.stages, config.run.seed))


def test_changed_keypoints_make_another_network_and_a_moved_corpus_does_not(shop: Shop, tmp_path: Path) -> None:
    before = _identity(shop)
    shop.root = Path(shutil.copytree(shop.root, tmp_path / "moved"))
    assert _identity(shop) == before
    path = shop.root / "tiny-seed0" / "keypoints" / "very-high" / "train.safetensors"
    tensors = load_file(path)
    clip = min(tensors)
    tensors[clip][0, 5, 0] += 1
    write_keypoints(path, tensors, layout="coco-wholebody-133", size=(84, 104))
    assert _identity(shop) != before


def test_changed_frames_are_no_matter_of_a_network_that_reads_keypoints(shop: Shop, tmp_path: Path) -> None:
    before = _identity(shop)
    shop.root = Path(shutil.copytree(shop.root, tmp_path / "changed"))
    frame = next((shop.root / "tiny-seed0" / "features").rglob("*.png"))
    frame.write_bytes(frame.read_bytes() + b"\0")
    assert _identity(shop) == before


def test_fresh_trains_again_under_the_same_lock(shop: Shop) -> None:
    folder = shop.train()
    weights, finished = sha256(folder / "network.safetensors"), (folder / "finished.json").stat().st_mtime_ns
    lock = (folder / ".lock").stat().st_ino
    assert shop.train(fresh=True) == folder
    assert not shop.reused
    assert sha256(folder / "network.safetensors") == weights
    assert (folder / "finished.json").stat().st_mtime_ns > finished
    # Another file of that name would let a second process in.
    assert (folder / ".lock").stat().st_ino == lock


def edit_card(path: Path, **changes: Any) -> None:
    """Make a card that describes something else."""
    content = {**read_json(path), **changes}
    del content["card_sha256"]
    path.write_text(json.dumps({**content, "card_sha256": content_hash(content)}))


def _copied(shop: Shop, tmp_path: Path) -> dict[str, Any]:
    """The card that lies in a run folder after copying the network that was made last."""
    config = load_config(student_config(shop.folder, tiny_words(shop.root)), schema=TrainConfig)
    with RunRecord(tmp_path / "run", config) as record:
        copy_network(shop.made, "student", record)
    return read_json(tmp_path / "run" / "student.json")


def test_a_network_can_be_copied_while_it_is_trained_anew(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.train()
    honest = training_module._train

    def train(*arguments: Any) -> None:
        honest(*arguments)
        assert _copied(shop, tmp_path)["weights_sha256"] == shop.made.card.weights_sha256

    monkeypatch.setattr(training_module, "_train", train)
    folder = shop.train(fresh=True)
    assert not shop.reused
    assert not (folder / "anew").exists()


def test_other_weights_are_not_put_beside_what_the_first_ones_read(shop: Shop, tmp_path: Path) -> None:
    folder = shop.train()
    edit_card(folder / "network.json", weights_sha256="0" * 64)
    with pytest.raises(ValueError, match=r"was trained anew by another run while this one measured it: start"):
        _copied(shop, tmp_path)


def test_a_training_anew_that_was_cut_off_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shop.train()
    finished = (folder / "finished.json").stat().st_mtime_ns
    with monkeypatch.context() as patch:
        patch.setattr(training_module, "_train", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shop.train(fresh=True)
    assert (folder / "finished.json").stat().st_mtime_ns == finished
    shop.train()
    assert not shop.reused
    assert (folder / "finished.json").stat().st_mtime_ns > finished


def test_a_network_whose_place_was_being_taken_when_its_run_was_killed_is_whole(shop: Shop) -> None:
    folder = shop.train()
    before = {path.name: sha256(path) for path in folder.iterdir()}
    (folder / "anew").mkdir()
    for name in ("network.safetensors", "metrics.jsonl", "finished.json"):
        (folder / name).rename(folder / "anew" / name)
    assert shop.train() == folder
    assert shop.reused
    assert {path.name: sha256(path) for path in folder.iterdir()} == before


def test_what_a_killed_process_left_half_written_is_swept_up(shop: Shop) -> None:
    folder = shop.train()
    (folder / ".network.safetensors.abc.part").write_bytes(b"half")
    shop.train()
    assert shop.reused
    assert not list(folder.glob(".*.part"))


def test_runs_that_need_the_same_network_wait_for_each_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_module, "_POLL_SECONDS", 0.01)
    folder = shop.train()
    assert not shop.busy
    holder = lock_folder(folder)
    assert shop.busy
    found: list[Any] = []
    other = Shop(shop.root, shop.folder)
    waiting = threading.Thread(target=lambda: found.append(other.train()))
    waiting.start()
    waiting.join(timeout=1.0)
    assert waiting.is_alive()
    holder.close()
    waiting.join(timeout=60)
    assert found == [folder]
    assert f"student alone  is being trained by another process: waiting for {folder}\n" in other.said
    assert "reused from" in other.said


def test_the_store_is_shared_by_the_runs_of_a_folder(shop: Shop) -> None:
    shop.train("run.name=one")
    shop.train("run.name=two")
    assert shop.reused
    assert len(stored(shop.out, "student-alone")) == 1
