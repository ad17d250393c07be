"""The RGB view of a made corpus: a signer drawn with Pillow at twice the size, then reduced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from slr.synthesis.camera import Camera
from slr.synthesis.hand import PALM
from slr.synthesis.motion import Motion
from slr.synthesis.phonology import Array
from slr.synthesis.signers import Colour, Signer

_OVERSAMPLING = 2
_SHUTTER = 0.28  # share of the previous frame that a frame still shows: motion blur
_FINGERS = tuple(tuple(range(1 + 4 * finger, 5 + 4 * finger)) for finger in range(5))
_PALM_OUTLINE = (0, 1, 5, 9, 13, 17)


@dataclass(frozen=True)
class _Look:
    skin: Colour
    palm: Colour
    crease: Colour
    sleeve: Colour
    hair: Colour
    clothes: Colour


def render(motion: Motion, signer: Signer, camera: Camera) -> NDArray[np.uint8]:
    """Frames ``[T, H, W, 3]`` of a motion."""
    look = _look(signer)
    big = _Big(camera)
    backdrop = _backdrop(signer, camera)
    frames = np.empty((len(motion), camera.height, camera.width, 3), np.uint8)
    previous: NDArray[np.float32] | None = None
    for index in range(len(motion)):
        image = backdrop.copy()
        _draw_signer(ImageDraw.Draw(image), motion, index, look, big, signer)
        sharp = np.asarray(image.reduce(_OVERSAMPLING), np.float32)
        shown = sharp if previous is None else (1 - _SHUTTER) * sharp + _SHUTTER * previous
        frames[index] = np.rint(shown)
        previous = sharp
    return frames


class _Big:
    """The camera of the oversampled drawing, as lists of integer-friendly tuples."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera

    def points(self, points: Array) -> list[tuple[float, float]]:
        pixels = (self.camera.project(points) + 0.5) * _OVERSAMPLING
        return [(float(x), float(y)) for x, y in pixels]

    def length(self, share: float, at: Array) -> float:
        return share * float(self.camera.magnification(at)) * _OVERSAMPLING


def _backdrop(signer: Signer, camera: Camera) -> Image.Image:
    height, width = camera.height * _OVERSAMPLING, camera.width * _OVERSAMPLING
    top, bottom = (np.array(colour, np.float32) for colour in signer.background)
    fall = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    rows = (1 - fall) * top + fall * bottom
    return Image.fromarray(np.broadcast_to(rows, (height, width, 3)).round().astype(np.uint8))


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(np.clip(channel * factor, 0, 255)) for channel in colour)
    return red, green, blue


def _look(signer: Signer) -> _Look:
    lighter = tuple(int(0.75 * channel + 0.25 * 250) for channel in signer.skin)
    return _Look(
        skin=signer.skin,
        palm=(lighter[0], lighter[1], lighter[2]),
        crease=_shade(signer.skin, 0.45),
        sleeve=_shade(signer.clothes, 1.25),
        hair=signer.hair,
        clothes=signer.clothes,
    )


def _draw_signer(draw: ImageDraw.ImageDraw, motion: Motion, index: int, look: _Look, big: _Big, signer: Signer) -> None:
    _draw_torso(draw, motion, index, look, big)
    _draw_head(draw, motion.head[index], motion.mouth[index], look, big, signer)
    for side in np.argsort(motion.hands[index, :, 0, 2]):  # the hand nearer to the camera is drawn last
        _draw_arm(draw, motion.arms[index, side], look, big)
        _draw_hand(draw, motion.hands[index, side], motion.palms[index, side], look, big, signer.hand)


def _draw_torso(draw: ImageDraw.ImageDraw, motion: Motion, index: int, look: _Look, big: _Big) -> None:
    right, left = motion.arms[index, 0, 0], motion.arms[index, 1, 0]
    neck = (right + left) / 2
    corners = np.array(
        [
            neck + (-0.30, -0.32, 0), neck + (0.30, -0.32, 0), left + (0.10, -0.10, 0), left + (0.16, 0.25, 0),
            left + (-0.12, 3.2, 0), right + (0.12, 3.2, 0), right + (-0.16, 0.25, 0), right + (-0.10, -0.10, 0),
        ]
    )  # fmt: skip
    draw.line(
        big.points(np.stack([neck + (0, 0.05, 0), motion.head[index]])),
        fill=_shade(look.skin, 0.85),
        width=round(big.length(0.55, neck)),
    )
    draw.polygon(big.points(corners), fill=look.clothes)


def _draw_head(draw: ImageDraw.ImageDraw, head: Array, mouth: Array, look: _Look, big: _Big, signer: Signer) -> None:
    unit = big.length(signer.head, head)
    x, y = big.points(head[None])[0]

    def oval(dx: float, dy: float, rx: float, ry: float, colour: Colour) -> None:
        draw.ellipse(
            (x + (dx - rx) * unit, y + (dy - ry) * unit, x + (dx + rx) * unit, y + (dy + ry) * unit), fill=colour
        )

    oval(0, -0.12, 0.52, 0.66, look.hair)
    oval(0, 0.02, 0.44, 0.58, look.skin)
    for side in (-1, 1):
        oval(side * 0.17, -0.08, 0.075, 0.045, (250, 250, 250))
        oval(side * 0.17, -0.08, 0.035, 0.045, (40, 30, 30))
    oval(0, 0.10, 0.05, 0.07, _shade(look.skin, 0.85))
    opening, width = float(mouth[0]), float(mouth[1])
    oval(0, 0.32, 0.07 + 0.17 * width, 0.035 + 0.145 * opening, (150, 60, 60))
    oval(0, 0.32, 0.03 + 0.16 * width, 0.105 * opening, (45, 15, 20))


def _limb(draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], colour: Colour, width: float) -> None:
    draw.line(points, fill=colour, width=max(1, round(width)))
    radius = width / 2
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _draw_arm(draw: ImageDraw.ImageDraw, arm: Array, look: _Look, big: _Big) -> None:
    width = big.length(0.42, arm[1])
    _limb(draw, big.points(arm[:2]), _shade(look.clothes, 0.8), width * 1.15)
    _limb(draw, big.points(arm[:2]), look.sleeve, width)
    forearm = arm[1] + np.array([0.0, 0.82])[:, None] * (arm[2] - arm[1])
    _limb(draw, big.points(forearm), _shade(look.clothes, 0.8), width * 0.95)
    _limb(draw, big.points(forearm), look.sleeve, width * 0.8)
    _limb(draw, big.points(np.stack([forearm[1], arm[2]])), look.skin, width * 0.55)


def _draw_hand(draw: ImageDraw.ImageDraw, hand: Array, palm: Array, look: _Look, big: _Big, size: float) -> None:
    shows_palm = palm[2] > 0
    colour = look.palm if shows_palm else look.skin
    finger_width = big.length(0.125 * PALM / 0.5 * size, hand[9])
    pixels = big.points(hand)
    # Fingers that bend away from the camera lie behind the palm, the others before it.
    behind = [finger for finger in _FINGERS if hand[list(finger[1:]), 2].mean() < hand[finger[0], 2] - 0.02]
    before = [finger for finger in _FINGERS if finger not in behind]
    for finger in sorted(behind, key=lambda joints: hand[joints[-1], 2]):
        _draw_finger(draw, [pixels[joint] for joint in finger], _shade(colour, 0.86), look.crease, finger_width)
    outline = [pixels[joint] for joint in _PALM_OUTLINE]
    draw.polygon(outline, fill=colour)
    draw.line([*outline, outline[0]], fill=look.crease, width=max(1, round(finger_width * 0.35)), joint="curve")
    _limb(draw, [pixels[0], pixels[9]], colour, finger_width * 1.6)
    for finger in sorted(before, key=lambda joints: hand[joints[-1], 2]):
        _draw_finger(draw, [pixels[joint] for joint in finger], colour, look.crease, finger_width)


def _draw_finger(
    draw: ImageDraw.ImageDraw, joints: list[tuple[float, float]], colour: Colour, crease: Colour, width: float
) -> None:
    _limb(draw, joints, crease, width * 1.5)
    _limb(draw, joints, colour, width)
