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
    done = here("evaluate", run, "--segments", tmp_path / "out", "--eaf", "--write-labels", tmp_path / "labels.json")
    assert done.code == 0, done.err
    assert len(list((tmp_path / "out" / "eaf").glob("*.eaf"))) == 6
    done = here("evaluate", run, "--labels", tmp_path / "labels.json", "--against", f"{run}:network")
    assert done.code == 0, done.err
    assert "pseudo-label accuracy: all " in done.out
    for words, says in (
        (["--network", "teacher"], f"{run} holds no network 'teacher': it holds network"),
        (["--against", f"{tmp_path / 'none'}:network"], f"{tmp_path / 'none'} is no run folder: it has no config.yaml"),
        (["--against", tmp_path], f"{tmp_path} is no run folder: it has no config.yaml"),
        (["--labels", tmp_path / "none.json"], f"{tmp_path / 'none.json'} does not exist: name a file of"),
        (["--eaf"], "files for ELAN belong to a folder of segments"),
        (["--beam-width", "0"], ""),
        (["--split", "train"], f"{run} is a run on sentences, which are evaluated on dev or test"),
    ):
        assert here("evaluate", run, *words).sentence.startswith(says)


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    assert here("evaluate", tmp_path).sentence == f"{tmp_path} is no run folder: it has no config.yaml"


def test_there_is_no_other_split_to_evaluate(tmp_path: Path) -> None:
    done = here("evaluate", tmp_path, "--split", "all")
    assert done.code == 2
    assert "invalid choice: 'all'" in done.err


def test_an_unknown_decoder_is_told(tmp_path: Path) -> None:
    done = here("evaluate", tmp_path, "--decoder", "best")
    assert done.code == 2
    assert "argument --decoder: invalid choice: 'best'" in done.err
