"""A made corpus lies on disk as Phoenix does, is the same every time, and survives being cut off."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from slr.data.keypoints import KeypointStore
from slr.synthesis import folder as module
from slr.synthesis.corpus import SimulatedSpec
from slr.synthesis.folder import write_corpus
from slr.synthesis.profiles import PROFILES
from slr.synthesis.render import render
from tests.slr.synthesis.conftest import MINI, mini

SPLITS = ("train", "dev", "test")


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): comparable(path) for path in sorted(root.rglob("*")) if path.is_file()}


def comparable(path: Path) -> bytes:
    """The bytes of a file; safetensors writes the entries of its metadata in any order, so they are sorted here."""
    data = path.read_bytes()
    if path.suffix != ".safetensors":
        return data
    end = 8 + int.from_bytes(data[:8], "little")
    return json.dumps(json.loads(data[8:end]), sort_keys=True).encode() + data[end:]


def clip_folder(root: Path, split: str, index: int) -> Path:
    return root / "features" / "fullFrame-210x260px" / split / f"simulated_mini_{split}-{index:04d}" / "1"


def remains(root: Path) -> list[Path]:
    """Everything below ``root`` that a broken-off write may have left."""
    return [path for path in root.rglob("*") if ".part" in path.name]


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines, delimiter="|", quoting=csv.QUOTE_NONE))


@pytest.fixture
def copy(mini_folder: Path, tmp_path: Path) -> Path:
    """A corpus that a test may damage."""
    return Path(shutil.copytree(mini_folder, tmp_path / "copy"))


def test_the_layout_is_that_of_phoenix(mini_folder: Path) -> None:
    clips = mini().open()
    expected = {"CORPUS.json", "lexicon.json"}
    for split in SPLITS:
        expected |= {
            f"annotations/manual/{split}.corpus.csv", f"annotations/automatic/{split}.segments.csv",
            f"keypoints/high/{split}.safetensors",
        }  # fmt: skip
        for index, sentence in enumerate(clips.sentences[split]):
            for frame in range(len(clips.motion(split, index)[0])):
                name = f"{sentence.id}.avi_pid0_fn{frame:06d}-0.png"
                expected.add(f"features/fullFrame-210x260px/{split}/{sentence.id}/1/{name}")
    assert set(contents(mini_folder)) == expected
    assert {split: len(clips.sentences[split]) for split in SPLITS} == MINI.sentences


def test_annotations_name_frames_signers_and_glosses(mini_folder: Path) -> None:
    clips = mini().open()
    for split in SPLITS:
        header, *rows = table(mini_folder / "annotations" / "manual" / f"{split}.corpus.csv")
        assert header == ["id", "folder", "signer", "annotation"]
        assert len(rows) == MINI.sentences[split]
        for index, (clip, pattern, signer, annotation) in enumerate(rows):
            assert clip == f"simulated_mini_{split}-{index:04d}"
            assert pattern == f"{clip}/1/*.png"
            assert signer in ("Signer01", "Signer02")
            assert annotation.split(" ") == list(clips.sentences[split][index].glosses)


def test_segments_tell_first_and_last_frame_of_every_gloss(mini_folder: Path) -> None:
    clips = mini().open()
    header, *rows = table(mini_folder / "annotations" / "automatic" / "train.segments.csv")
    assert header == ["id", "gloss", "first_frame", "last_frame"]
    expected = [
        [sentence.id, segment.gloss, str(segment.start), str(segment.end - 1)]
        for index, sentence in enumerate(clips.sentences["train"])
        for segment in clips.motion("train", index)[0].segments
    ]
    assert rows == expected
    assert all(0 <= int(first) <= int(last) for _, _, first, last in rows)


def test_every_clip_has_as_many_frames_as_keypoints(mini_folder: Path) -> None:
    for split in SPLITS:
        store = KeypointStore.open(mini_folder / "keypoints" / "high" / f"{split}.safetensors")
        assert store.size == (30, 37)
        for index in range(MINI.sentences[split]):
            frames = list(clip_folder(mini_folder, split, index).iterdir())
            assert store.read(f"simulated_mini_{split}-{index:04d}").shape == (len(frames), 133, 3)


def test_files_hold_what_the_clips_show(mini_folder: Path) -> None:
    clips = mini().open()
    frames = render(*clips.motion("test", 1))
    paths = sorted(clip_folder(mini_folder, "test", 1).iterdir())
    for path, frame in zip(paths, frames, strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), frame)
    store = KeypointStore.open(mini_folder / "keypoints" / "high" / "test.safetensors")
    stored = store.read("simulated_mini_test-0001").numpy()
    np.testing.assert_allclose(stored, clips.keypoints("test", 1, "high"), atol=0.02)  # float16


def test_the_card_says_that_it_is_simulated(mini_folder: Path) -> None:
    card = json.loads((mini_folder / "CORPUS.json").read_text(encoding="utf-8"))
    assert card["simulated"] is True
    assert card["name"] == "simulated corpus (mini, seed 0)"
    assert card["frame_size"] == [30, 37]
    assert card["fps"] == 25.0
    details = card["specification"].pop("details")
    assert details["frame_size"] == [30, 37]
    assert card["specification"] == {
        "format": 1, "kind": "SimulatedSpec", "profile": "mini", "seed": 0, "sentence_lists": None,
    }  # fmt: skip


def test_a_folder_made_when_the_profile_was_another_is_not_this_corpus(tmp_path: Path, monkeypatch) -> None:
    write_corpus(tmp_path, mini(), "low", workers=1)
    monkeypatch.setitem(PROFILES, "mini", replace(PROFILES["mini"], frame_size=(40, 50)))
    with pytest.raises(ValueError, match="holds another corpus"):
        write_corpus(tmp_path, mini(), "low", workers=1)


def test_the_lexicon_is_told(mini_folder: Path) -> None:
    lexicon = json.loads((mini_folder / "lexicon.json").read_text(encoding="utf-8"))
    assert len(lexicon["signs"]) == 6
    assert [parameter for _, _, parameter in lexicon["minimal_pairs"]] == ["handshape", "mouth"]
    assert all(sign["place"] for sign in lexicon["signs"].values())


def test_a_corpus_made_twice_is_the_same_to_the_byte(mini_folder: Path, tmp_path: Path) -> None:
    again = write_corpus(tmp_path / "again", mini(), "high", workers=1)
    assert contents(again) == contents(mini_folder)


def test_another_seed_makes_another_corpus(mini_folder: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "other", mini(1), "high", workers=1)
    assert contents(other)["lexicon.json"] != contents(mini_folder)["lexicon.json"]


@pytest.mark.parametrize("lost", ["frames", "annotations", "keypoints", "all but frames"])
def test_a_corpus_that_was_cut_off_is_completed(mini_folder: Path, copy: Path, lost: str) -> None:
    (copy / "CORPUS.json").unlink()
    if lost == "frames":
        shutil.rmtree(clip_folder(copy, "train", 1).parent)
        shutil.rmtree(clip_folder(copy, "test", 0))
    if lost in ("annotations", "all but frames"):
        shutil.rmtree(copy / "annotations")
        (copy / "lexicon.json").unlink()
    if lost in ("keypoints", "all but frames"):
        (copy / "keypoints" / "high" / "dev.safetensors").unlink()
    write_corpus(copy, mini(), "high", workers=1)
    assert contents(copy) == contents(mini_folder)


def test_what_is_complete_is_not_made_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    monkeypatch.setattr(module, "render", refuse)
    monkeypatch.setattr(module, "write_keypoints", refuse)
    monkeypatch.setattr(module, "write_text", refuse)
    assert write_corpus(copy, mini(), "high", workers=1) == copy
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()} == before


def test_another_level_adds_its_stores_alone(mini_folder: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "render", lambda *_: pytest.fail("rendered again"))
    write_corpus(copy, mini(), "mid", workers=1)
    before, after = contents(mini_folder), contents(copy)
    assert after.keys() - before.keys() == {f"keypoints/mid/{split}.safetensors" for split in SPLITS}
    assert all(after[name] == data for name, data in before.items())
    assert after["keypoints/mid/dev.safetensors"] != after["keypoints/high/dev.safetensors"]


def test_progress_is_told_for_frames_and_keypoints(copy: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    shutil.rmtree(copy / "features" / "fullFrame-210x260px" / "train")
    (copy / "CORPUS.json").unlink()
    write_corpus(copy, mini(), "low", workers=1, progress=lambda *call: calls.append(call))
    assert calls == [("frames", i, 3) for i in (1, 2, 3)] + [("keypoints (low)", i, 6) for i in range(1, 7)]


# --- refusals


def test_another_corpus_in_the_same_folder_is_refused(mini_folder: Path) -> None:
    before = contents(mini_folder)
    message = r"holds another corpus \(simulated corpus \(mini, seed 0\)\), which differs in seed: choose another root"
    with pytest.raises(ValueError, match=message):
        write_corpus(mini_folder, mini(1), "high", workers=1)
    assert contents(mini_folder) == before


def test_a_corpus_of_another_format_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORMAT", 2)
    with pytest.raises(ValueError, match="which differs in format: choose another root, or delete it"):
        write_corpus(copy, mini(), "high", workers=1)


def test_no_corpus_is_completed_on_top_of_the_beginning_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_write_annotations", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_corpus(tmp_path, mini(), "high", workers=1)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="holds the beginning of another corpus, which differs in seed"):
        write_corpus(tmp_path, mini(1), "high", workers=1)


def test_annotations_that_were_not_made_here_are_not_overwritten(tmp_path: Path) -> None:
    real = tmp_path / "annotations" / "manual" / "train.corpus.csv"
    real.parent.mkdir(parents=True)
    real.write_text("id|folder|signer|annotation\n", encoding="utf-8")
    with pytest.raises(ValueError, match="holds annotations of a corpus that was not made here: choose another root"):
        write_corpus(tmp_path, mini(), "high", workers=1)
    assert list(contents(tmp_path)) == ["annotations/manual/train.corpus.csv"]


@pytest.mark.parametrize(
    ("text", "message"), [('{"name": "mine"}', "was not written by the simulated corpus"), ("{", "is not JSON")]
)
def test_a_card_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "CORPUS.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        write_corpus(tmp_path, mini(), "high", workers=1)


def test_an_unknown_level_or_profile_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown keypoint level 'worst': there are none, low, mid, high"):
        write_corpus(tmp_path / "corpus", mini(), "worst", workers=1)
    assert not (tmp_path / "corpus").exists()
    with pytest.raises(ValueError, match="unknown profile 'huge': simulated corpora come as tiny, small, medium,"):
        SimulatedSpec("huge")


# --- accidents


def failing_after(successes: int, real: Callable[..., Any]) -> Callable[..., Any]:
    left = [successes]

    def maybe(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real(*arguments, **named)

    return maybe


@pytest.mark.parametrize("saved", [0, 3, 60])
def test_a_full_disk_leaves_no_half_clip(
    mini_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: int
) -> None:
    monkeypatch.setattr(Image.Image, "save", failing_after(saved, Image.Image.save))
    with pytest.raises(OSError, match="No space left"):
        write_corpus(tmp_path, mini(), "high", workers=1)
    monkeypatch.undo()
    assert remains(tmp_path) == []
    assert not (tmp_path / "CORPUS.json").exists()
    whole = contents(mini_folder)
    for folder in (tmp_path / "features").rglob("1"):
        name = folder.relative_to(tmp_path)
        assert len(list(folder.iterdir())) == len([path for path in whole if path.startswith(f"{name}/")])
    write_corpus(tmp_path, mini(), "high", workers=1)
    assert contents(tmp_path) == whole


def test_a_disk_that_fills_up_with_keypoints_keeps_the_frames(
    mini_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "write_keypoints", failing_after(1, module.write_keypoints))
    with pytest.raises(OSError, match="No space left"):
        write_corpus(tmp_path, mini(), "high", workers=1)
    monkeypatch.undo()
    assert remains(tmp_path) == []
    with monkeypatch.context() as patch:
        patch.setattr(module, "render", lambda *_: pytest.fail("rendered again"))
        write_corpus(tmp_path, mini(), "high", workers=1)
    assert contents(tmp_path) == contents(mini_folder)


def test_two_processes_may_make_one_corpus_at_the_same_time(
    mini_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.render

    def outrun(*arguments: Any) -> Any:
        """Another process puts all clips into place while this one draws its first."""
        if not clip_folder(tmp_path, "train", 0).exists():
            shutil.copytree(mini_folder / "features", tmp_path / "features", dirs_exist_ok=True)
        return real(*arguments)

    monkeypatch.setattr(module, "render", outrun)
    write_corpus(tmp_path, mini(), "high", workers=1)
    assert contents(tmp_path) == contents(mini_folder)


@pytest.mark.slow
def test_several_processes_make_the_bytes_that_one_makes(tmp_path: Path) -> None:
    spec = SimulatedSpec("tiny")
    one, many = (write_corpus(tmp_path / str(workers), spec, "mid", workers=workers) for workers in (1, 2))
    assert len(contents(one)) > 1000
    assert contents(one) == contents(many)
