"""Simulated signers: bodies, speeds and looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]

_SKINS: tuple[Colour, ...] = (
    (244, 208, 177), (231, 180, 143), (210, 153, 108), (165, 114, 78), (120, 80, 55), (92, 62, 45),
)  # fmt: skip
_CLOTHES: tuple[Colour, ...] = (
    (35, 38, 48), (60, 72, 96), (84, 40, 52), (48, 66, 54), (96, 96, 102), (28, 52, 92), (70, 58, 44), (110, 82, 108),
)  # fmt: skip
_HAIR: tuple[Colour, ...] = ((30, 24, 20), (78, 52, 32), (150, 116, 70), (120, 120, 120), (96, 40, 24))


@dataclass(frozen=True)
class Signer:
    """How one person looks and moves.

    Lengths are shares of the standard body; ``scale`` is the share of the image width that one shoulder half-width
    covers; ``tempo`` multiplies durations; ``place_offset`` (shoulder half-widths) and ``roll`` (radians) are habits
    of this person.
    """

    name: str
    skin: Colour
    clothes: Colour
    hair: Colour
    background: tuple[Colour, Colour]
    scale: float
    shoulder: float
    hand: float
    head: float
    tempo: float
    amplitude: float
    place_offset: tuple[float, float, float]
    direction_offset: tuple[float, float, float]
    roll: float
    camera_shift: tuple[float, float]
    sway: float


def make_signers(count: int, generator: np.random.Generator) -> tuple[Signer, ...]:
    """Draw ``count`` signers; looks repeat only after the palette is used up."""
    skins = _cycle(_SKINS, count, generator)
    clothes = _cycle(_CLOTHES, count, generator)
    return tuple(_draw_signer(f"Signer{i + 1:02d}", skins[i], clothes[i], generator) for i in range(count))


def _cycle(palette: tuple[Colour, ...], count: int, generator: np.random.Generator) -> list[Colour]:
    rounds = [generator.permutation(len(palette)) for _ in range(-(-count // len(palette)))]
    return [palette[index] for index in np.concatenate(rounds)[:count]]


def _near(colour: Colour, reach: int, generator: np.random.Generator) -> Colour:
    red, green, blue = (int(np.clip(c + generator.integers(-reach, reach + 1), 0, 255)) for c in colour)
    return red, green, blue


def _draw_signer(name: str, skin: Colour, clothes: Colour, generator: np.random.Generator) -> Signer:
    def around(spread: float) -> float:
        return float(generator.normal(0.0, spread))

    grey = generator.integers(110, 200)
    top = _near((int(grey),) * 3, 25, generator)
    return Signer(
        name=name,
        skin=skin,
        clothes=clothes,
        hair=_HAIR[generator.integers(len(_HAIR))],
        background=(top, _near(top, 40, generator)),
        scale=float(generator.uniform(0.235, 0.265)),
        shoulder=float(generator.uniform(0.93, 1.07)),
        hand=float(generator.uniform(0.93, 1.10)),
        head=float(generator.uniform(0.94, 1.06)),
        tempo=float(generator.uniform(0.88, 1.15)),
        amplitude=float(generator.uniform(0.85, 1.15)),
        place_offset=(around(0.07), around(0.07), around(0.05)),
        direction_offset=(around(0.10), around(0.10), around(0.10)),
        roll=around(0.035),
        camera_shift=(around(0.015), around(0.015)),
        sway=float(generator.uniform(0.02, 0.05)),
    )
