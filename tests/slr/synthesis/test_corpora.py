"""Made corpora as a configuration names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from slr.data.corpus import Corpus
from slr.data.phoenix2014 import Phoenix2014
from slr.synthesis import SimulatedSpec, simulated_corpus, stitched_corpus
from slr.synthesis import folder as module
from slr.synthesis.stitch import StitchSpec


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where corpora of this module are made; each once."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def simulated(root: Path) -> Phoenix2014:
    return simulated_corpus(root, profile="mini", level="high")


def test_a_simulated_corpus_is_read_like_phoenix_sample_for_sample(simulated: Phoenix2014, mini_folder: Path) -> None:
    read = Phoenix2014(mini_folder, keypoints="keypoints/high")
    for split in ("train", "dev", "test"):
        assert simulated.clips(split) == read.clips(split)
        for clip in read.clips(split):
            frames = torch.arange(read.num_frames(clip))
            assert len(frames) > 10
            assert torch.equal(simulated.rgb(clip, frames), read.rgb(clip, frames))
            assert torch.equal(simulated.pose(clip, frames), read.pose(clip, frames))
            assert simulated.pose(clip, frames).shape == (len(frames), 27, 3)
            assert simulated.rgb(clip, frames).shape == (len(frames), 3, 37, 30)
    assert simulated.vocabulary("union").glosses == tuple(sorted(SimulatedSpec("mini").open().lexicon.glosses))


def test_it_is_a_corpus_with_its_own_size_and_speed(simulated: Phoenix2014) -> None:
    corpus: Corpus = simulated
    assert corpus.fps == 25.0
    assert corpus.frame_size == (30, 37)
    assert corpus.excluded == ()


def test_the_name_says_simulated_and_the_level(simulated: Phoenix2014, root: Path) -> None:
    assert simulated.name == "simulated corpus (mini, seed 0), keypoints high"
    assert simulated_corpus(root, profile="mini", level="none").name.endswith("keypoints none")


def test_profiles_and_seeds_have_folders_of_their_own(simulated: Phoenix2014, root: Path) -> None:
    other = simulated_corpus(root, profile="mini", seed=1, level="none")
    assert (root / "mini-seed0" / "CORPUS.json").is_file()
    assert (root / "mini-seed1" / "CORPUS.json").is_file()
    assert other.vocabulary("union") != simulated.vocabulary("union")


def test_levels_share_frames_and_differ_in_keypoints(simulated: Phoenix2014, root: Path) -> None:
    clean = simulated_corpus(root, profile="mini", level="none")
    clip = clean.clips("train")[0]
    frames = torch.arange(clean.num_frames(clip))
    assert torch.equal(clean.rgb(clip, frames), simulated.rgb(clip, frames))
    assert not torch.equal(clean.pose(clip, frames), simulated.pose(clip, frames))


def test_opened_again_nothing_is_made(simulated: Phoenix2014, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "render", lambda *_: pytest.fail("rendered again"))
    monkeypatch.setattr(module, "write_keypoints", lambda *_: pytest.fail("estimated again"))
    assert simulated_corpus(root, profile="mini", level="high").clips("dev") == simulated.clips("dev")


def test_the_layout_can_be_chosen(simulated: Phoenix2014, root: Path) -> None:
    corpus = simulated_corpus(root, profile="mini", level="high", layout="coco-wholebody-133")
    clip = corpus.clips("dev")[0]
    assert corpus.pose(clip, torch.tensor([0])).shape == (1, 133, 3)


def test_unknown_profiles_and_levels_are_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="unknown profile 'huge'"):
        simulated_corpus(root, profile="huge")
    with pytest.raises(ValueError, match="unknown keypoint level 'good'"):
        simulated_corpus(root, profile="mini", level="good")


def test_progress_reaches_the_caller(tmp_path: Path) -> None:
    calls: list[str] = []
    simulated_corpus(tmp_path, profile="mini", seed=3, level="none", progress=lambda what, *_: calls.append(what))
    assert calls == ["frames"] * 6 + ["keypoints (none)"] * 6


def test_a_stitched_corpus_can_be_opened_again_and_says_what_it_is(
    recordings: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: dict[str, Any] = {"source": str(recordings), "sentences": [3, 1, 2], "length": [2, 3]}
    corpus = stitched_corpus(root, **sizes)
    assert corpus.name == "stitched WLASL-50 (real recorded keypoints, rendered frames, seed 0), keypoints none"
    assert [len(corpus.clips(split)) for split in ("train", "dev", "test")] == [3, 1, 2]
    assert corpus.vocabulary().glosses == ("BOOK", "DRINK", "GO")
    clip = corpus.clips("test")[1]
    frames = torch.arange(corpus.num_frames(clip))
    assert corpus.rgb(clip, frames).shape[0] == corpus.pose(clip, frames).shape[0] > 8
    monkeypatch.setattr(module, "render", lambda *_: pytest.fail("rendered again"))
    assert stitched_corpus(root, **sizes).clips("train") == corpus.clips("train")
    with pytest.raises(ValueError, match=r"another corpus .* which differs in sentences: choose another root"):
        stitched_corpus(root, source=str(recordings), sentences=[3, 2, 2], length=[2, 3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sentences": [3, 2]}, r"sentences are three counts of train, dev and test from 1 up, not \[3, 2\]"),
        ({"sentences": [3, 0, 2]}, r"sentences are three counts .* not \[3, 0, 2\]"),
        ({"length": [0, 2]}, r"length is the fewest and the most signs of a sentence, not \[0, 2\]"),
        ({"length": [3, 2]}, r"length is the fewest .* not \[3, 2\]"),
        ({"length": [3]}, r"length is the fewest .* not \[3\]"),
        ({"source": "nowhere.npz"}, r"nowhere\.npz does not exist: this needs the WLASL-50 keypoint file"),
        ({"level": "best"}, "unknown keypoint level 'best'"),
    ],
)
def test_impossible_stitched_corpora_are_refused_before_anything_is_written(
    recordings: Path, tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        stitched_corpus(tmp_path, **{"source": str(recordings), **arguments})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_specifications_can_be_compared_and_hashed() -> None:
    assert SimulatedSpec() == SimulatedSpec("small", 0) != SimulatedSpec("small", 1)
    assert len({SimulatedSpec(), SimulatedSpec("small", 0), SimulatedSpec("small", 1)}) == 2
    assert len({StitchSpec("a"), StitchSpec("a"), StitchSpec("b")}) == 2


def test_medium_is_small_with_more_sentences_to_train_on() -> None:
    small, medium = (SimulatedSpec(profile=profile).open() for profile in ("small", "medium"))
    assert medium.lexicon == small.lexicon
    for split, count in {"train": 320, "dev": 120, "test": 420}.items():
        ours, theirs = (corpus.sentences[split][:count] for corpus in (small, medium))
        assert [one.glosses for one in ours] == [one.glosses for one in theirs]
    assert len(medium.sentences["train"]) == 4 * len(small.sentences["train"])
    for split, index in (("train", 319), ("dev", 7), ("test", 419)):
        assert (small.keypoints(split, index, "high") == medium.keypoints(split, index, "high")).all()
