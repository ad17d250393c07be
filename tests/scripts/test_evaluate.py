from __future__ import annotations

from pathlib import Path

from slr.scoring import read_transcripts
from tests.workbench.running import here, student_config, tiny_words


def test_a_run_is_evaluated_from_the_command_line(simulated_root: Path, tmp_path: Path) -> None:
    config = student_config(tmp_path, tiny_words(simulated_root, student=1))
    run = here("train", config, "--out", tmp_path / "runs").folder
    done = here("evaluate", run, "--split", "test", "--decoder", "greedy", "--protocol", "raw")
    assert done.code == 0, done.err
    assert "STGT on test of simulated corpus (tiny, seed 0), keypoints very-high, decoder greedy" in done.out
    assert done.folder == run / "hypotheses.main.test.greedy.ctm"
    assert len(read_transcripts(done.folder)) == 8


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    assert here("evaluate", tmp_path).sentence == f"{tmp_path} is no run folder: it has no config.yaml"


def test_there_is_no_third_split_to_evaluate(tmp_path: Path) -> None:
    done = here("evaluate", tmp_path, "--split", "train")
    assert done.code == 2
    assert "invalid choice: 'train'" in done.err
