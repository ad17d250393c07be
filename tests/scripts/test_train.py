from __future__ import annotations

from pathlib import Path

import pytest

from slr.scoring import read_transcripts
from tests.workbench.running import ROOT, here, read_json, sha256, student_config, tiny_words
from workbench.checkpoint import load_network


def test_a_student_is_trained_without_frames_and_not_trained_twice(simulated_root: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.symlink_to(simulated_root / "tiny-seed0")
    words = ["data=phoenix2014", f"data.root={corpus}", "data.corpus.features=null", "data.workers=0"]
    words.append(
        f"data.corpus.keypoints={corpus / 'keypoints' / 'very-high'}"
    )  # other tests may have made other levels
    config = student_config(tmp_path, tiny_words(simulated_root))
    done = here("train", config, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    assert done.folder == tmp_path / "runs" / "alone"
    result = read_json(done.folder / "result.json")
    assert {"name", "config_hash", "seed", "protocol", "decoder", "network", "seconds"} <= set(result)
    assert result["protocol"] == "phoenix2014"
    assert result["network"]["test"]["ref"] == 22
    assert result["network"]["macs"] > 0
    assert set(read_transcripts(done.folder / "hypotheses.dev.ctm")) == {f"simulated_tiny_dev-000{n}" for n in range(6)}
    network, card = load_network(done.folder / "network")
    assert card.layout == "sign-27"
    assert card.corpus == "simulated corpus (tiny, seed 0), keypoints very-high"
    assert type(network).__name__ == result["network"]["name"] == "STGT"
    before = sha256(done.folder / "result.json")
    again = here("train", config, *words, "--out", tmp_path / "runs")
    assert "nothing is left to do" in again.err
    assert again.out == done.out
    assert sha256(done.folder / "result.json") == before


@pytest.mark.slow
def test_the_configuration_of_an_rgb_teacher_trains(simulated_root: Path, tmp_path: Path) -> None:
    words = ["stages.warm-start.epochs=1", "stages.glosses.epochs=1", "run.threads=1", "data.corpus.profile=tiny"]
    done = here("train", ROOT / "configs" / "train_stsg.yaml", *words, f"data.root={simulated_root}", "--out", tmp_path)
    assert done.code == 0, done.err
    assert read_json(done.folder / "result.json")["network"]["name"] == "STSGNet"
    assert (done.folder / "network.safetensors").is_file()
