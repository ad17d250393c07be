from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.plain_pickle import read_plain_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner) | st.frozensets(st.text())
    ),
    max_leaves=20,
)


@given(content=PLAIN, protocol=st.sampled_from([2, 3, 4, 5]))
def test_plain_data_of_any_protocol_are_read(
    tmp_path_factory: pytest.TempPathFactory, content: Any, protocol: int
) -> None:
    path = tmp_path_factory.mktemp("plain") / "labels.pkl"
    if protocol < 4 and _holds(content, (bytes, frozenset)):
        return  # written as calls of codecs.encode or frozenset in these
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    assert read_plain_pickle(path, "the labels") == content


def _holds(content: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(content, dict):
        content = list(content.values())
    return isinstance(content, kinds) or (
        isinstance(content, list | tuple) and any(_holds(one, kinds) for one in content)
    )


class Trap:
    """Makes a folder when it is unpickled by a reader that trusts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_not_run_and_named(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "labels.pkl"
    path.write_bytes(pickle.dumps({"info": [Trap(tmp_path / "sprung")]}, protocol=protocol))
    with pytest.raises(
        ValueError, match=r"labels\.pkl asks for (posix|nt)\.mkdir when it is opened, and the labels are"
    ):
        read_plain_pickle(path, "the labels")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "foreign", [OrderedDict(a=1), torch.zeros(2), pickle.Pickler, Path("x")], ids=lambda one: type(one).__name__
)
def test_anything_but_plain_data_is_refused(tmp_path: Path, foreign: object) -> None:
    path = tmp_path / "labels.pkl"
    path.write_bytes(pickle.dumps([foreign]))
    with pytest.raises(ValueError, match="it was not opened"):
        read_plain_pickle(path, "the labels")


class _Elsewhere(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return "shelf" if obj == "kept" else None


def test_objects_kept_elsewhere_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.pkl"
    with path.open("wb") as file:
        _Elsewhere(file).dump(["kept"])
    with pytest.raises(ValueError, match=r"asks for an object kept elsewhere \('shelf'\)"):
        read_plain_pickle(path, "the labels")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels\.pkl is missing: the labels should be there"):
        read_plain_pickle(tmp_path / "labels.pkl", "the labels")


def test_a_pickle_cut_anywhere_is_refused_in_a_sentence(tmp_path: Path) -> None:
    whole = pickle.dumps({"info": [{"name": "S1", "label_gloss": ["a", "b"]}] * 3})
    path = tmp_path / "labels.pkl"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"labels\.pkl is cut short, or no pickle"):
            read_plain_pickle(path, "the labels")


@given(st.binary(max_size=60))
def test_any_bytes_are_plain_data_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "labels.pkl"
    path.write_bytes(content)
    said = str(path)
    try:
        read_plain_pickle(path, "the labels")
    except ValueError as fault:
        said = str(fault)
    assert str(path) in said
