"""A dict that ``numpy.save`` wrote, such as ``gloss_dict.npy`` of VAC, read without running what its pickle brings."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO

from numpy.lib import format as npy


class _Array:
    """Stands for the array around the dict, and keeps what it was given."""

    def __init__(self, *arguments: object) -> None:
        self.content: Any = None

    def __setstate__(self, state: Any) -> None:
        # version, shape, dtype, order, and the elements as a list
        if isinstance(state, tuple) and len(state) == 5 and isinstance(state[4], list):
            self.content = state[4]


class _Inert:
    def __init__(self, *arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


_KNOWN: dict[tuple[str, str], type] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Inert,
    ("numpy", "dtype"): _Inert,
    ("_codecs", "encode"): _Inert,  # bytes, in old protocols
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _KNOWN:
            raise _ForeignError(f"{module}.{name}")
        return _KNOWN[module, name]


class _ForeignError(Exception):
    """The pickle wants something that a dict of plain data does not need."""


def read_numpy_dict(path: Path) -> dict[Any, Any]:
    """The dict of plain Python data in an ``.npy`` file.

    Raises:
        ValueError: when the file is damaged, holds anything else, or brings code; one sentence.
        OSError: when there is no such file.
    """
    with path.open("rb") as file:
        try:
            _skip_header(file)
            array = _Restricted(file).load()
        except _ForeignError as error:
            raise ValueError(f"{path} wants to run '{error}' when it is opened: it was not opened") from error
        except MemoryError:
            raise
        except Exception as error:  # a damaged pickle can raise anything
            raise ValueError(f"{path} is damaged or no dict that numpy saved: download it again") from error
    content = array.content if isinstance(array, _Array) else None
    if not (isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict)):
        raise ValueError(f"{path} holds no dict: what is read is a dict that numpy.save wrote")
    return content[0]


def _skip_header(file: BinaryIO) -> None:
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
    shape, _, dtype = read(file)
    if shape != () or not dtype.hasobject:
        raise ValueError("an array of numbers")
