from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from slr.ctc.ngrams import arpa
from slr.scoring import read_transcripts, score
from slr.synthesis import SimulatedSpec, simulated_corpus, write_corpus
from tests.workbench.running import here, read_json, student_config, tiny_words
from workbench.evaluate import Question, evaluate
from workbench.prepare import language_model
from workbench.progress import NoProgress

GLOSSES = {"dev": 15, "test": 22}


@pytest.fixture(scope="module")
def run(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a skeleton network that has learned to write something."""
    folder = tmp_path_factory.mktemp("evaluate")
    config = student_config(folder, tiny_words(simulated_root, student=12))
    done = here("train", config, "--out", folder / "runs")
    assert done.code == 0, done.err
    return done.folder


def ask(run: Path, *words: str, **question: Any) -> tuple[Path, str]:
    out = io.StringIO()
    path = evaluate(run, Question(**question), list(words), NoProgress(), Console(file=out, width=120))
    return path, out.getvalue()


@pytest.mark.parametrize("split", ["dev", "test"])
def test_the_same_question_finds_what_the_run_found(run: Path, split: str) -> None:
    path, text = ask(run, split=split)
    assert path == run / f"hypotheses.main.{split}.beam-10.ctm"
    assert path.read_bytes() == (run / f"hypotheses.{split}.ctm").read_bytes()
    found = read_json(run / "result.json")["network"][split]
    assert found["ref"] == GLOSSES[split]
    assert f"{100 * found['wer']:.2f}%" in text
    assert f"STGT on {split} of simulated corpus (tiny, seed 0), keypoints very-high, decoder beam-10" in text
    assert sum(len(transcript.glosses) for transcript in read_transcripts(path).values()) > 0


def test_another_decoder_and_another_protocol(run: Path, simulated_root: Path) -> None:
    path, text = ask(run, split="dev", decoder="greedy", protocol="phoenix2014")
    assert path == run / "hypotheses.main.dev.greedy.ctm"
    references = {clip.id: clip.glosses for clip in simulated_corpus(simulated_root, profile="tiny").clips("dev")}
    hypotheses = {clip: transcript.glosses for clip, transcript in read_transcripts(path).items()}
    assert f"{100 * score(references, hypotheses, 'phoenix2014').wer:.2f}%" in text
    assert ask(run, split="dev", beam_width=3)[0].name == "hypotheses.main.dev.beam-3.ctm"


def test_a_language_model_is_a_setting_of_the_run(run: Path, simulated_root: Path, tmp_path: Path) -> None:
    pytest.importorskip("kenlm", reason="the extra kenlm is not installed")
    transcripts = simulated_root / "tiny-seed0/annotations/manual/train.corpus.csv"
    model = language_model(transcripts, 2, tmp_path / "pairs.arpa")
    words = (f"evaluate.language_model={model}", "evaluate.insertion_bonus=0.5")
    path, text = ask(run, *words, split="dev")
    assert path.name == "hypotheses.main.dev.beam-10-pairs-0.5-bonus+0.5.ctm"
    assert "decoder beam-10-pairs-0.5-bonus+0.5" in text
    other = tmp_path / "other.arpa"
    other.write_text(arpa([("SONNE", "REGEN")], 2), encoding="utf-8")
    with pytest.raises(ValueError, match="another vocabulary"):
        ask(run, f"evaluate.language_model={other}", split="dev")
    with pytest.raises(ValueError, match="need our own beam search, not greedy"):
        ask(run, *words, split="dev", decoder="greedy")


def test_the_corpus_may_have_moved(run: Path, simulated_root: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(simulated_root, tmp_path / "moved")
    path, _ = ask(run, f"data.root={moved}", split="dev")
    assert path.read_bytes() == (run / "hypotheses.dev.ctm").read_bytes()


def test_nothing_of_the_run_is_changed(run: Path) -> None:
    kept = ("result.json", "config.yaml", "hypotheses.dev.ctm", "network.safetensors", "metrics.jsonl")
    before = {name: (run / name).read_bytes() for name in kept}
    ask(run, split="dev", decoder="greedy")
    assert {name: (run / name).read_bytes() for name in kept} == before


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is no run folder: it has no config\.yaml"):
        ask(tmp_path)


def test_a_network_that_the_run_does_not_have_is_refused(run: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no checkpoint at .*alone: .* a run folder that holds teacher\."):
        ask(run, role="teacher")


def test_another_vocabulary_is_refused(run: Path, tmp_path: Path) -> None:
    spec = SimulatedSpec(profile="tiny", seed=3)
    write_corpus(tmp_path / "other" / spec.folder, spec, "high", workers=1)
    with pytest.raises(
        ValueError,
        match=r"was trained on 8 glosses and the corpus now has 7, 'FENI' among those it lacks: evaluate on the corpus",
    ):
        ask(run, f"data.root={tmp_path / 'other'}", "data.corpus.seed=3")


def test_a_beam_without_width_is_refused(run: Path) -> None:
    with pytest.raises(ValueError, match="width"):
        ask(run, beam_width=0)
