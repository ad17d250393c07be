from __future__ import annotations

import json
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.data.isolated import ClipRow, IsolatedStore, StoreSpec, StoreWriter, write_store

from .made_up import LAYOUT, MadeUp, made_store


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_store_gives_back_every_clip_by_its_index(tmp_path: Path, dtype: str) -> None:
    source = MadeUp()
    store = IsolatedStore(made_store(tmp_path, source, dtype=dtype))
    assert len(store) == 6
    for index in (5, 0, 3, 3, 1, 2, 4):
        assert store.row(index) == source.rows[index]
        assert store.num_frames(index) == source.lengths[index]
        clip = store.read(index)
        assert clip.dtype == np.float32
        np.testing.assert_array_equal(clip, source.clip(index).astype(dtype))
    assert store.splits == {"official": {"train": 4, "test": 2}}
    assert store.part_codes("official").tolist() == [1, 1, 1, 1, 3, 3]


def test_the_card_says_what_the_store_is(tmp_path: Path) -> None:
    store = IsolatedStore(made_store(tmp_path))
    assert store.spec == MadeUp().spec
    assert store.card["frames"] == {"all": 21, "shortest": 1, "longest": 6}
    assert store.card["clips_of_zeros"] == []
    assert store.card["joints_not_finite"] == {}
    files = {path.name for path in store.path.rglob("*") if path.is_file()}
    assert files == {f"{n}.npy" for n in ("keypoints", "offsets", "labels", "ids", "signer", "camera", "setup")} | {
        "official.npy", "store.json",
    }  # fmt: skip


def test_keypoints_are_mapped_and_one_clip_is_read(tmp_path: Path) -> None:
    store = IsolatedStore(made_store(tmp_path, MadeUp(lengths=(4000,) * 40)))  # 160,000 frames, 19 MB
    tracemalloc.start()
    store.read(17)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_writing_holds_one_clip_at_a_time(tmp_path: Path) -> None:
    tracemalloc.start()
    made_store(tmp_path, MadeUp(lengths=(4000,) * 40))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000  # a clip is 1 MB as float64; the store is 19 MB


def test_a_store_travels_to_another_process(tmp_path: Path) -> None:
    store = IsolatedStore(made_store(tmp_path))
    store.read(0)
    sent = pickle.dumps(store)
    assert len(sent) < 6000
    np.testing.assert_array_equal(pickle.loads(sent).read(2), store.read(2))


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    source = MadeUp()
    source.rows[4] = ClipRow("clip-0", 0)
    with pytest.raises(ValueError, match="clip 'clip-0' of made-up stands twice"):
        made_store(tmp_path, source)
    assert list(tmp_path.iterdir()) == []
    with (
        pytest.raises(ValueError, match="was not finished"),
        StoreWriter(tmp_path / "store", source.spec) as writer,
    ):
        writer.add(source.rows[0], source.clip(0))
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    made_store(tmp_path)
    with pytest.raises(FileExistsError, match="is there already"):
        made_store(tmp_path)


def test_clips_of_zeros_are_stored_and_counted(tmp_path: Path) -> None:
    source = MadeUp()
    source.changed[1] = np.zeros((1, 2, 5, 3))
    assert IsolatedStore(made_store(tmp_path, source)).card["clips_of_zeros"] == ["clip-1"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_or_counts_as_missing(tmp_path: Path, value: float) -> None:
    source = MadeUp()
    clip = source.clip(2)
    clip[3, 1, 4, 0] = value
    source.changed[2] = clip
    with pytest.raises(
        ValueError, match=r"joint 'right_hand' of person 1 in frame 3 of clip 'clip-2' .* is not finite"
    ):
        made_store(tmp_path, source)
    store = IsolatedStore(made_store(tmp_path, source, non_finite="missing"))
    assert store.card["joints_not_finite"] == {"clip-2": 1}
    read = store.read(2)
    assert read[3, 1, 4].tolist() == [0, 0, 0]
    assert np.isfinite(read).all()
    assert (read != 0).sum() == (clip != 0).sum() - 3


def test_half_precision_may_not_make_infinities(tmp_path: Path) -> None:
    source = MadeUp()
    source.changed[0] = np.full((1, 2, 5, 3), 70000.0)
    with pytest.raises(ValueError, match="does not fit float16, which ends at 65504: store float32"):
        made_store(tmp_path, source, dtype="float16")


@pytest.mark.parametrize(
    ("row", "shape", "sentence"),
    [
        (ClipRow("x", 2), (1, 2, 5, 3), "clip 'x' of made-up has label 2, but its 2 classes count from 0 to 1"),
        (ClipRow("x", -1), (1, 2, 5, 3), "has label -1"),
        (ClipRow("", 0), (1, 2, 5, 3), "has no id"),
        (ClipRow("x", 0), (0, 2, 5, 3), "it needs one frame at least"),
        (
            ClipRow("x", 0),
            (1, 1, 5, 3),
            r"shape \[1, 1, 5, 3\].*\[frames, 2 persons, 5 joints of made-up, 3 channels\]",
        ),
        (ClipRow("x", 0), (1, 2, 5), r"shape \[1, 2, 5\]"),
    ],
)
def test_a_faulty_clip_is_refused_in_a_sentence(
    tmp_path: Path, row: ClipRow, shape: tuple[int, ...], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence), StoreWriter(tmp_path / "s", MadeUp().spec) as writer:
        writer.add(row, np.ones(shape))


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"train": ["clip-0", "clip-9"]}, "names 1 clips in train that there are no keypoints of, 'clip-9'"),
        ({"train": ["clip-0"], "test": ["clip-0"]}, "has clip 'clip-0' in train and in test"),
        ({"train": ["clip-0", "clip-0"]}, "twice in train"),
        ({"training": ["clip-0"]}, "has a part 'training': there are train, dev, test"),
    ],
)
def test_a_faulty_split_is_refused_in_a_sentence(tmp_path: Path, parts: dict, sentence: str) -> None:
    source = MadeUp()
    source.parts = {"mine": parts}
    with pytest.raises(ValueError, match=sentence):
        made_store(tmp_path, source)
    assert list(tmp_path.iterdir()) == []


def test_a_split_has_a_name_that_is_a_file_name(tmp_path: Path) -> None:
    source = MadeUp()
    source.parts = {"../escape": {"train": ["clip-0"]}}
    with pytest.raises(ValueError, match=r"'\.\./escape' is no name of a split"):
        made_store(tmp_path, source)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"channels": ("x",)}, "has x, y and perhaps z"),
        ({"channels": ("y", "x")}, "has x, y and perhaps z"),
        ({"channels": ("score", "x", "y")}, "a score after them"),
        ({"units": "inches"}, "unknown unit 'inches'"),
        ({"persons": 0}, "0 persons"),
        ({"classes": ("a", "b", "a")}, "'a' stands twice"),
        ({"classes": ("a", "")}, "one has no name"),
    ],
)
def test_a_faulty_specification_is_refused(change: dict, sentence: str) -> None:
    fields = {"name": "n", "layout": LAYOUT, "channels": ("x", "y"), "classes": ("a",), "units": "metres", **change}
    with pytest.raises(ValueError, match=sentence):
        StoreSpec(**fields)


def test_no_clip_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no clip"):
        made_store(tmp_path, MadeUp(lengths=()))


def test_a_missing_or_damaged_store_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no store of isolated clips at"):
        IsolatedStore(tmp_path)
    path = made_store(tmp_path)
    whole = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    card = json.loads(whole[path / "store.json"])
    damages = {
        "store.json": [
            *(b"{", b"[]", json.dumps({**card, "format": "slr-isolated-9"}).encode()),
            *(
                json.dumps({key: card[key] for key in card if key != lost}).encode()
                for lost in ("fps", "clips", "layout")
            ),
            *(json.dumps({**card, **spoilt}).encode() for spoilt in ({"frames": {}}, {"classes": 3}, {"layout": []})),
        ],
        "keypoints.npy": [b"", whole[path / "keypoints.npy"][:400]],
        "labels.npy": [b"\x80\x04", whole[path / "offsets.npy"]],
        "offsets.npy": [whole[path / "labels.npy"]],
    }
    for name, contents in damages.items():
        for content in contents:
            (path / name).write_bytes(content)
            with pytest.raises(ValueError, match="prepare"):
                IsolatedStore(path)
        (path / name).write_bytes(whole[path / name])
    assert len(IsolatedStore(path)) == 6


def test_labels_that_are_no_class_are_noticed_on_opening(tmp_path: Path) -> None:
    path = made_store(tmp_path)
    np.save(path / "labels.npy", np.asarray([0, 1, 2, 0, 1, 0]))
    with pytest.raises(ValueError, match="labels that are no class"):
        IsolatedStore(path)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    persons=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_any_clips_come_back(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], persons: int, seed: int
) -> None:
    source = MadeUp(lengths=lengths, persons=persons, channels=("x", "y", "score"))
    chances = np.random.default_rng(seed)
    source.changed = {i: chances.normal(size=(length, persons, 5, 3)) for i, length in enumerate(lengths)}
    store = IsolatedStore(write_store(tmp_path_factory.mktemp("any") / "store", source))
    for index in range(len(lengths)):
        np.testing.assert_array_equal(store.read(index), source.changed[index].astype(np.float32))
