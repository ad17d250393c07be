"""Pickles of plain data, read without running anything that they bring.

A pickle is a program. This reader knows its instructions for texts, numbers, lists, tuples, sets and mappings, and,
where they are wanted, what puts numpy arrays of numbers and texts together. It refuses every other one by what it asks
for, before it is obeyed.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np


def _reconstruct(kind: type, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An empty array that its state fills afterwards; of numpy's own class whatever the file asks for."""
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def _scalar(dtype: np.dtype, content: bytes = b"") -> Any:
    if dtype.hasobject:
        raise pickle.UnpicklingError("a number that is an object")
    return np.frombuffer(content, dtype)[0]


def _from_buffer(buffer: Any, dtype: np.dtype, shape: tuple[int, ...], order: Any) -> np.ndarray:
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How protocols before 3 write bytes, those of arrays among them."""
    return text.encode(encoding)


# numpy calls its inner package core, since version 2 _core.
_ARRAYS: dict[str, Any] = {"numpy.ndarray": np.ndarray, "numpy.dtype": np.dtype, "_codecs.encode": _encode}
for _core in ("numpy.core", "numpy._core"):
    _ARRAYS |= {
        f"{_core}.multiarray._reconstruct": _reconstruct,
        f"{_core}.multiarray.scalar": _scalar,
        f"{_core}.numeric._frombuffer": _from_buffer,
    }
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class _Plain(pickle.Unpickler):
    allowed = _NOTHING

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in self.allowed:
            raise _ForeignError(f"{module}.{name}")
        return self.allowed[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> Any:
        raise _ForeignError(f"an object kept elsewhere ({pid!r})")


class _PlainWithArrays(_Plain):
    allowed = _ARRAYS


class _ForeignError(Exception):
    """What a pickle asked for beyond plain data."""


def read_plain_pickle(path: Path | str, what: str, *, arrays: bool = False) -> Any:
    """The content of a pickle that holds texts, numbers, lists, tuples, sets and mappings alone.

    Args:
        path: the file.
        what: what it is, for complaints: ``"the labels of CSL-Daily"``.
        arrays: whether it may hold numpy arrays of numbers and texts, and numbers of numpy, too.

    Raises:
        ValueError: when there is no such file, it asks for any other class or function, or it is cut short, no pickle,
            or larger than the memory.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is missing: {what} should be there")
    try:
        with path.open("rb") as file:
            # Arrays that Python 2 wrote are texts of the bytes that they consist of.
            return _PlainWithArrays(file, encoding="latin1").load() if arrays else _Plain(file).load()
    except _ForeignError as foreign:
        plain = "plain lists, texts and arrays" if arrays else "plain lists and texts"
        raise ValueError(
            f"{path} asks for {foreign} when it is opened, and {what} are {plain}: it was not opened"
        ) from None
    except MemoryError as fault:  # a spoilt pickle may announce any length
        raise ValueError(f"{path} is damaged, or larger than the memory of this machine") from fault
    except Exception as fault:  # what a spoilt pickle raises depends on where it is spoilt, and can be anything
        raise ValueError(f"{path} is cut short, or no pickle ({fault}): copy it again") from fault
