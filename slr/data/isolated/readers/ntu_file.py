"""The ``.skeleton`` files of NTU RGB+D: what a Kinect saw of everybody in a clip, as text.

The number of frames; for every frame the number of bodies; for every body a line of ten values, the body's ID first,
the number of joints, and for every joint a line of twelve values, x, y and z in metres first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JOINTS = 25
_BODY, _JOINT = 10, 12  # values of a body and of a joint


@dataclass(frozen=True)
class Body:
    """One body that the sensor followed.

    ``frames`` ``[n]`` are the numbers of the frames that show it, ascending; frames that show nobody do not count.
    ``joints`` ``[n, 25, 3]`` are in metres.
    """

    id: str
    frames: NDArray[np.int64]
    joints: NDArray[np.float64]


@dataclass(frozen=True)
class Bodies:
    """Everybody in a clip, in the order in which they appear, and the ``frames`` that show anybody."""

    bodies: tuple[Body, ...]
    frames: int


def parse_skeleton(text: str, name: str) -> Bodies:
    """Read the content of a file; ``name`` is told in complaints.

    A coordinate may be NaN or infinite here; the store decides what becomes of it.

    Raises:
        ValueError: when the content is cut short, longer than it says, or not of this form.
    """
    reader = _Reader(text.split(), name)
    seen: dict[str, tuple[list[int], list[list[float]]]] = {}
    frame = 0
    for number in range(reader.count("the number of frames")):
        people = reader.count(f"the number of bodies in frame {number}")
        for body, joints in (reader.body(number) for _ in range(people)):
            frames, rows = seen.setdefault(body, ([], []))
            if frames and frames[-1] == frame:
                raise ValueError(f"{name} shows body {body} twice in frame {number}: it is damaged")
            frames.append(frame)
            rows.append(joints)
        frame += people > 0
    reader.finish()
    bodies = (
        Body(body, np.asarray(frames), np.asarray(rows).reshape(-1, 3, JOINTS).transpose(0, 2, 1))
        for body, (frames, rows) in seen.items()
    )
    return Bodies(tuple(bodies), frame)


class _Reader:
    """Takes values from a file one after the other."""

    def __init__(self, words: Sequence[str], name: str) -> None:
        self._words = words
        self._name = name
        self._at = 0

    def count(self, what: str) -> int:
        word = self._take(1, what)[0]
        if not word.isdecimal():
            raise ValueError(f"{self._name} has {word!r} where {what} should stand: it is damaged")
        return int(word)

    def body(self, frame: int) -> tuple[str, list[float]]:
        """ID and coordinates of one body: all x, all y, all z."""
        body = self._take(_BODY, f"a body of frame {frame}")[0]
        joints = self.count(f"the number of joints of body {body} in frame {frame}")
        if joints != JOINTS:
            raise ValueError(f"{self._name} gives body {body} {joints} joints in frame {frame}: it should be {JOINTS}")
        words = self._take(JOINTS * _JOINT, f"the joints of body {body} in frame {frame}")
        try:
            return body, [float(word) for axis in range(3) for word in words[axis::_JOINT]]
        except ValueError as fault:
            where = f"{self._name}, body {body} in frame {frame}"
            raise ValueError(f"{where}, has a joint that is no number: {fault}") from fault

    def finish(self) -> None:
        rest = len(self._words) - self._at
        if rest:
            raise ValueError(f"{self._name} goes on for {rest} values after its last frame: it is damaged")

    def _take(self, count: int, what: str) -> Sequence[str]:
        words = self._words[self._at : self._at + count]
        if len(words) < count:
            raise ValueError(f"{self._name} ends before {what}: it is empty or cut short")
        self._at += count
        return words
