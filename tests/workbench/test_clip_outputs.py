from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from workbench.clip_outputs import find_files, read_outputs


def saved(folder: Path, name: str = "a.npz", **arrays: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def random(*shape: int, kind: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(kind)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_arrays_are_read_in_single_precision(tmp_path: Path, kind: str) -> None:
    logits, conv = random(5, 4, kind=kind), random(10, 3, kind=kind)
    found = read_outputs(saved(tmp_path, logits=logits, conv=conv), "a").arrays
    assert set(found) == {"logits", "conv"}
    for name, array in (("logits", logits), ("conv", conv)):
        assert torch.equal(found[name], torch.from_numpy(array.astype(np.float32)))


def test_both_kinds_of_file_say_the_same(tmp_path: Path) -> None:
    logits, conv = random(5, 4), random(10, 3)
    archive = saved(tmp_path, logits=logits, conv=conv, logits_length=3, clip="a")
    tensors = {"logits": torch.from_numpy(logits), "conv": torch.from_numpy(conv), "logits_length": torch.tensor([3])}
    save_file(tensors, tmp_path / "a.safetensors", metadata={"clip": "a"})
    one, other = (read_outputs(path, "a").arrays for path in (archive, tmp_path / "a.safetensors"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert one["logits"].shape == (3, 4)


def test_bfloat16_is_read(tmp_path: Path) -> None:
    save_file({"logits": torch.ones(2, 3, dtype=torch.bfloat16)}, tmp_path / "a.safetensors")
    assert read_outputs(tmp_path / "a.safetensors", "a").arrays["logits"].dtype == torch.float32


def test_what_stands_behind_a_length_is_padding_and_may_be_anything(tmp_path: Path) -> None:
    logits = random(5, 4)
    logits[3:] = np.nan
    found = read_outputs(saved(tmp_path, logits=logits, logits_length=np.int32(3)), "a").arrays
    assert torch.equal(found["logits"], torch.from_numpy(logits[:3]))


def test_only_the_features_that_are_wanted_are_looked_at(tmp_path: Path) -> None:
    path = saved(tmp_path, logits=random(5, 4), conv=random(5, 3), labels=np.arange(3))
    assert set(read_outputs(path, "a", ["conv"]).arrays) == {"logits", "conv"}
    assert set(read_outputs(path, "a", []).arrays) == {"logits"}
    with pytest.raises(ValueError, match=r"labels in .*a.npz is \[3\] int64: it should be steps x features, floating"):
        read_outputs(path, "a")
    with pytest.raises(ValueError, match="holds no 'context', only conv, labels, logits"):
        read_outputs(path, "a", ["context"])


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"scores": random(5, 4)}, "holds no 'logits', only scores"),
        ({"logits": random(5, 1, 4)}, "is [5, 1, 4] float32: it should be steps x columns of scores, floating point"),
        ({"logits": np.arange(8).reshape(2, 4)}, "is [2, 4] int64: it should be steps x columns of scores"),
        ({"logits": random(5, 0)}, "is [5, 0] float32"),
        ({"logits": np.array([[0, 1], [2, np.nan]])}, "is nan in step 1, column 1: every value of a clip's steps has"),
        ({"logits": np.array([[0, -np.inf]])}, "is -inf in step 0, column 1"),
        ({"logits": random(5, 4), "logits_length": 6}, "logits_length in"),
        ({"logits": random(5, 4), "logits_length": -1}, "should be one whole number from 0 to the 5 rows of logits"),
        ({"logits": random(5, 4), "logits_length": 2.0}, "should be one whole number from 0 to the 5 rows"),
        ({"logits": random(5, 4), "logits_length": np.arange(2)}, "should be one whole number from 0 to the 5 rows"),
        ({"logits": random(5, 4), "clip": "b"}, "says that it is about clip 'b', and it should be about 'a'"),
        ({"logits": np.array([[1.0, {}]], dtype=object)}, "holds pickled objects, which can run code"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_used_are_told_with_their_file(tmp_path: Path, arrays: Any, says: str) -> None:
    path = saved(tmp_path, **arrays)
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        read_outputs(path, "a")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_files_are_told_and_no_pickle_is_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    whole = saved(tmp_path, logits=random(50, 40))
    content = whole.read_bytes()
    for spoilt in (content[:-100], b"", b"nonsense", pickle.dumps(Bomb())):
        whole.write_bytes(spoilt)
        with pytest.raises(ValueError, match=r"a.npz is damaged or no \.npz file"):
            read_outputs(whole, "a")
    middle = bytearray(content)
    middle[len(content) // 2] ^= 1
    whole.write_bytes(bytes(middle))
    with pytest.raises(ValueError, match="Bad CRC-32"):
        read_outputs(whole, "a")
    assert not (tmp_path / "exploded").exists()


# Which file is about which clip --------------------------------------------------------------------------------------


def test_files_are_found_by_the_ids_of_their_clips_in_ascending_order(tmp_path: Path) -> None:
    for name in ("train/b.npz", "dev/c.npz", "a.npz"):
        saved(tmp_path, name, logits=random(1, 2))
    save_file({"logits": torch.ones(1, 2)}, tmp_path / "a.b.safetensors")
    (tmp_path / "notes.txt").write_text("")
    assert list(find_files(tmp_path)) == ["a", "a.b", "b", "c"]


def test_two_files_of_one_clip_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, "train/a.npz", logits=random(1, 2))
    saved(tmp_path, "a.npz", logits=random(1, 2))
    with pytest.raises(ValueError, match=r"clip 'a' has outputs twice, in .* and in .*: keep one"):
        find_files(tmp_path)


def test_a_folder_without_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no outputs: write one \.npz or \.safetensors file per clip"):
        find_files(tmp_path)
    (tmp_path / "a.pt").write_bytes(b"")
    with pytest.raises(ValueError, match=r"holds no outputs \(a.pt and its like may be pickles"):
        find_files(tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        find_files(tmp_path / "none")


def indexed(folder: Path, text: str) -> Path:
    for name in ("0.npz", "1.npz", "10.npz"):
        saved(folder, name, logits=random(1, 2))
    path = folder / "index.tsv"
    path.write_text(text)
    return path


def test_an_index_tells_which_file_is_about_which_clip(tmp_path: Path) -> None:
    found = find_files(tmp_path, indexed(tmp_path, "a\t10.npz\nb\t0.npz\nc\t1.npz\n"))
    assert {clip: path.name for clip, path in found.items()} == {"a": "10.npz", "b": "0.npz", "c": "1.npz"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("b\t0.npz\na\t1.npz\n", "is not sorted: line 2 puts 'a' after 'b'; sort its lines by the ids"),
        ("a\t0.npz\na\t1.npz\n", "line 2 of .* names 'a' a second time"),
        ("a\t0.npz\nb\t0.npz\n", "line 2 of .* names '0.npz' a second time"),
        ("a 0.npz\n", "line 1 of .* is not a clip, a tab and a file: 'a 0.npz'"),
        ("a\t5.npz\n", r"line 1 of .* names '5.npz', which is no \.npz or \.safetensors in"),
        ("", "holds no outputs"),
    ],
)
def test_an_index_that_is_not_as_it_should_be_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        find_files(tmp_path, indexed(tmp_path, text))
