from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from slr.data.isolated import IsolatedStore, NTUArchive, write_store


def arrays(clips: int = 4, frames: int = 6, classes: int = 60) -> dict[str, np.ndarray]:
    chances = np.random.default_rng(0)
    made = {}
    for part, count in (("train", clips), ("test", clips - 1)):
        x = chances.normal(size=(count, frames, 150)).astype(np.float32)
        for number in range(count):
            x[number, number + 2 :] = 0
        made |= {f"x_{part}": x, f"y_{part}": np.eye(classes)[(np.arange(count) * 7) % classes]}
    return made


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_clips_are_read_without_the_zeros_behind_them(tmp_path: Path, save: object) -> None:
    made = arrays()
    save(tmp_path / "NTU60_CV.npz", **made)  # type: ignore[operator]
    source = NTUArchive(tmp_path / "NTU60_CV.npz")
    store = IsolatedStore(write_store(tmp_path / "store", source))
    assert len(source) == len(store) == 7
    assert store.spec.name == "NTU RGB+D 60"
    assert store.splits == {"x-view": {"train": 4, "test": 3}}
    for number in range(4):
        assert store.num_frames(number) == number + 2
        np.testing.assert_array_equal(store.read(number).reshape(-1, 150), made["x_train"][number, : number + 2])
        assert store.row(number).label == number * 7
    assert store.row(5).id == "test-000001"


def test_a_file_is_never_read_whole(tmp_path: Path) -> None:
    chances = np.random.default_rng(0)
    big = {
        f"x_{part}": chances.normal(size=(200, 300, 150)).astype(np.float32) for part in ("train", "test")
    }  # 36 MB each
    labels = {f"y_{part}": np.eye(60)[np.arange(200) % 60] for part in ("train", "test")}
    np.savez(tmp_path / "NTU60_CS.npz", **big, **labels)
    del big
    tracemalloc.start()
    write_store(tmp_path / "store", NTUArchive(tmp_path / "NTU60_CS.npz"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000


def test_a_clip_of_zeros_has_one_frame(tmp_path: Path) -> None:
    made = arrays()
    made["x_test"][1] = 0
    np.savez(tmp_path / "NTU120_CSet.npz", **made)
    store = IsolatedStore(write_store(tmp_path / "store", NTUArchive(tmp_path / "NTU120_CSet.npz")))
    assert store.card["clips_of_zeros"] == ["test-000001"]
    assert store.num_frames(5) == 1


@pytest.mark.parametrize("name", ["ntu.npz", "NTU60_CSet.npz", "NTU90_CS.npz", "NTU120_CV.npz"])
def test_a_name_that_does_not_say_the_split_is_refused(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / name, **arrays())
    with pytest.raises(ValueError, match="does not say which data set and split it holds: call it NTU60_CS, NTU60_CV"):
        NTUArchive(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x_train": np.zeros((4, 6, 75), np.float32)}, r"x_train is float32 of shape \[4, 6, 75\]"),
        ({"x_train": np.zeros((4, 6, 150), np.int64)}, "x_train is int64"),
        ({"x_train": np.zeros((3, 6, 150), np.float32)}, "x_train has 3 rows and y_train 4"),
        ({"y_test": np.ones((3, 60))}, "rows that are not one class of 60 each"),
        ({"y_test": np.eye(120)[:3]}, "rows that are not one class of 60 each"),
        ({"y_test": np.asarray([0, 1, 60])}, "has label 60, but its 60 classes count from 0"),
        ({"x_test": np.asarray([{"a": 1}] * 3, dtype=object)}, "cannot be read"),
    ],
)
def test_what_is_not_such_a_file_is_refused(tmp_path: Path, change: dict, says: str) -> None:
    np.savez(tmp_path / "NTU60_CS.npz", **{**arrays(), **change})
    with pytest.raises(ValueError, match=says):
        write_store(tmp_path / "store", NTUArchive(tmp_path / "NTU60_CS.npz"))
    assert not (tmp_path / "store").exists()


def test_missing_cut_short_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        NTUArchive(tmp_path / "NTU60_CS.npz")
    np.savez(tmp_path / "NTU60_CS.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="it needs x_train, y_train, x_test, y_test"):
        len(NTUArchive(tmp_path / "NTU60_CS.npz"))
    np.savez(tmp_path / "whole.npz", **arrays())
    (tmp_path / "NTU60_CS.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:-500])
    with pytest.raises(ValueError, match="cannot be read"):
        len(NTUArchive(tmp_path / "NTU60_CS.npz"))
