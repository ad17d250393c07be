"""What a file says about one clip, and the places in it that are named when it says something else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

NO_GLOSS = "[EMPTY]"  # written where nothing was recognised, as the organisers' pipelines do
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")  # float() would take 1_000 and nan as well
_SHOWN = 80


@dataclass(frozen=True)
class Transcript:
    """The glosses of one clip, and what else its file says.

    Attributes:
        glosses: from first to last.
        signer: who signs.
        times: start and end of each gloss in seconds.
        confidences: a number between 0 and 1 for each gloss.
        channel: the second column of STM and CTM files.
        span: start and end of the clip in seconds, from an STM file.
        label: an STM file's ``<...>`` in front of the glosses.
    """

    glosses: tuple[str, ...]
    signer: str | None = None
    times: tuple[tuple[float, float], ...] | None = None
    confidences: tuple[float, ...] | None = None
    channel: str | None = None
    span: tuple[float, float] | None = None
    label: str | None = None


class Line(NamedTuple):
    """A line with its place, for messages."""

    path: Path
    number: int
    text: str

    def fault(self, expected: str) -> ValueError:
        """The error of a line that says something else than ``expected``."""
        shown = self.text if len(self.text) <= _SHOWN else self.text[: _SHOWN - 3] + "..."
        return ValueError(f"{self.path}, line {self.number}: expected {expected}, got {shown!r}")

    def number_of(self, text: str, expected: str, most: float = float("inf")) -> float:
        """The number that ``text`` is, from 0 to ``most``."""
        value = float(text) if _NUMBER.fullmatch(text) else -1.0
        if not 0 <= value <= most or value == float("inf"):
            raise self.fault(expected)
        return value

    def glosses(self, words: Iterable[str]) -> tuple[str, ...]:
        """``words`` as glosses; ``[EMPTY]`` alone is none."""
        glosses = tuple(words)
        if NO_GLOSS not in glosses:
            return glosses
        if len(glosses) > 1:
            raise self.fault(f"{NO_GLOSS} to stand alone, in place of glosses")
        return ()


Entry = tuple[Line, str, Transcript]


def once(entries: Iterable[Entry]) -> dict[str, Transcript]:
    """Transcripts by clip, each clip once.

    Raises:
        ValueError: when a clip has no id or comes twice.
    """
    found: dict[str, Transcript] = {}
    places: dict[str, int] = {}
    for line, clip, transcript in entries:
        if not clip:
            raise line.fault("the id of a clip in front")
        if clip in found:
            raise line.fault(f"every clip once, but {clip!r} is on line {places[clip]} already")
        found[clip], places[clip] = transcript, line.number
    return found
