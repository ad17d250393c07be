"""Pickles of plain data, read without running anything that they bring.

A pickle is a program. This reader knows its instructions for texts, numbers, lists, tuples, sets and mappings, and,
where they are wanted, what puts numpy arrays of numbers and texts together. It refuses every other one by what it asks
for, before it is obeyed.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np


class _ForeignError(Exception):
    """What a pickle asked for beyond plain data."""


class _NDArray:
    """Stands for ``numpy.ndarray``, which makes arrays of pointers when it is called; here it only names a class."""

    def __new__(cls, *arguments: Any) -> _NDArray:
        raise _ForeignError(f"numpy.ndarray{arguments!r}")

    def __setstate__(self, state: Any) -> None:  # without it a pickle could set the attributes of the class
        raise _ForeignError("numpy.ndarray with a state")


class _DType:
    """Stands for ``numpy.dtype``: numbers and texts, by their name; its state may say the order of the bytes alone."""

    dtype: np.dtype

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or not _NUMBERS_AND_TEXTS.fullmatch(name):
            raise _ForeignError(f"numpy.dtype({name!r})")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        # version, order of the bytes, what it consists of (three), size, alignment, flags: the name settles the rest
        _, order, *parts = state[:5]
        if any(part is not None for part in parts):
            raise _ForeignError("a numpy.dtype of several parts")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray):
    """An array that a pickle fills, once."""

    def __setstate__(self, state: Any) -> None:
        version, shape, dtype, columns_first, content = state
        content, dtype = _bytes(content), _real(dtype)
        if self.size or math.prod(shape) * dtype.itemsize != len(content):
            raise ValueError(f"an array {list(shape)} of {dtype} from {len(content)} bytes")
        super().__setstate__((version, shape, dtype, columns_first, content))


def _real(dtype: Any) -> np.dtype:
    if not isinstance(dtype, _DType):
        raise _ForeignError(f"an array of {dtype!r}")
    return dtype.dtype


def _bytes(content: Any) -> bytes:
    """Those of an array; Python 2 wrote them as a text."""
    if isinstance(content, str):
        return content.encode("latin1")
    if not isinstance(content, (bytes, bytearray)):
        raise _ForeignError(f"an array of a {type(content).__name__}")
    return bytes(content)


def _reconstruct(kind: Any, shape: Any, dtype: Any) -> _Array:
    """An empty array of bytes that its state fills afterwards; of our own class whatever the file asks for."""
    if kind is not _NDArray or shape != (0,) or dtype not in (b"b", "b"):
        raise _ForeignError(f"an array {shape!r} of {dtype!r} that is not filled")
    return _Array((0,), np.int8)


def _scalar(dtype: Any, content: Any) -> Any:
    return np.frombuffer(_bytes(content), _real(dtype))[0]


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return np.frombuffer(_bytes(buffer), _real(dtype)).reshape(shape, order=order).view(_Array)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How protocols before 3 write bytes, those of arrays among them."""
    if encoding != "latin1":
        raise _ForeignError(f"bytes in {encoding!r}")
    return text.encode("latin1")


def _refuse_state(state: Any) -> None:
    raise _ForeignError("a function that it changes")


for _function in (_reconstruct, _scalar, _from_buffer, _encode):
    # A pickle may set the attributes of whatever it got, the defaults of a function among them; this comes before.
    vars(_function)["__setstate__"] = _refuse_state

_NUMBERS_AND_TEXTS = re.compile(r"[<>=|]?[biufcSU][0-9]{1,9}")
# numpy calls its inner package core, since version 2 _core.
_ARRAYS: dict[str, Any] = {"numpy.ndarray": _NDArray, "numpy.dtype": _DType, "_codecs.encode": _encode}
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


def read_plain_pickle(path: Path | str, what: str, *, arrays: bool = False) -> Any:
    """The content of a pickle that holds texts, numbers, lists, tuples, sets and mappings alone.

    Args:
        path: the file.
        what: what it is, for complaints: ``"the labels of CSL-Daily"``.
        arrays: whether it may hold numpy arrays of numbers and texts, and numbers of numpy, too. The arrays come as
            instances of a subclass of ``numpy.ndarray``.

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
