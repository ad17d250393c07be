from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slr.data.isolated import IsolatedStore, Pyskl, StoredCorpus, write_store


def annotation(name: str, label: int, frames: int, persons: int = 1, joints: int = 25, dims: int = 3) -> dict[str, Any]:
    chances = np.random.default_rng(label + frames)
    made = {
        "frame_dir": name,
        "label": label,
        "total_frames": frames,
        "keypoint": chances.uniform(0, 100, (persons, frames, joints, dims)).astype(np.float16),
    }
    if dims == 2:
        made |= {
            "keypoint_score": chances.uniform(0.1, 1, (persons, frames, joints)).astype(np.float16),
            "img_shape": (50, 200),
        }
    return made


NTU = ("S001C001P001R001A001", "S002C002P003R001A002", "S001C003P008R002A002")


CLIP = np.zeros((1, 2, 25, 3))


def written(path: Path, annotations: list[dict[str, Any]], split: dict[str, list[str]] | None = None) -> Path:
    names = [one.get("frame_dir", one.get("filename", "")) for one in annotations]
    split = split or {"xsub_train": names[:2], "xsub_val": names[2:], "xview_train": names[1:], "xview_val": names[:1]}
    path.write_bytes(pickle.dumps({"split": split, "annotations": annotations}))
    return path


def test_three_dimensions(tmp_path: Path) -> None:
    annotations = [annotation(NTU[0], 0, 5), annotation(NTU[1], 1, 3, persons=2), annotation(NTU[2], 1, 4, persons=3)]
    source = Pyskl(written(tmp_path / "ntu60_3danno.pkl", annotations))
    store = IsolatedStore(write_store(tmp_path / "store", source))
    assert (store.spec.skeleton.name, store.spec.channels, store.spec.units) == ("ntu-25", ("x", "y", "z"), "metres")
    assert store.splits == {"x-sub": {"train": 2, "test": 1}, "x-view": {"train": 2, "test": 1}}
    for index, one in enumerate(annotations):
        wanted = np.zeros((one["total_frames"], 2, 25, 3), dtype=np.float32)
        for person in range(min(2, len(one["keypoint"]))):
            wanted[:, person] = one["keypoint"][person]
        np.testing.assert_array_equal(store.read(index), wanted)
    assert store.row(1).signer == "P003"
    assert store.row(2).camera == "C003"


def test_two_dimensions_with_scores(tmp_path: Path) -> None:
    annotations = [annotation(name, n, 4, joints=17, dims=2) for n, name in enumerate(("a", "b", "c"))]
    path = written(tmp_path / "x.pkl", annotations, {"train1": ["a"], "test1": ["b"], "train2": ["b"], "test2": ["c"]})
    store = IsolatedStore(write_store(tmp_path / "store", Pyskl(path, persons=1, name="HMDB51")))
    assert (store.spec.skeleton.name, store.spec.channels) == ("coco-17", ("x", "y", "score"))
    assert (store.spec.units, store.spec.frame_size, store.spec.name) == ("pixels", (200, 50), "HMDB51")
    assert store.splits == {"1": {"train": 1, "test": 1}, "2": {"train": 1, "test": 1}}
    clip = store.read(1)[:, 0]
    np.testing.assert_array_equal(clip[..., :2], annotations[1]["keypoint"][0].astype(np.float32))
    np.testing.assert_array_equal(clip[..., 2], annotations[1]["keypoint_score"][0].astype(np.float32))


def test_frames_of_many_sizes_become_shares(tmp_path: Path) -> None:
    annotations = [annotation(name, 0, 4, joints=17, dims=2) for name in ("a", "b")]
    annotations[1]["img_shape"] = (100, 400)
    store = IsolatedStore(
        write_store(tmp_path / "s", Pyskl(written(tmp_path / "x.pkl", annotations, {"train": ["a", "b"]}), persons=1))
    )
    assert (store.spec.units, store.spec.frame_size) == ("frame", (1, 1))
    for index, size in enumerate([(200, 50), (400, 100)]):
        np.testing.assert_allclose(store.read(index)[:, 0, :, :2], annotations[index]["keypoint"][0] / size, rtol=1e-3)


def test_a_val_beside_a_test_is_dev(tmp_path: Path) -> None:
    annotations = [annotation(name, 0, 2) for name in ("a", "b", "c")]
    path = written(tmp_path / "x.pkl", annotations, {"train": ["a"], "val": ["b"], "test": ["c"]})
    write_store(tmp_path / "s", Pyskl(path))
    corpus = StoredCorpus(tmp_path / "s")
    assert [[clip.id for clip in corpus.clips(part)] for part in ("train", "dev", "test")] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"keypoint": None}, "should be numbers|has keypoints"),
        ({"keypoint": np.zeros((1, 4, 25))}, r"shape \[1, 4, 25\], they should be numbers \[persons, frames"),
        ({"keypoint": np.zeros((1, 4, 24, 3))}, "has 24 joints, and the first clip 25"),
        ({"label": -1}, "has label -1"),
        ({"frame_dir": "a"}, "clip 'a' of x stands twice"),
        ({"frame_dir": ""}, "has no id"),
    ],
)
def test_a_faulty_annotation_is_named(tmp_path: Path, change: dict, says: str) -> None:
    annotations = [annotation("a", 0, 4), {**annotation("b", 1, 4), **change}]
    path = written(tmp_path / "x.pkl", annotations, {"train": ["a"]})
    with pytest.raises(ValueError, match=says):
        write_store(tmp_path / "s", Pyskl(path))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([1], "needs a dict with split and annotations"),
        ({"split": {}, "annotations": []}, "annotates no clip"),
        ({"split": {}, "annotations": [{"frame_dir": "a", "keypoint": CLIP}]}, "annotation 0 of .* has no label"),
        ({"split": {}, "annotations": [annotation("a", 0, 2), {"keypoint": CLIP}]}, "annotation 1 of .* has no label"),
        ({"split": {}, "annotations": [{"label": "a", "keypoint": CLIP}]}, "has no label that is a whole number"),
        ({"split": {}, "annotations": [[1]]}, "annotation 0 of .* is no mapping"),
        ({"split": ["a"], "annotations": [annotation("a", 0, 2)]}, "has no mapping of the names of parts"),
        (
            {"split": {}, "annotations": [{"label": 0, "raw_file": "a.pkl"}]},
            r"they lie in files of their own \(raw_file\)",
        ),
        ({"split": {}, "annotations": [annotation("a", 0, 2, joints=7)]}, "7 joints in 3 dimensions, and no layout"),
        ({"split": {"part": ["a"]}, "annotations": [annotation("a", 0, 2)]}, "should end in train, val or test"),
        ({"split": {"train": ["z"]}, "annotations": [annotation("a", 0, 2)]}, "there are no keypoints of, 'z'"),
        (
            {"split": {}, "annotations": [{**annotation("a", 0, 2, joints=17, dims=2), "img_shape": None}]},
            "does not say how large its frames are",
        ),
        (
            {"split": {}, "annotations": [{**annotation("a", 0, 2, joints=17, dims=2), "keypoint_score": np.ones(3)}]},
            r"has scores \[3\]",
        ),
    ],
)
def test_what_is_no_annotation_file_is_refused(tmp_path: Path, content: Any, says: str) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=says):
        write_store(tmp_path / "s", Pyskl(tmp_path / "x.pkl"))
    assert not (tmp_path / "s").exists()


class _Runs:
    def __reduce__(self) -> Any:
        return os.system, ("touch never",)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": [_Runs()]}))
    with pytest.raises(ValueError, match="asks for"):
        Pyskl(tmp_path / "x.pkl")
