from __future__ import annotations

import codecs
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

_reconstruct, _scalar = np.arange(0).__reduce__()[0], np.int64(0).__reduce__()[0]


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


class _Built:
    """Pickled as a call, and a state if there is one."""

    def __init__(self, call: Any, arguments: tuple[Any, ...], state: Any = None) -> None:
        self.reduced = (call, arguments) if state is None else (call, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def dtype_of(name: str, *parts: Any, order: str = "|", size: int = -1, flags: int = 0) -> _Built:
    return _Built(np.dtype, (name, False, True), (3, order, *(parts or (None,) * 3), size, -1, flags))


def array_of(dtype: Any, content: Any, shape: tuple[int, ...] = (1,), empty: Any = (np.ndarray, (0,), b"b")) -> _Built:
    return _Built(_reconstruct, empty, (1, shape, dtype, False, content))


POINTER, OBJECT = bytes(8), dtype_of("O8", flags=63)


@pytest.mark.parametrize(
    ("evil", "named"),
    [
        (_Built(np.ndarray, ((1,), OBJECT, POINTER)), r"numpy\.dtype\('O8'\)"),
        (_Built(np.ndarray, ((1,), dtype_of("i8"), POINTER)), r"numpy\.ndarray\(\("),
        (array_of(OBJECT, POINTER), r"numpy\.dtype\('O8'\)"),
        (array_of(OBJECT, [1]), r"numpy\.dtype\('O8'\)"),
        (_Built(_reconstruct, (np.ndarray, (0,), OBJECT)), r"numpy\.dtype\('O8'\)"),
        (_Built(_reconstruct, (np.ndarray, (1,), b"O")), r"an array \(1,\) of b'O' that is not filled"),
        (_Built(_reconstruct, (np.ndarray, (0,), b"O")), r"an array \(0,\) of b'O' that is not filled"),
        (_Built(_reconstruct, (np.ndarray, (9,), b"b")), r"an array \(9,\) of b'b' that is not filled"),
        (_Built(_scalar, (OBJECT, POINTER)), r"numpy\.dtype\('O8'\)"),
        (_Built(np.dtype, ([("a", "O")],)), r"numpy\.dtype\(\[\('a', 'O'\)\]\)"),
        (_Built(np.dtype, ("f8,O",)), r"numpy\.dtype\('f8,O'\)"),
        (
            array_of(dtype_of("V8", None, ("a",), {"a": (OBJECT, 0)}, size=8, flags=63), POINTER),
            r"numpy\.dtype\('(O8|V8)'\)",
        ),
        (dtype_of("i8", None, ("a",), {"a": (dtype_of("i8"), 0)}, size=8, flags=63), "a numpy.dtype of several parts"),
        (dtype_of("i8", (dtype_of("i8"), (2,)), None, None), "a numpy.dtype of several parts"),
        (array_of("O8", POINTER), "an array of 'O8'"),
        (array_of(dtype_of("i8"), [1]), "an array of a list"),
        (_Built(codecs.encode, ("a", "utf-16")), "bytes in 'utf-16'"),
    ],
)
def test_no_pointer_and_no_length_is_made_of_the_bytes_of_a_file(tmp_path: Path, evil: _Built, named: str) -> None:
    for protocol in (2, 4):
        with pytest.raises(ValueError, match=rf"evil\.pkl asks for ({named}).* when it is opened"):
            read(written(tmp_path / "evil.pkl", [evil], protocol))


def test_a_state_changes_neither_the_size_of_a_number_nor_what_it_is(tmp_path: Path) -> None:
    wide = dtype_of("i8", order=">", size=800, flags=63)
    (found,) = read(written(tmp_path / "x.pkl", [array_of(wide, bytes(7) + b"\x05")]))
    assert (found.itemsize, found.dtype.hasobject, found.tolist()) == (8, False, [5])
    for shape in ((2,), (100,), (1, 0)):
        with pytest.raises(ValueError, match=r"is cut short, or no pickle \(an array .* of int64 from 8 bytes\)"):
            read(written(tmp_path / "x.pkl", [array_of(dtype_of("i8"), bytes(8), shape)]))


def test_an_array_is_filled_once(tmp_path: Path) -> None:
    # the second state of an array would free what a view of it still reads
    once = pickle.dumps(np.arange(3), protocol=2)
    state = once[once.index(b"(", once.index(b"R") + 1) : -1]
    (tmp_path / "x.pkl").write_bytes(once[:-1] + state + b".")
    with pytest.raises(ValueError, match="is cut short, or no pickle"):
        read(tmp_path / "x.pkl")


@pytest.mark.parametrize("name", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_a_function_keeps_its_defaults(tmp_path: Path, name: str) -> None:
    evil = f"c{name}\nscalar\n".encode() + b"N}X\x0c\x00\x00\x00__defaults__)s\x86b."
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02" + evil)
    with pytest.raises(ValueError, match="asks for a function that it changes"):
        read(tmp_path / "x.pkl")


def test_files_of_numpy_1_and_2_and_of_python_2_are_read(tmp_path: Path) -> None:
    content = {"array": np.arange(6.0, dtype=">f4").reshape(2, 3), "scalar": np.int64(7)}
    today = pickle.dumps(content, protocol=2)
    core = np.arange(0).__reduce__()[0].__module__.encode()  # of the numpy that is installed
    for package in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        (tmp_path / "x.pkl").write_bytes(today.replace(core, package))
        found = read(tmp_path / "x.pkl")
        np.testing.assert_array_equal(found["array"], content["array"])
        assert found["scalar"] == 7
    # numpy.array([1.0, -2.0], "f4") and numpy.int64(7), protocol 2 of Python 2.7, where bytes are texts (U)
    dtype = b"cnumpy\ndtype\nU\x02%bK\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85"
    filled = array + dtype % b"f4" + b"\x89U\x08" + np.asarray([1, -2], "<f4").tobytes() + b"tb"
    scalar = b"cnumpy.core.multiarray\nscalar\n" + dtype % b"i8" + b"U\x08" + bytes([7] + [0] * 7) + b"\x86R"
    (tmp_path / "x.pkl").write_bytes(b"\x80\x02" + filled + scalar + b"\x86.")
    values, number = read(tmp_path / "x.pkl")
    assert (values.tolist(), values.dtype, number) == ([1.0, -2.0], np.float32, 7)


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
