"""What a sign is made of: handshape, place, movement, orientation and mouth.

Lengths are in shoulder half-widths of the signer (about 0.19 m), measured from the point between the shoulders; ``x``
grows to the right of the image, ``y`` downwards and ``z`` towards the camera. The dominant hand is the right one,
which a camera sees on the left of the image, so places of the dominant hand have negative ``x``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Handshape:
    """Flexion of thumb, index, middle, ring and little finger (0 straight, 1 closed) and their spread (0 to 1)."""

    flexion: tuple[float, float, float, float, float]
    spread: float


HANDSHAPES: dict[str, Handshape] = {
    "fist": Handshape((0.9, 1.0, 1.0, 1.0, 1.0), 0.0),
    "flat": Handshape((0.2, 0.0, 0.0, 0.0, 0.0), 0.0),
    "five": Handshape((0.0, 0.0, 0.0, 0.0, 0.0), 1.0),
    "index": Handshape((0.9, 0.0, 1.0, 1.0, 1.0), 0.0),
    "vee": Handshape((0.9, 0.0, 0.0, 1.0, 1.0), 1.0),
    "three": Handshape((0.0, 0.0, 0.0, 1.0, 1.0), 1.0),
    "thumb": Handshape((0.0, 1.0, 1.0, 1.0, 1.0), 0.0),
    "why": Handshape((0.0, 1.0, 1.0, 1.0, 0.0), 1.0),
    "little": Handshape((0.9, 1.0, 1.0, 1.0, 0.0), 0.0),
    "ell": Handshape((0.0, 0.0, 1.0, 1.0, 1.0), 0.5),
    "claw": Handshape((0.3, 0.5, 0.5, 0.5, 0.5), 1.0),
    "horns": Handshape((0.9, 0.0, 1.0, 1.0, 0.0), 0.6),
}

# Where the middle of the dominant hand is at the middle of the sign.
PLACES: dict[str, tuple[float, float, float]] = {
    "forehead": (-0.35, -1.55, 0.55),
    "cheek": (-0.55, -1.05, 0.50),
    "mouth": (-0.10, -0.80, 0.65),
    "shoulder": (-0.85, -0.15, 0.45),
    "chest": (-0.25, 0.45, 0.60),
    "neutral": (-0.55, 0.80, 1.00),
    "side": (-1.35, 0.25, 0.70),
    "low": (-0.50, 1.45, 0.70),
    "across": (0.50, 0.30, 0.70),
}

# Where the hand points, from the wrist to the knuckles, and where its palm looks.
ORIENTATIONS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "up-out": ((0.15, -1.0, 0.1), (0.0, 0.1, 1.0)),
    "up-in": ((0.15, -1.0, 0.1), (0.0, 0.1, -1.0)),
    "up-edge": ((0.1, -1.0, 0.2), (1.0, 0.1, 0.0)),
    "across-in": ((1.0, -0.25, 0.1), (0.0, 0.1, -1.0)),
    "across-down": ((1.0, -0.1, 0.2), (0.0, 1.0, 0.15)),
    "forward-down": ((0.2, -0.3, 0.9), (0.0, 1.0, 0.3)),
    "down-in": ((0.2, 1.0, 0.2), (0.0, 0.2, -1.0)),
}


@dataclass(frozen=True)
class Mouth:
    """Opening (height) and width of the mouth as shares of their largest values, 0 to 1."""

    opening: float
    width: float


MOUTHS: dict[str, Mouth] = {
    "closed": Mouth(0.05, 0.60),
    "open": Mouth(1.00, 0.60),
    "round": Mouth(0.60, 0.15),
    "wide": Mouth(0.25, 1.00),
    "teeth": Mouth(0.50, 0.90),
}


def _wave(phase: Array, cycles: float) -> Array:
    return np.sin(2 * np.pi * cycles * phase)


def _column(*parts: Array | float) -> Array:
    return np.stack(np.broadcast_arrays(*parts), axis=-1).astype(np.float64)


@dataclass(frozen=True)
class Movement:
    """A path of the hand and, for some movements, a change of its fingers or its orientation.

    ``path`` maps phases in [0, 1] to displacements ``[N, 3]`` for an amplitude of one; ``flexion`` adds to the
    flexion of all fingers; ``twist`` turns the palm about the pointing direction, in radians.
    """

    path: Callable[[Array], Array]
    flexion: Callable[[Array], Array] | None = None
    twist: Callable[[Array], Array] | None = None


MOVEMENTS: dict[str, Movement] = {
    "hold": Movement(lambda t: _column(0 * t, 0 * t, 0 * t)),
    "tap": Movement(lambda t: _column(0 * t, 0.45 * np.abs(_wave(t, 1.0)) - 0.2, 0.3 * np.abs(_wave(t, 1.0)))),
    "down": Movement(lambda t: _column(0 * t, 1.2 * (t - 0.5), 0 * t)),
    "outward": Movement(lambda t: _column(-1.2 * (t - 0.5), 0 * t, 0 * t)),
    "forward": Movement(lambda t: _column(0 * t, 0.1 * (t - 0.5), 1.8 * (t - 0.5))),
    "arc": Movement(lambda t: _column(1.2 * (t - 0.5), -0.6 * np.sin(np.pi * t) + 0.3, 0 * t)),
    "circle": Movement(lambda t: _column(0.45 * _wave(t, 1.0), -0.45 * np.cos(2 * np.pi * t), 0 * t)),
    "shake": Movement(lambda t: _column(0.30 * _wave(t, 2.0), 0 * t, 0 * t)),
    "close": Movement(lambda t: _column(0 * t, 0.2 * (t - 0.5), 0 * t), flexion=lambda t: 0.9 * t),
    "twist": Movement(lambda t: _column(0 * t, 0 * t, 0 * t), twist=lambda t: 1.6 * _wave(t, 1.0)),
}

HANDS = ("one", "mirrored", "base")


@dataclass(frozen=True)
class Sign:
    """One entry of the lexicon: the parameters of a sign, by name.

    ``hands`` is ``"one"`` (dominant hand alone), ``"mirrored"`` (both hands, mirrored) or ``"base"`` (the other hand
    lies flat and passive below the dominant one). ``tempo`` stretches the sign's duration.
    """

    gloss: str
    handshape: str
    place: str
    movement: str
    orientation: str
    mouth: str
    hands: str
    tempo: float = 1.0

    @property
    def manual(self) -> tuple[str, str, str, str, str]:
        """Everything the hands do, the mouth left out."""
        return (self.handshape, self.place, self.movement, self.orientation, self.hands)
