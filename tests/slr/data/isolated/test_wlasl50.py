from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slr.data.isolated import WLASL50, IsolatedStore, StoredCorpus, write_store
from slr.skeleton import skeleton_layout


def written(path: Path, clips: int = 20) -> Path:
    chances = np.random.default_rng(0)
    rows = chances.uniform(0.1, 0.9, (clips, 30, 170)).astype(np.float32)
    rows[3, 4, 44:107] = 0  # the left hand of one frame was not found
    lengths = np.arange(clips) % 30 + 1
    np.savez(path, x=rows, label=np.arange(clips) % 4, n_frames=lengths, classes=np.asarray(["a", "b", "c", "d"]))
    return path


def test_points_have_the_names_of_mediapipe(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npz")
    source = WLASL50(path)
    layout = source.spec.skeleton
    assert len(layout) == 53
    rows = np.load(path)["x"]
    for index, (row, keypoints) in enumerate(source):
        assert row.id == f"wlasl50-{index:03d}"
        assert keypoints.shape == (index % 30 + 1, 1, 53, 4)
        assert row.label == index % 4
    clip, raw = list(source)[3][1][:, 0], rows[3]
    assert clip[0, layout.index("right_shoulder")].tolist() == pytest.approx(raw[0, 8:12].tolist())
    assert clip[0, layout.index("left_hand_root"), :3].tolist() == pytest.approx(raw[0, 44:47].tolist())
    assert clip[0, layout.index("right_hand_root"), :3].tolist() == pytest.approx(raw[0, 107:110].tolist())
    assert clip[1, layout.index("right_hand_pinky_4"), :3].tolist() == pytest.approx(raw[1, 167:170].tolist())
    assert clip[1, layout.index("left_hand_index_1"), 3] == 1


def test_a_hand_that_was_not_found_has_the_score_zero(tmp_path: Path) -> None:
    source = WLASL50(written(tmp_path / "x.npz", clips=40))
    layout = source.spec.skeleton
    shorter = list(source)[3][1]
    assert len(shorter) == 4  # the frame without the hand lies behind its end
    rows = dict(np.load(tmp_path / "x.npz"))
    rows["n_frames"][3] = 30
    np.savez(tmp_path / "y.npz", **rows)
    clip = list(WLASL50(tmp_path / "y.npz"))[3][1]
    hand = list(layout.groups["left_hand"])
    assert not clip[4, 0, hand].any()
    assert clip[3, 0, hand, 3].tolist() == [1] * 21
    assert clip[4, 0, list(layout.groups["right_hand"]), 3].tolist() == [1] * 21


def test_five_folds_test_every_clip_once(tmp_path: Path) -> None:
    source = WLASL50(written(tmp_path / "x.npz"))
    parts = source.splits([row for row, _ in source])
    assert list(parts) == [f"fold-{number}" for number in range(5)]
    assert sorted(clip for split in parts.values() for clip in split["test"]) == [row.id for row, _ in source]
    for split in parts.values():
        assert not set(split["train"]) & set(split["test"])
        assert len(split["train"]) + len(split["test"]) == 20


@pytest.mark.shared
def test_the_real_file_becomes_a_store(shared_data: Path, tmp_path: Path) -> None:
    path = write_store(tmp_path / "store", WLASL50(shared_data / "wlasl50-keypoints" / "wlasl50_real.npz"))
    store = IsolatedStore(path)
    assert len(store) == 423
    assert sorted(part["test"] for part in store.splits.values()) == [84, 84, 85, 85, 85]
    # The folds are fixed: figures measured on them compare.
    tests = [np.flatnonzero(store.part_codes(f"fold-{number}") == 3) for number in range(5)]
    assert sorted(np.concatenate(tests).tolist()) == list(range(423))
    assert tests[0][:8].tolist() == [1, 9, 10, 12, 20, 24, 28, 38]
    for number in range(5):
        corpus = StoredCorpus(path, split=f"fold-{number}", layout="sign-27", held_out=0.1)
        assert {clip.label for clip in corpus.clips("train")} == set(range(50))
        assert corpus.pose(corpus.clips("test")[0]).shape[1:] == (1, 27, 4)
        assert corpus.layout == skeleton_layout("sign-27")
