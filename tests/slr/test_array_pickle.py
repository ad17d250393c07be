from __future__ import annotations

import collections
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.plain_pickle import read_plain_pickle


def read(path: Path) -> Any:
    return read_plain_pickle(path, "the annotations", arrays=True)


def written(path: Path, content: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_back_where_they_are_wanted(tmp_path: Path, protocol: int) -> None:
    content = {
        "split": {"train": ["a", "b"]},
        "pair": (1, 2.5, None, True, b"bytes", "Wörter"),
        "array": np.arange(12, dtype=np.float16).reshape(3, 4),
        "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float32(0.5),
        "number": np.int64(7),
        "texts": np.asarray(["x", "yz"]),
    }
    found = read(written(tmp_path / "x.pkl", content, protocol))
    with pytest.raises(ValueError, match=r"asks for \S+ when it is opened, and the labels are plain lists and texts"):
        read_plain_pickle(tmp_path / "x.pkl", "the labels")
    assert found["split"] == content["split"]
    assert found["pair"] == content["pair"]
    assert (found["scalar"], found["number"]) == (0.5, 7)
    for name in ("array", "turned", "texts"):
        np.testing.assert_array_equal(found[name], content[name])
        assert found[name].dtype == content[name].dtype


class _Runs:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


@pytest.mark.parametrize(
    ("call", "arguments", "named"),
    [
        (os.system, ("touch {}",), r"posix\.system|nt\.system"),
        (eval, ("open('{}', 'w')",), r"\w+\.eval"),
        (exec, ("open('{}', 'w')",), r"\w+\.exec"),
        (open, ("{}", "w"), r"io\.open|_io\.open"),
        (getattr, (os, "system"), r"\w+\.getattr"),
        (np.load, ("{}",), r"numpy\.load"),
        (np.save, ("{}", 1), r"numpy\.save"),
        (pickle.loads, (b"",), r"pickle\.loads|_pickle\.loads"),
        (Path, ("{}",), r"pathlib\.\S*Path"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_would_run_code_is_refused_and_does_not_run(
    tmp_path: Path, call: Any, arguments: tuple[Any, ...], named: str, protocol: int
) -> None:
    mark = tmp_path / "mark"
    arguments = tuple(word.format(mark) if isinstance(word, str) else word for word in arguments)
    try:
        path = written(tmp_path / "evil.pkl", {"data": [_Runs(call, *arguments)]}, protocol)
    except (TypeError, pickle.PicklingError):
        pytest.skip("this call cannot be pickled here")
    with pytest.raises(ValueError, match=rf"evil\.pkl asks for ({named}) when it is opened"):
        read(path)
    assert not mark.exists()


def test_an_object_inside_an_array_is_refused_too(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    array = np.asarray([_Runs(os.system, f"touch {mark}"), 1], dtype=object)
    with pytest.raises(ValueError, match="asks for"):
        read(written(tmp_path / "evil.pkl", array))
    assert not mark.exists()


def test_a_class_of_ones_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="asks for"):
        read(written(tmp_path / "x.pkl", collections.Counter("ab")))


def test_what_is_missing_cut_short_or_something_else_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is missing: the annotations should be there"):
        read(tmp_path / "none.pkl")
    whole = pickle.dumps({"a": np.arange(100)})
    (tmp_path / "x.pkl").write_bytes(b"\x8d" + bytes(7) + b"\x01")  # a text of 2 ** 56 bytes
    with pytest.raises(ValueError, match="is damaged, or larger than the memory"):
        read(tmp_path / "x.pkl")
    for content in (b"", b"not a pickle", whole[:50], whole[:-3]):
        (tmp_path / "x.pkl").write_bytes(content)
        with pytest.raises(ValueError, match="is cut short, or no pickle"):
            read(tmp_path / "x.pkl")


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "x.pkl"
    path.write_bytes(content)
    try:
        read(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017 - some bytes are pickles
