from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slr.data.isolated import WLASL, IsolatedStore, StoredCorpus, read_classes, write_store

TOLD = {
    "05237": {"subset": "train", "action": [1, 1, 3]},
    "69422": {"subset": "val", "action": [0, 2, -1]},
    "10899": {"subset": "test", "action": [1, 3, 100]},
}


def written(folder: Path, told: dict[str, Any] | None = None, frames: int = 5) -> Path:
    folder.mkdir(exist_ok=True)
    for number, video in enumerate(TOLD):
        values = np.full((frames, 27, 3), number + 1.0)
        values[..., 0] = np.arange(frames)[:, None] + 1
        np.save(folder / f"{video}.npy", values)
    path = folder / "nslt_100.json"
    path.write_text(json.dumps(TOLD if told is None else told))
    return path


def test_clips_are_cut_to_the_frames_of_their_sign(tmp_path: Path) -> None:
    source = WLASL(written(tmp_path / "raw"), tmp_path / "raw", classes=["book", "drink", "computer"])
    store = IsolatedStore(write_store(tmp_path / "s", source))
    assert (store.spec.name, store.spec.classes) == ("WLASL2", ("book", "drink"))
    shown = {store.row(index).id: store.read(index)[:, 0, 0, 0].tolist() for index in range(3)}
    assert shown == {"05237": [1, 2, 3], "69422": [2, 3, 4, 5], "10899": [3, 4, 5]}
    corpus = StoredCorpus(tmp_path / "s")
    assert [[clip.id for clip in corpus.clips(part)] for part in ("train", "dev", "test")] == [
        ["05237"],
        ["69422"],
        ["10899"],
    ]


def test_videos_that_cannot_be_had_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "raw")
    (tmp_path / "raw" / "10899.npy").unlink()
    with pytest.raises(
        ValueError, match=r"names 3 videos, and .* has keypoints of 2 of them; 10899 is missing: --incompl"
    ):
        WLASL(path, tmp_path / "raw")
    source = WLASL(path, tmp_path / "raw", complete=False)
    assert (len(source), source.left_out) == (2, ("10899",))
    assert "keypoints of 2 of its 3 videos" in source.spec.source
    (tmp_path / "none").mkdir()
    with pytest.raises(ValueError, match="has keypoints of 0 of them"):
        WLASL(path, tmp_path / "none", complete=False)


@pytest.mark.parametrize(
    "told",
    [[], {}, {"1": 3}, {"1": {"subset": "train"}}, {"1": {"subset": "all", "action": [0, 1, 2]}},
     {"1": {"subset": "train", "action": [0, 1]}}, {"1": {"subset": "train", "action": [-1, 1, 2]}},
     {"1": {"subset": "train", "action": ["0", 1, 2]}}],
)  # fmt: skip
def test_annotations_that_are_none_are_refused(tmp_path: Path, told: Any) -> None:
    with pytest.raises(ValueError, match=r"should map the numbers of videos|needs a subset of train, val or test"):
        WLASL(written(tmp_path / "raw", told), tmp_path / "raw")


def test_a_sign_behind_the_end_of_its_video_and_too_few_names_are_refused(tmp_path: Path) -> None:
    told = {**TOLD, "10899": {"subset": "test", "action": [1, 9, 12]}}
    with pytest.raises(ValueError, match=r"video 10899 shows its sign from frame 9 on, and .* has 5 frames"):
        list(WLASL(written(tmp_path / "raw", told), tmp_path / "raw"))
    with pytest.raises(ValueError, match="has 2 classes and 1 names are given"):
        WLASL(written(tmp_path / "raw"), tmp_path / "raw", classes=["book"])
    with pytest.raises(ValueError, match="cannot be read"):
        WLASL(tmp_path / "none.json", tmp_path)


@pytest.mark.shared
@pytest.mark.parametrize(("file", "clips", "count"), [("nslt_100", 2038, 100), ("nslt_2000", 21095, 2000)])
def test_the_real_annotations(shared_data: Path, tmp_path: Path, file: str, clips: int, count: int) -> None:
    folder = shared_data / "wlasl-annotations"
    told = json.loads((folder / f"{file}.json").read_text())
    assert len(told) == clips
    video = next(iter(told))
    np.save(tmp_path / f"{video}.npy", np.ones((300, 27, 3)))
    names = read_classes(folder / "wlasl_class_list.txt")
    source = WLASL(folder / f"{file}.json", tmp_path, classes=names, complete=False)
    assert (len(source), len(source.left_out), len(source.spec.classes)) == (1, clips - 1, count)
    assert source.spec.classes[:2] == ("book", "drink")
