from __future__ import annotations

import multiprocessing
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.torch import save_file

from slr.data import KeypointStore, write_keypoints
from slr.data.keypoints import find_store

LAYOUT, J = "sign-27", 27
SIZE = (210, 260)


def clip(num_frames: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    keypoints = torch.rand(num_frames, J, 3, generator=generator)
    keypoints[..., 0] *= 210
    keypoints[..., 1] *= 260
    return keypoints


def npz_per_clip(path: Path, clips: dict[str, torch.Tensor]) -> Path:
    np.savez(path, layout=LAYOUT, width=210, height=260, **{name: values.numpy() for name, values in clips.items()})
    return path


def npz_ragged(path: Path, clips: dict[str, torch.Tensor]) -> Path:
    lengths = [len(values) for values in clips.values()]
    np.savez(
        path,
        layout=LAYOUT,
        joints=torch.cat(list(clips.values())).numpy(),
        offsets=np.cumsum([0, *lengths]),
        ids=np.array(list(clips)),
    )
    return path


def safetensors32(path: Path, clips: dict[str, torch.Tensor]) -> Path:
    write_keypoints(path, clips, layout=LAYOUT, size=SIZE, dtype=torch.float32)
    return path


KINDS = pytest.mark.parametrize(
    ("write", "name"),
    [(safetensors32, "dev.safetensors"), (npz_per_clip, "dev.npz"), (npz_ragged, "dev.npz")],
    ids=["safetensors", "npz per clip", "npz ragged"],
)

NUMBERS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(J), st.just(3)),
    elements=st.floats(0, 1, width=32),
    fill=st.floats(0, 1, width=32),
)
IDS = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\", exclude_categories=("C", "Z")), min_size=1, max_size=8
)


@given(clips=st.dictionaries(IDS, NUMBERS, min_size=1, max_size=4))
def test_what_is_written_is_read_back_to_half_precision(
    tmp_path_factory: pytest.TempPathFactory, clips: dict[str, np.ndarray]
) -> None:
    path = tmp_path_factory.mktemp("store") / "train.safetensors"
    scaled = {name: values * np.array([210, 260, 1], dtype=np.float32) for name, values in clips.items()}
    write_keypoints(path, scaled, layout=LAYOUT, size=SIZE)
    store = KeypointStore.open(path)
    assert store.layout.name == LAYOUT
    assert store.size == SIZE
    for name, values in scaled.items():
        assert store.num_frames(name) == len(values)
        # Rounding to half precision moves a value by at most half of a step of 0.25 pixels.
        assert np.abs(store.read(name).numpy() - values).max() <= 0.125
        assert np.abs(store.read(name).numpy() - values)[..., 2].max() <= 2**-11


@KINDS
def test_every_kind_of_store_gives_the_same_keypoints(tmp_path: Path, write, name: str) -> None:
    clips = {"a": clip(3), "b-1": clip(1, 1), "c": clip(5, 2)}
    store = KeypointStore.open(write(tmp_path / name, clips))
    assert store.layout.name == LAYOUT
    for key, values in clips.items():
        assert key in store
        assert store.num_frames(key) == len(values)
        read = store.read(key)
        assert read.dtype == torch.float32
        assert torch.equal(read, values)
    assert "d" not in store
    for ask in (store.read, store.num_frames):
        with pytest.raises(ValueError, match=r"holds no keypoints of clip 'd': run the estimator"):
            ask("d")


@KINDS
def test_a_store_can_be_sent_to_another_process(tmp_path: Path, write, name: str) -> None:
    store = KeypointStore.open(write(tmp_path / name, {"a": clip(3)}))
    expected = store.read("a")
    assert torch.equal(pickle.loads(pickle.dumps(store)).read("a"), expected)


def _read_often(store: KeypointStore, names: list[str]) -> None:
    for _ in range(20):
        for index, name in enumerate(names):
            assert bool((store.read(name)[..., 0] == index).all())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_forked_processes_do_not_disturb_each_other_in_one_npz(tmp_path: Path) -> None:
    names = [f"clip{index}" for index in range(30)]
    clips = {
        name: torch.cat([torch.full((4, J, 1), index), torch.ones(4, J, 2)], -1) for index, name in enumerate(names)
    }
    store = KeypointStore.open(npz_per_clip(tmp_path / "dev.npz", clips))
    store.read(names[0])
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_read_often, args=(store, names)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]


def test_half_precision_resolves_what_the_documentation_says() -> None:
    for low, high, step in ((128, 256, 0.125), (256, 512, 0.25), (1024, 2048, 1.0)):
        numbers = torch.arange(low, high, step / 8, dtype=torch.float64).half().unique()
        assert (numbers[1:] - numbers[:-1]).unique().tolist() == [step]


@KINDS
def test_a_value_that_is_not_finite_is_named(tmp_path: Path, write, name: str) -> None:
    good, bad = clip(3), clip(4)
    bad[2, 7, 1] = float("nan")
    complaint = r"joint 'left_hand_root' in frame 2 of clip 'b' in .* is not finite: store 0, 0 with confidence 0"
    if write is safetensors32:
        with pytest.raises(ValueError, match=complaint):
            write(tmp_path / name, {"a": good, "b": bad})
        metadata = {"format": "slr-keypoints-1", "layout": LAYOUT, "width": "210", "height": "260"}
        save_file({"a": good, "b": bad}, tmp_path / name, metadata=metadata)
    else:
        write(tmp_path / name, {"a": good, "b": bad})
    store = KeypointStore.open(tmp_path / name)
    assert torch.equal(store.read("a"), good)
    with pytest.raises(ValueError, match=complaint):
        store.read("b")


@pytest.mark.parametrize("confidence", [-0.5, 1.5])
def test_a_confidence_outside_its_range_is_named(tmp_path: Path, confidence: float) -> None:
    keypoints = clip(2)
    keypoints[1, 0, 2] = confidence
    with pytest.raises(ValueError, match=rf"confidence of joint 'nose' in frame 1 of clip 'a' in .* is {confidence:g}"):
        write_keypoints(tmp_path / "x.safetensors", {"a": keypoints}, layout=LAYOUT, size=SIZE)


def test_coordinates_beyond_half_precision_are_refused_not_made_infinite(tmp_path: Path) -> None:
    keypoints = clip(1)
    keypoints[0, 0, 0] = 70000
    path = tmp_path / "x.safetensors"
    with pytest.raises(ValueError, match="joint 'nose' in frame 0 of clip 'a'"):
        write_keypoints(path, {"a": keypoints}, layout=LAYOUT, size=SIZE)
    write_keypoints(path, {"a": keypoints}, layout=LAYOUT, size=SIZE, dtype=torch.float32)
    assert KeypointStore.open(path).read("a")[0, 0, 0] == 70000


@pytest.mark.parametrize("shape", [(3, 26, 3), (3, 27, 2), (27, 3), (0, 27, 3)])
def test_keypoints_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"layout 'sign-27' asks for \[frames, 27, 3\]"):
        write_keypoints(tmp_path / "x.safetensors", {"a": torch.zeros(shape)}, layout=LAYOUT, size=SIZE)


def test_a_refused_store_leaves_the_old_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "dev.safetensors"
    write_keypoints(path, {"a": clip(2)}, layout=LAYOUT, size=SIZE)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="asks for"):
        write_keypoints(path, {"a": clip(2), "b": torch.zeros(1, 2, 3)}, layout=LAYOUT, size=SIZE)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["dev.safetensors"]


def test_writing_needs_clips_an_ending_a_float_type_and_a_layout(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for complaint, where, clips, layout, dtype in (
        (r"must end in \.safetensors", tmp_path / "x.npz", {"a": clip(1)}, LAYOUT, torch.float16),
        ("no keypoints to write", path, {}, LAYOUT, torch.float16),
        (r"float16 or float32, not torch\.int32", path, {"a": clip(1)}, LAYOUT, torch.int32),
        ("unknown skeleton layout 'sign-26'", path, {"a": clip(1)}, "sign-26", torch.float16),
    ):
        with pytest.raises(ValueError, match=complaint):
            write_keypoints(where, clips, layout=layout, size=SIZE, dtype=dtype)


def test_files_that_are_no_store_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no tensors")
    (tmp_path / "text.npz").write_text("no arrays")
    (tmp_path / "text.csv").write_text("a,b")
    save_file({"a": clip(1)}, tmp_path / "plain.safetensors")
    np.savez(tmp_path / "nameless.npz", a=clip(1).numpy())
    np.savez(tmp_path / "idless.npz", layout=LAYOUT, joints=clip(2).numpy(), offsets=[0, 2])
    np.savez(tmp_path / "uneven.npz", layout=LAYOUT, joints=clip(2).numpy(), offsets=[0, 2], ids=["a", "b"])
    np.savez(tmp_path / "pickled.npz", layout=np.array([{"a": 1}], dtype=object))
    metadata = {"format": "slr-keypoints-1", "layout": LAYOUT, "width": "210"}
    save_file({"a": clip(1)}, tmp_path / "low.safetensors", metadata=metadata)
    save_file({"a": clip(1)}, tmp_path / "wide.safetensors", metadata={**metadata, "height": "tall"})
    np.savez(tmp_path / "short.npz", layout=LAYOUT, joints=clip(2).numpy(), offsets=[0, 3], ids=["a"])
    for name, complaint in (
        ("low.safetensors", "does not tell the size of the frames: add width and height in pixels"),
        ("wide.safetensors", "does not tell the size of the frames"),
        ("short.npz", "its offsets end at 3, and it has 2 frames of joints"),
        ("text.safetensors", "cannot be read as safetensors"),
        ("text.npz", "cannot be read as npz"),
        ("text.csv", "is no keypoint store"),
        ("nothing.npz", "there is no keypoint store at"),
        ("plain.safetensors", "metadata lack the format 'slr-keypoints-1'"),
        ("nameless.npz", "does not name the skeleton layout"),
        ("idless.npz", "ragged keypoints without clip ids"),
        ("uneven.npz", "2 ids need as many different names and 3 rising offsets"),
        ("pickled.npz", "allow_pickle=False"),
    ):
        with pytest.raises(ValueError, match=complaint):
            KeypointStore.open(tmp_path / name)


@pytest.mark.parametrize("write", [npz_per_clip, npz_ragged])
def test_a_damaged_array_is_named(tmp_path: Path, write) -> None:
    path = write(tmp_path / "x.npz", {"a": clip(30)})
    whole = path.read_bytes()
    with (
        zipfile.ZipFile(path) as archive,
        zipfile.ZipFile(tmp_path / "packed.npz", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    middle = max(range(len(whole) // 2, len(whole)), key=lambda place: whole[:place].count(b"PK") == 1)
    path.write_bytes(whole[:middle] + b"?????" + whole[middle + 5 :])
    with pytest.raises(ValueError, match=r"x\.npz.*: write the store again"):
        KeypointStore.open(path).read("a")
    content = (tmp_path / "packed.npz").read_bytes()
    member = "a" if write is npz_per_clip else "joints"
    start = content.index(f"{member}.npy".encode()) + len(member) + 4
    (tmp_path / "packed.npz").write_bytes(content[:start] + b"\xff" * 8 + content[start + 8 :])  # zlib.error
    with pytest.raises(ValueError, match=rf"{member} in .*packed\.npz is damaged .*: write the store again"):
        KeypointStore.open(tmp_path / "packed.npz").read("a")


def test_the_store_of_a_split_is_found_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no keypoints of split 'dev' in .*: expected .*dev\.safetensors"):
        find_store(tmp_path, "dev")
    npz_per_clip(tmp_path / "dev.npz", {"a": clip(1)})
    assert find_store(tmp_path, "dev") == tmp_path / "dev.npz"
    write_keypoints(tmp_path / "dev.safetensors", {"a": clip(1)}, layout=LAYOUT, size=SIZE)
    with pytest.raises(ValueError, match=r"twice, as dev\.safetensors and dev\.npz: keep one"):
        find_store(tmp_path, "dev")
