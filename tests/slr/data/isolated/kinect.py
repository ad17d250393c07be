"""Made-up ``.skeleton`` files: bodies that sway before a Kinect. Nothing of it was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

# A standing body, joint by joint in the order of the sensor: x to the right, y up, z away, in metres.
_STANDING = np.asarray(
    [
        (0.0, -0.3, 0), (0.0, 0.0, 0), (0.0, 0.3, 0), (0.0, 0.5, 0),
        (-0.2, 0.3, 0), (-0.25, 0.05, 0), (-0.28, -0.2, 0), (-0.29, -0.26, 0),
        (0.2, 0.3, 0), (0.25, 0.05, 0), (0.28, -0.2, 0), (0.29, -0.26, 0),
        (-0.1, -0.35, 0), (-0.12, -0.75, 0), (-0.13, -1.1, 0), (-0.14, -1.15, -0.1),
        (0.1, -0.35, 0), (0.12, -0.75, 0), (0.13, -1.1, 0), (0.14, -1.15, -0.1),
        (0.0, 0.28, 0), (-0.3, -0.32, 0), (-0.27, -0.28, 0), (0.3, -0.32, 0), (0.27, -0.28, 0),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One body: in which frames it is seen, how much it moves, how wide it is, and where it stands."""

    frames: Sequence[int]
    sway: float = 0.1
    width: float = 1.0
    at: tuple[float, float, float] = (0.0, 0.2, 3.0)
    wide_frames: Sequence[int] = field(default=())
    id: str = ""

    def joints(self, frame: int, seed: int = 0) -> np.ndarray:
        """``[25, 3]`` in one frame."""
        chances = np.random.default_rng((seed, frame))
        body = _STANDING * (self.width if frame not in self.wide_frames else 4.0, 1, 1)
        phase = np.linspace(0, 3, 25)[:, None] + 0.3 * frame
        return np.round(body + self.at + self.sway * np.sin(phase) + chances.normal(0, 0.003, (25, 3)), 7)


def skeleton_text(frames: int, figures: Sequence[Figure], seed: int = 0) -> str:
    """The content of a file of so many frames."""
    lines = [str(frames)]
    for frame in range(frames):
        seen = [(index, figure) for index, figure in enumerate(figures) if frame in figure.frames]
        lines.append(str(len(seen)))
        for index, figure in seen:
            body = figure.id or str(72057594037931101 + index)  # beyond what a float64 tells apart
            lines += [f"{body} 0 1 1 1 1 0 0.02 -0.2 2", "25"]
            for x, y, z in figure.joints(frame, seed + index).tolist():
                lines.append(f"{x:.7g} {y:.7g} {z:.7g} 250.1 200.2 960.3 540.4 0.1 0.2 0.3 0.4 2")
    return "\n".join(lines) + "\n"


def plain_text(frames: int, persons: int = 1, seed: int = 0) -> str:
    """A clip in which all persons are seen all the time."""
    figures = [Figure(range(frames), sway=0.1 - 0.04 * n, at=(1.2 * n, 0.2, 3.0)) for n in range(persons)]
    return skeleton_text(frames, figures, seed)
