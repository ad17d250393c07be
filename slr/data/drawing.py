"""Frames drawn from keypoints, for recordings of which only the joints are at hand.

A drawn frame holds nothing that the joints do not say. Whoever shows such frames to a network says so: the names of
the corpora that do end in "rendered frames".
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from slr.skeleton import SkeletonLayout

_OVERSAMPLING = 2
_BACKGROUND = (24, 24, 32)
_Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Strokes:
    """How thick things are drawn, in pixels: the radius of a joint's disc, and the width of bones, 0 for none.

    In three dimensions what is nearer is drawn later and brighter; ``depth`` is the range of z, in pixels to either
    side of the plane of the picture, over which brightness changes.
    """

    radius: float
    bone: float = 0.0
    depth: float = 50.0


def draw_joints(pose: Tensor, layout: SkeletonLayout, size: tuple[int, int], strokes: Strokes) -> Tensor:
    """Frames ``[T, 3, H, W]`` uint8 of ``size`` (width, height) with the joints ``[T, J, C]`` in pixels.

    Every group of the layout has its own colour. Missing joints, and bones that lack an end, are not drawn.
    """
    width, height = size
    if not len(pose):
        return torch.zeros(0, 3, height, width, dtype=torch.uint8)
    frames = np.stack([_frame(joints, layout, size, strokes) for joints in pose.numpy().astype(np.float64)])
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous()


def _frame(joints: np.ndarray, layout: SkeletonLayout, size: tuple[int, int], strokes: Strokes) -> np.ndarray:
    image = Image.new("RGB", (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    places = (joints[:, :2] + 0.5) * _OVERSAMPLING
    near = joints[:, 2] if joints.shape[1] > 3 else np.zeros(len(joints))
    present, colours = joints[:, -1] > 0, _colours(layout)

    def line(parent: int, child: int) -> None:
        ends = [(float(x), float(y)) for x, y in places[[parent, child]]]
        draw.line(ends, fill=_shade(colours[child], near[child], strokes), width=round(strokes.bone * _OVERSAMPLING))

    def disc(joint: int) -> None:
        (x, y), radius = places[joint], strokes.radius * _OVERSAMPLING
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), _shade(colours[joint], near[joint], strokes))

    strokes_by_depth: list[tuple[float, Callable[[], None]]] = [
        (near[joint], partial(disc, int(joint))) for joint in np.flatnonzero(present)
    ]
    if strokes.bone > 0:
        bones = [(parent, child) for parent, child in layout.bones if present[parent] and present[child]]
        strokes_by_depth += [
            ((near[parent] + near[child]) / 2, partial(line, parent, child)) for parent, child in bones
        ]
    for _, stroke in sorted(strokes_by_depth, key=lambda one: one[0]):
        stroke()
    return np.asarray(image.reduce(_OVERSAMPLING))


@lru_cache
def _colours(layout: SkeletonLayout) -> tuple[_Colour, ...]:
    """A hue for every group, as far apart as they can be."""
    colours: list[_Colour] = [(0, 0, 0)] * len(layout)
    for number, group in enumerate(layout.groups.values()):
        red, green, blue = colorsys.hsv_to_rgb(number / len(layout.groups), 0.75, 1.0)
        for joint in group:
            colours[joint] = (round(255 * red), round(255 * green), round(255 * blue))
    return tuple(colours)


def _shade(colour: _Colour, near: float, strokes: Strokes) -> _Colour:
    brightness = 0.7 + 0.3 * min(max(near / strokes.depth, -1.0), 1.0)
    red, green, blue = (round(brightness * channel) for channel in colour)
    return red, green, blue
