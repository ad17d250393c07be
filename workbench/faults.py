"""What is wrong with a configuration: every fault with its place, all of them in one error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    ``place`` is the way from the top of the configuration to the value; ``origin`` says who wrote it, a
    ``file.yaml:line`` or ``command line``, where that is known. A ``fatal`` fault means that nothing at its place could
    be read, so that what else seems wrong there is only its consequence.
    """

    place: Place
    message: str
    origin: str = ""
    fatal: bool = False

    def __str__(self) -> str:
        where = dotted(self.place)
        origin = f" ({self.origin})" if self.origin else ""
        return f"{where}{origin}: {self.message}" if where else f"{self.message}{origin}"


class ConfigError(ValueError):
    """A configuration cannot be used; ``faults`` lists everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault], title: str = "The configuration") -> None:
        self.faults = list(faults)
        assert self.faults, "an error without a fault"
        self.title = title
        super().__init__(str(self))

    def __str__(self) -> str:
        count = len(self.faults)
        lines = [f"{self.title} has {count} {'fault' if count == 1 else 'faults'}:"]
        return "\n".join([*lines, *(f"  {fault}" for fault in self.faults)])


def dotted(place: Sequence[str | int]) -> str:
    """A place as it is written in an override word: ``student.stages.0.epochs``."""
    return ".".join(str(key) for key in place)


def did_you_mean(word: str, choices: Iterable[str], *, num: int = 3) -> str:
    """A clause naming the nearest choices, or all of them when none is near and they are few; empty when none helps."""
    names = sorted(set(choices))
    folded = {name.casefold() for name in names}
    near = difflib.get_close_matches(word.casefold(), sorted(folded), n=num, cutoff=0.6)
    close = [name for fold in near for name in names if name.casefold() == fold]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; known here: {', '.join(names)}" if 0 < len(names) <= 20 else ""


def shown(value: Any, limit: int = 60) -> str:
    """A value as a message shows it: text in quotes, long ones cut."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
