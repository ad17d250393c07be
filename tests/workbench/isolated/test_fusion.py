from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slr.scoring import STREAMS, accuracy, fuse, search_weights, softmax
from tests.workbench.running import here
from workbench.isolated.scores import ClipScores

CLASSES = ("book", "drink", "go")


def made_up(stream: str, split: str, clips: int = 40, signal: float = 1.0, **changes: Any) -> ClipScores:
    chances = np.random.default_rng([len(stream), len(split), clips])
    labels = np.random.default_rng(len(split)).integers(0, 3, clips)
    scores = chances.normal(0, 1, (clips, 3)).astype(np.float32)
    scores[np.arange(clips), labels] += signal
    about = {"corpus": "made up", "split": split, "stream": stream, "network": "N", "weights_sha256": stream}
    made = ClipScores(tuple(f"{split}-{n}" for n in range(clips)), scores, labels, CLASSES, "logits", about)
    return replace(made, **changes)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for split in ("dev", "test"):
        for stream in STREAMS:
            path = tmp_path / f"{stream}.{split}"
            made_up(stream, split).write(path)
            found.setdefault(split, []).append(path)
    return found


def scores_of(paths: list[Path]) -> list[np.ndarray]:
    return [ClipScores.read(path).scores for path in paths]


def test_streams_are_fused_alike_unless_weights_are_given(files: dict[str, list[Path]], tmp_path: Path) -> None:
    done = here("fuse", *files["test"][:2], "--out", tmp_path / "fused" / "scores.two.json")
    assert done.code == 0, done.err
    assert done.folder == tmp_path / "fused" / "scores.two.safetensors"
    fused = ClipScores.read(done.folder)
    np.testing.assert_allclose(fused.scores, fuse(scores_of(files["test"][:2]), [1, 1]), rtol=1e-6)
    assert fused.about["weights_from"] == "equal"
    assert fused.about["stream"] == "fused"
    assert [source["stream"] for source in fused.about["streams"]] == ["joint", "bone"]
    assert (tmp_path / "fused" / "confusion.two.csv").is_file()
    weighed = here("fuse", *files["test"][:2], "--weights", "3", "0.5", "--out", tmp_path / "w")
    np.testing.assert_allclose(
        ClipScores.read(weighed.folder).scores, fuse(scores_of(files["test"][:2]), [3, 0.5]), rtol=1e-6
    )
    assert "weights joint 3, bone 0.5: given" in weighed.out


def test_the_table_shows_every_stream_and_the_fusion(files: dict[str, list[Path]]) -> None:
    done = here("fuse", *files["test"])
    report = accuracy(fuse(scores_of(files["test"]), [1] * 4), ClipScores.read(files["test"][0]).labels)
    assert f"{100 * report.per_instance():.1f}" in done.out
    assert all(stream in done.out for stream in STREAMS)
    assert "the fusion cannot be told apart from its best stream" in done.out


def test_a_preset_brings_weights_and_what_they_weigh(files: dict[str, list[Path]], tmp_path: Path) -> None:
    done = here("fuse", *files["test"], "--preset", "pyskl-4", "--out", tmp_path / "fused")
    assert done.code == 0, done.err
    fused = ClipScores.read(done.folder)
    assert fused.kind == "probabilities"
    wanted = fuse([softmax(scores) for scores in scores_of(files["test"])], [2, 2, 1, 1])
    np.testing.assert_allclose(fused.scores, wanted, rtol=1e-5)
    assert "pyskl (Duan et al." in done.out


def test_weights_are_found_on_what_was_held_out(files: dict[str, list[Path]], tmp_path: Path) -> None:
    done = here("fuse", *files["test"], "--search", *files["dev"], "--out", tmp_path / "fused")
    assert done.code == 0, done.err
    found = search_weights(scores_of(files["dev"]), ClipScores.read(files["dev"][0]).labels)
    fused = ClipScores.read(done.folder)
    assert [source["weight"] for source in fused.about["streams"]] == list(found.weights)
    assert fused.about["searched"]["hits"] == found.hits
    np.testing.assert_allclose(fused.scores, fuse(scores_of(files["test"]), found.weights), rtol=1e-5)
    assert f"found on dev, where {found.hits} of 40 clips are hit" in done.out


def test_what_is_searched_unfairly_is_refused(files: dict[str, list[Path]], tmp_path: Path) -> None:
    def searched(*paths: Path, on: list[Path] = files["test"][:2]) -> str:
        return here("fuse", *on, "--search", *paths).sentence

    test, dev = files["test"][:2], files["dev"][:2]
    assert f"{test[0]} is about test, and weights that are found there" in searched(*test)
    assert "weights would be searched on clips that the result is about, such as 'dev-0' (40 of them)" in searched(
        *dev, on=dev
    )
    assert f"{dev[1]} is what another network says than that of {test[0]}" in searched(dev[1], dev[0])
    for split, says in ((None, "does not say which part"), ("train", "clips that its network was trained on")):
        paths = [tmp_path / f"{stream}.odd" for stream in ("joint", "bone")]
        for stream, path in zip(("joint", "bone"), paths, strict=True):
            made = made_up(stream, "dev")
            replace(made, about={**made.about, "split": split}).write(path)
        assert says in searched(*paths)
    assert "--search wants one for each of 2 streams, and there are 1" in searched(dev[0])


def test_what_cannot_be_fused_is_told_in_a_sentence(files: dict[str, list[Path]], tmp_path: Path) -> None:
    joint, bone, motion, _ = files["test"]

    def odd(**changes: Any) -> Path:
        made_up("bone", "test", **changes).write(tmp_path / "odd")
        return tmp_path / "odd"

    def says(*words: str | Path) -> str:
        return here("fuse", *words).sentence

    broken = made_up("bone", "test").scores.copy()
    broken[3, 1] = np.nan
    assert "odd says what is no finite number of the clip 'test-3' (and of 0 more)" in says(joint, odd(scores=broken))
    broken[3, 1] = np.inf
    assert "no finite number" in says(joint, odd(scores=broken))
    assert "odd is about 3 classes, and the first about 3" in says(joint, odd(classes=("book", "drink", "come")))
    assert "odd is about other clips than the first: it lacks 'test-39' (1 missing, 0 more)" in says(
        joint, odd(clips=39)
    )
    assert "odd has another label for the clip 'test-0'" in says(joint, odd(labels=np.zeros(40, dtype=np.int64)))
    assert "is about other clips than the first" in says(joint, files["dev"][1])
    about = {**made_up("bone", "test").about, "corpus": "another"}
    assert "odd is about the corpus 'another', and the first about 'made up'" in says(joint, odd(about=about))
    likely = odd(kind="probabilities")
    assert "odd holds probabilities, from which logits cannot be had" in says(joint, likely, "--on", "logits")
    assert "odd holds probabilities" in says(joint, likely, "--preset", "ms-g3d")
    assert "is given twice" in says(joint, joint)
    assert "two streams at least" in says(joint)
    assert "--weights wants one for each of 2 streams, and there are 1" in says(joint, bone, "--weights", "1")
    assert "none may be negative" in says(joint, bone, "--weights", "-1", "2")
    assert "--weights and --preset name two" in says(joint, bone, "--weights", "1", "2", "--preset", "ms-g3d")
    assert "no published weights called 'ms-g3'; did you mean ms-g3d?" in says(joint, bone, "--preset", "ms-g3")
    assert "weighs 4 streams (joint, bone, joint-motion, bone-motion), not 2" in says(joint, bone, "--preset", "sl-gcn")
    assert "in the place of bone, is of the stream joint-motion" in says(joint, motion, "--preset", "ms-g3d")
    assert "--on says probabilities: leave --on out" in says(joint, bone, "--preset", "ms-g3d", "--on", "probabilities")
    assert "does not exist" in says(joint, tmp_path / "nowhere")
    (tmp_path / "odd.json").write_text(json.dumps({"format": "other"}))
    assert "holds no scores of ours" in says(joint, tmp_path / "odd")
