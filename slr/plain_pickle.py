"""Pickles of plain data, read without running anything that they bring.

A pickle is a program. This reader knows its instructions for texts, numbers, lists, tuples, sets and mappings, and
refuses every other one by what it asks for, before it is obeyed.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise _ForeignError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise _ForeignError(f"an object kept elsewhere ({pid!r})")


class _ForeignError(Exception):
    """What a pickle asked for beyond plain data."""


def read_plain_pickle(path: Path | str, what: str) -> Any:
    """The content of a pickle that holds texts, numbers, lists, tuples, sets and mappings alone.

    Args:
        path: the file.
        what: what it is, for complaints: ``"the labels of CSL-Daily"``.

    Raises:
        ValueError: when there is no such file, it asks for any class or function, or it is cut short or no pickle.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is missing: {what} should be there")
    try:
        with path.open("rb") as file:
            return _Plain(file).load()
    except _ForeignError as foreign:
        raise ValueError(
            f"{path} asks for {foreign} when it is opened, and {what} are plain lists and texts: it was not opened"
        ) from None
    except MemoryError:
        raise
    except Exception as fault:  # what a spoilt pickle raises depends on where it is spoilt, and can be anything
        raise ValueError(f"{path} is cut short, or no pickle ({fault}): copy it again") from fault
