from __future__ import annotations

from pathlib import Path

import pytest

from slr.ctc.ngrams import arpa
from slr.synthesis import simulated_corpus
from tests.workbench.running import here, snapshot


def test_the_simulated_corpus_is_made_and_a_level_added_to_it(simulated_root: Path, tmp_path: Path) -> None:
    made = here("prepare", "synthetic", "--profile", "tiny", "--out", tmp_path, "--workers", "1", "--level", "low")
    assert made.code == 0, made.err
    assert made.folder == tmp_path / "tiny-seed0"
    assert "simulated corpus (tiny, seed 0), keypoints low" in made.err
    before = snapshot(made.folder)
    other = here("prepare", "synthetic", "--profile", "tiny", "--out", tmp_path, "--workers", "1")
    assert other.folder == made.folder
    after = snapshot(made.folder)
    assert {name: content for name, content in after.items() if name in before} == before
    assert {Path(name).parts[1] for name in after if name.startswith("keypoints")} == {"low", "very-high"}
    # Byte for byte what a run makes by itself.
    frames = lambda path: path.suffix == ".png"  # noqa: E731
    ours, theirs = (snapshot(root / "tiny-seed0", frames) for root in (tmp_path, simulated_root))
    assert {name: content for name, (content, _) in ours.items()} == {
        name: content for name, (content, _) in theirs.items()
    }
    assert simulated_corpus(tmp_path, profile="tiny", level="low").name.endswith("keypoints low")


def test_a_source_that_is_missing_is_named(tmp_path: Path) -> None:
    done = here("prepare", "stitch", tmp_path / "none.npz", "--out", tmp_path)
    assert done.sentence.startswith(f"{tmp_path / 'none.npz'} does not exist: this needs the WLASL-50 keypoint file")


def test_a_language_model_is_made_of_transcripts(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a|REGEN MORGEN\nb|MORGEN\n", encoding="utf-8")
    done = here("prepare", "language-model", tmp_path / "train.csv", "--order", "2", "--out", tmp_path / "two.arpa")
    assert (done.code, done.folder) == (0, tmp_path / "two.arpa")
    assert (tmp_path / "two.arpa").read_text(encoding="utf-8") == arpa([("REGEN", "MORGEN"), ("MORGEN",)], 2)
    assert here("prepare", "language-model", tmp_path / "none.csv").sentence.startswith(f"{tmp_path / 'none.csv'}: No ")
    done = here("prepare", "language-model", tmp_path / "train.csv", "data.root=x")
    assert done.sentence.startswith("data.root=x is a setting of a corpus")


def test_a_language_model_is_made_of_the_training_sentences_of_a_corpus(simulated_root: Path, tmp_path: Path) -> None:
    words = [f"data.root={simulated_root}", "data.corpus.profile=tiny", "data.corpus.level=very-high"]
    done = here("prepare", "language-model", "synthetic", *words, "--out", tmp_path / "three.arpa")
    assert (done.code, done.folder) == (0, tmp_path / "three.arpa")
    corpus = simulated_corpus(simulated_root, profile="tiny", level="very-high")
    expected = arpa([clip.glosses for clip in corpus.clips("train")], 3)
    assert (tmp_path / "three.arpa").read_text(encoding="utf-8") == expected
    assert "is neither a YAML file nor a corpus" in here("prepare", "language-model", "synthetik").sentence


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["other"], "invalid choice: 'other'"),
        (["synthetic", "--profile", "huge"], "invalid choice: 'huge'"),
        (["synthetic", "--level", "awful"], "invalid choice: 'awful'"),
        (["synthetic", "--profile", "tiny", "--sentence-lists", "/nowhere"], "/nowhere"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, words: list[str], says: str) -> None:
    done = here("prepare", *words, *(["--out", str(tmp_path)] if words[0] == "synthetic" else []))
    assert done.code == 2
    assert says in done.err
    assert not list(tmp_path.rglob("*.png"))
