"""A finished run is done again when something behind its figures was changed, be it code or a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workbench.isolated.test_distill import config as chain_config
from tests.workbench.isolated.waving import waving_config, waving_store
from tests.workbench.running import MAIN_CONFIG, Done, edited, here, student_config, tiny_words
from workbench.prepare import language_model
from workbench.progress import NoProgress

NOTHING = "nothing is left to do"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return waving_store(tmp_path_factory.mktemp("waving"))


def done(script: str, *arguments: str | Path) -> Done:
    found = here(script, *arguments)
    assert found.code == 0, found.err
    return found


@pytest.mark.slow
def test_classes(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("train", waving_config(tmp_path, store), "stages.0.epochs=1", "--out", tmp_path / "runs")
    done(*command)
    assert NOTHING in done(*command).err
    for module in ("kd.losses.cross_entropy", "slr.data.isolated.dataset", "kd.objective"):
        with monkeypatch.context() as patch:
            edited(patch, module)
            again = done(*command).err
            assert "epoch 1/1" in again
            assert NOTHING not in again
            assert NOTHING in done(*command).err


@pytest.mark.slow
def test_distilled_classes(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["teacher.stages.0.epochs=1", "assistants=[]", "student.stages.0.epochs=1"]
    command = ("distill", chain_config(tmp_path, store), *words, "--out", tmp_path / "runs")
    done(*command)
    assert NOTHING in done(*command).err
    edited(monkeypatch, "kd.losses.class_dkd")
    again = done(*command).err
    assert "student alone  reused from" in again
    assert "student distilled  epoch 1/1" in again
    assert NOTHING not in again


@pytest.mark.slow
def test_sentences(simulated_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kenlm", reason="the extra kenlm is not installed")
    transcripts = str(simulated_root / "tiny-seed0/annotations/manual/train.corpus.csv")
    models = [language_model(transcripts, (), order, tmp_path / f"{order}.arpa", NoProgress()) for order in (3, 2)]
    model = shutil.copy(models[0], tmp_path / "glosses.arpa")
    words = tiny_words(simulated_root, f"evaluate.language_model={model}", student=1)
    command = ("train", student_config(tmp_path, words), "--out", tmp_path / "runs")
    done(*command)
    assert NOTHING in done(*command).err
    shutil.copy(models[1], model)
    again = done(*command).err
    assert "network  reused from" in again
    assert NOTHING not in again
    edited(monkeypatch, "slr.data.transforms.pose_pipeline")
    assert "network  epoch 1/1" in done(*command).err


@pytest.mark.slow
def test_distilled_sentences(simulated_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tiny_words(simulated_root, teacher=1, student=1)
    command = ("distill", MAIN_CONFIG, *words, "--out", tmp_path / "runs")
    first = done(*command)
    assert NOTHING in done(*command).err
    loaded = (*command, "run.name=loaded", f"teacher.checkpoint={first.folder}")
    done(*loaded)
    edited(monkeypatch, "teachers.stsg_net")
    again = done(*loaded).err
    assert "student alone  reused from" in again
    assert "student distilled  epoch 1/1" in again
