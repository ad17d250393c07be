"""Pickles of plain data: numbers, texts, lists, dicts and numpy arrays, and nothing that could run.

A pickle is a program. Those of annotations need to call nothing but numpy's own functions that put an array together;
one that asks for anything else is refused before it can call it.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def _codecs_encode(text: str, encoding: str = "latin1") -> bytes:
    """What Python 2 and old protocols make the bytes of an array with."""
    return text.encode(encoding)


def _reconstruct(kind: type, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An empty array that its state fills afterwards; of numpy's own class whatever the file asks for."""
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def _scalar(dtype: np.dtype, content: bytes = b"") -> Any:
    if dtype.hasobject:
        raise pickle.UnpicklingError("a numpy scalar of objects")
    return np.frombuffer(content, dtype)[0]


_NUMPY: dict[str, Any] = {"_reconstruct": _reconstruct, "scalar": _scalar}
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _codecs_encode,
    **{(f"numpy.{core}.multiarray", name): call for core in ("core", "_core") for name, call in _NUMPY.items()},
    **{
        (f"numpy.{core}.numeric", "_frombuffer"): lambda buffer, dtype, shape, order: np.frombuffer(
            buffer, dtype
        ).reshape(shape, order=order)
        for core in ("core", "_core")
    },
}


class _ForeignError(Exception):
    """The pickle asks for something that is not plain data."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise _ForeignError(f"{module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise _ForeignError("a persistent object")


def read_plain_pickle(path: Path | str) -> Any:
    """The content of a pickle of plain data; it is in memory as a whole.

    Raises:
        ValueError: when there is no such file, it is no pickle, cut short, too large, or asks for anything but plain
            data; one sentence.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file, encoding="latin1").load()
    except _ForeignError as error:
        raise ValueError(
            f"{path} wants to call {error} when it is opened, and annotations need nothing of the kind: it was not read"
        ) from error
    except MemoryError as error:
        raise ValueError(f"{path} is damaged, or larger than the memory of this machine") from error
    except Exception as error:  # what a damaged pickle raises depends on where it is damaged, and can be anything
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(f"{path} is no pickle that can be read ({reason}): take another copy of it") from error
