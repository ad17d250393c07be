from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.data.isolated import IsolatedStore, Kinetics, write_store


def body(x: float, score: float) -> dict[str, Any]:
    return {"pose": [x, 0.5] * 18, "score": [score] * 17 + [0.0]}


def clip(*frames: tuple[int, list[dict[str, Any]]]) -> dict[str, Any]:
    return {"data": [{"frame_index": index, "skeleton": bodies} for index, bodies in frames], "label": "x"}


def written(folder: Path, clips: dict[str, dict[str, Any]] | None = None) -> Path:
    clips = clips or {
        "one": clip((1, [body(0.1, 0.2), body(0.2, 0.9), body(0.3, 0.5)]), (3, [body(0.4, 0.4)])),
        "two": clip((1, []), (2, [body(0.9, 1.0)])),
    }
    for part in ("train", "val"):
        (folder / f"kinetics_{part}").mkdir(parents=True, exist_ok=True)
        told = {}
        for number, (name, content) in enumerate(clips.items()):
            (folder / f"kinetics_{part}" / f"{part}-{name}.json").write_text(json.dumps(content))
            told[f"{part}-{name}"] = {"has_skeleton": True, "label": f"action {number}", "label_index": number}
        told["nothing"] = {"has_skeleton": False, "label": "x", "label_index": 0}
        (folder / f"kinetics_{part}_label.json").write_text(json.dumps(told))
    return folder


def test_the_best_bodies_of_every_frame_are_kept(tmp_path: Path) -> None:
    store = IsolatedStore(write_store(tmp_path / "s", Kinetics(written(tmp_path / "raw"))))
    assert store.splits == {"official": {"train": 2, "test": 2}}
    assert store.spec.classes == ("action 0", "action 1")
    assert (store.spec.units, store.spec.skeleton.name) == ("frame", "openpose-18")
    first = store.read(0)
    assert first.shape == (3, 2, 18, 3)
    np.testing.assert_allclose(first[0, :, 0], [[0.2, 0.5, 0.9], [0.3, 0.5, 0.5]])
    assert not first[0, :, 17].any()  # a score of 0
    assert not first[1].any()  # frame 2 is not in the file
    np.testing.assert_allclose(first[2, 0, 0], [0.4, 0.5, 0.4])
    assert not first[2, 1].any()
    assert store.num_frames(1) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"data": []}, "it has no frame"),
        ({}, "KeyError"),
        ([], "is no skeleton file of Kinetics"),
        (clip((0, [])), "frame_index should run from 1"),
        (clip((10**9, [])), "frame_index should run from 1"),
        (clip((1, [{"pose": [1, 2], "score": [1]}])), "ValueError"),
        (clip((1, [{"pose": [0.1] * 36}])), "KeyError"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, content: Any, says: str) -> None:
    folder = written(tmp_path / "raw")
    (folder / "kinetics_train" / "train-one.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"train-one\.json.*{says}|{says}"):
        write_store(tmp_path / "s", Kinetics(folder))


def test_lists_that_name_unknown_clips_or_none_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "raw")
    (folder / "kinetics_val" / "val-one.json").unlink()
    with pytest.raises(ValueError, match="names 1 clips that kinetics_val lacks, 'val-one' among them"):
        Kinetics(folder)
    (folder / "kinetics_val_label.json").write_text('{"a": 3}')
    with pytest.raises(ValueError, match="should map the id of every clip to its label_index"):
        Kinetics(folder)
    (folder / "kinetics_val_label.json").write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        Kinetics(folder)
    (folder / "kinetics_val_label.json").unlink()
    with pytest.raises(ValueError, match="does not exist: name the folder of kinetics_train and kinetics_val"):
        Kinetics(folder)


json_values = st.recursive(
    st.none() | st.integers(-2, 20) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "frame_index", "skeleton",
    "pose", "score"]), inner, max_size=3), max_leaves=8,
)  # fmt: skip


@given(json_values)
def test_any_json_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    folder = written(tmp_path_factory.mktemp("raw"))
    (folder / "kinetics_train" / "train-one.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"train-one"):
        list(Kinetics(folder))
