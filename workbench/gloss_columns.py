"""Which column of another code base's scores is which gloss of ours: matched by name, never by place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slr.released import read_numpy_dict
from slr.vocabulary import BLANK, Vocabulary

# A gloss that the teacher cannot write gets a score this far below the lowest of the step: its posterior is less than
# 3e-9 of that of the least likely gloss, and unlike -inf it can be stored, softened and differentiated.
FLOOR = 20.0


@dataclass(frozen=True)
class GlossColumns:
    """How foreign scores become scores over our vocabulary.

    Attributes:
        names: gloss of every foreign column; None is the blank.
        sources: for every class of ours, blank first, its foreign column; -1 where there is none.
        lacking: glosses of ours that the teacher cannot write, in our order.
        unused: glosses of the teacher that are none of ours, in its order.
    """

    names: tuple[str | None, ...]
    sources: tuple[int, ...]
    lacking: tuple[str, ...]
    unused: tuple[str, ...]

    @classmethod
    def matched(cls, names: Sequence[str | None], vocabulary: Vocabulary) -> GlossColumns:
        """Match the glosses of foreign columns, one of them the blank (None), to a vocabulary."""
        column = {name: index for index, name in enumerate(names)}
        ours = (None, *vocabulary.glosses)
        return cls(
            tuple(names),
            tuple(column.get(name, -1) for name in ours),
            tuple(gloss for gloss in vocabulary.glosses if gloss not in column),
            tuple(name for name in names if name is not None and name not in vocabulary),
        )

    def ours(self, scores: Tensor) -> Tensor:
        """Foreign scores ``[S, columns]`` as scores ``[S, V]`` over our vocabulary, the blank first.

        Columns of glosses that are none of ours are dropped, so that a softmax shares their probability among the rest.
        A gloss that the teacher lacks gets a score :data:`FLOOR` below the lowest of its step.
        """
        sources = torch.tensor(self.sources)
        known = scores[:, sources.clamp(min=0)]
        if not self.lacking:
            return known
        lowest = scores[:, sources[sources >= 0]].amin(dim=-1, keepdim=True)
        return torch.where(sources < 0, lowest - FLOOR, known)


def read_columns(path: Path, columns: int, blank: int, vocabulary: Vocabulary) -> tuple[str | None, ...]:
    """The gloss of every one of ``columns`` scores, None for the blank.

    The file holds one gloss per line or a JSON list, in the order of the columns, the blank left out or in its place;
    or a JSON object that gives the column of every gloss, or VAC's ``gloss_dict.npy``, which gives it with a count.

    Args:
        path: the file.
        columns: width of the scores.
        blank: column of the blank; -1 is the last one.
        vocabulary: ours; the blank must bear none of its names.

    Raises:
        ValueError: when the list is damaged, of another size, or names a gloss twice or as the blank.
        OSError: when there is no such file.
    """
    at = blank + columns if blank < 0 else blank
    if not 0 <= at < columns:
        raise ValueError(f"the blank cannot be column {blank} of {columns}: columns count from 0, and -1 is the last")
    listed = _listed(path)
    names: list[str | None] = _by_column(path, listed, columns) if isinstance(listed, dict) else list(listed)
    if len(names) == columns - 1 and not isinstance(listed, dict):
        names.insert(at, None)
    if len(names) != columns:
        raise ValueError(
            f"{path} lists {len(names)} glosses and the logits have {columns} columns: list the gloss of every column, "
            f"{columns - 1} without the blank or {columns} with it"
        )
    _check_blank(path, names[at], at, vocabulary)
    names[at] = None
    return _checked(path, names)


def count_listed(path: Path) -> int:
    """How many glosses a file lists that :func:`read_columns` reads.

    Raises:
        ValueError: when it is damaged.
        OSError: when there is no such file.
    """
    return len(_listed(path))


def _listed(path: Path) -> list[str] | dict[str, int]:
    if path.suffix == ".npy":
        entries = {gloss: entry[0] if isinstance(entry, list) and entry else entry
                   for gloss, entry in read_numpy_dict(path).items()}  # fmt: skip
        return _checked_entries(path, entries)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no list of glosses in UTF-8 ({error})") from error
    if not text.lstrip().startswith(("[", "{")):
        return [line.strip() for line in text.splitlines()]
    try:
        content: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged JSON ({error}): write one gloss per line, or a JSON list") from error
    return _checked_entries(path, content)


def _checked_entries(path: Path, content: Any) -> list[str] | dict[str, int]:
    entries = list(content.values()) if isinstance(content, dict) else content
    kind = int if isinstance(content, dict) else str
    wrong = next((entry for entry in entries if not isinstance(entry, kind) or isinstance(entry, bool)), None)
    if wrong is None and isinstance(content, dict):
        wrong = next((name for name in content if not isinstance(name, str)), None)
    if wrong is not None:
        raise ValueError(
            f"{path} holds {wrong!r}: a list names the gloss of every column, an object or a dict the column of every "
            "gloss"
        )
    return content


def _by_column(path: Path, listed: dict[str, int], columns: int) -> list[str | None]:
    names: list[str | None] = [None] * columns
    for gloss, column in listed.items():
        if not 0 <= column < columns:
            raise ValueError(
                f"{path} puts {gloss!r} in column {column}, and the logits have columns 0 to {columns - 1}"
            )
        if names[column] is not None:
            raise ValueError(f"{path} puts {names[column]!r} and {gloss!r} in the same column {column}")
        names[column] = gloss
    if len(listed) < columns - 1:
        raise ValueError(
            f"{path} lists {len(listed)} glosses and the logits have {columns} columns: every column but the blank's "
            "has a gloss"
        )
    return names


def _check_blank(path: Path, name: str | None, at: int, vocabulary: Vocabulary) -> None:
    if name is not None and name in vocabulary:
        raise ValueError(
            f"{path} calls column {at} {name!r}, a gloss of the corpus, and that column is said to be the blank: say "
            "with --blank which one it is"
        )


def _checked(path: Path, names: list[str | None]) -> tuple[str | None, ...]:
    if names.count(None) > 1:  # only an object leaves columns out
        without = [column for column, name in enumerate(names) if name is None]
        raise ValueError(f"{path} names no gloss for the columns {', '.join(map(str, without))}, and only one is blank")
    glosses = [name for name in names if name is not None]
    repeated = sorted(name for name, count in Counter(glosses).items() if count > 1)
    if repeated:
        raise ValueError(
            f"{path} names {', '.join(map(repr, repeated[:5]))} twice: every column has a gloss of its own"
        )
    try:
        Vocabulary(tuple(glosses))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return tuple(names)


assert BLANK == 0, "sources begin with the blank"
