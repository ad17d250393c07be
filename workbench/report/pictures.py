"""Frames of a clip as one small picture of many tiles."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

QUALITY = 30
_LARGEST = 16000  # pixels on a side; WebP takes no more than 16383


@dataclass(frozen=True)
class Sheet:
    """Tiles of ``width`` by ``height`` pixels, ``columns`` in a row, in the order of time; ``content`` is a file."""

    content: bytes
    width: int
    height: int
    columns: int


def mime_type() -> str:
    """What kind of file a sheet is: WebP, or JPEG where Pillow was built without it."""
    return "image/webp" if features.check("webp") else "image/jpeg"


def sheet(frames: NDArray[np.uint8], height: int) -> Sheet:
    """Frames ``[n, H, W, 3]``, scaled down to ``height`` where they are larger.

    Raises:
        ValueError: when there are more frames than fit on one sheet.
    """
    number, tall, wide = frames.shape[:3]
    height = min(height, tall)
    width = max(1, round(wide * height / tall))
    columns = max(1, min(number, round(math.sqrt(number * height / width))))
    lines = -(-number // columns)
    if columns * width > _LARGEST or lines * height > _LARGEST:
        raise ValueError(
            f"{number} frames of {width}x{height} pixels do not fit on one sheet: show fewer or smaller ones"
        )
    picture = Image.new("RGB", (columns * width, lines * height))
    for index, frame in enumerate(frames):
        tile = Image.fromarray(frame)
        if tile.size != (width, height):
            tile = tile.resize((width, height), Image.Resampling.LANCZOS)
        picture.paste(tile, (index % columns * width, index // columns * height))
    target = io.BytesIO()
    picture.save(
        target, mime_type().partition("/")[2], quality=QUALITY, **({"method": 4} if "webp" in mime_type() else {})
    )
    return Sheet(target.getvalue(), width, height, columns)
