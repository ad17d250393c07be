"""Clips with a class, for losses that read it."""

from __future__ import annotations

from tests.losses import CASES, Example

GIVEN = next(case for case in CASES if case.label == "CrossEntropy")


def some(clips: int = 4) -> Example:
    """Clips of one step each, of the classes 0, 1, 2, ..."""
    return GIVEN.example(steps=(1,) * clips)


def scores(given: Example, tap: str = "logits", *, teacher: bool = False) -> list[list[float]]:
    network = given.teacher if teacher else given.student
    return [clip[0].tolist() for clip in network.read(tap).unpad()]


def labels(given: Example) -> list[int]:
    assert given.batch.labels is not None
    return given.batch.labels.tolist()
