from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench.report.pictures import sheet


def test_tiles_lie_row_by_row_in_the_order_of_time() -> None:
    frames = np.stack([np.full((40, 30, 3), 20 * number, np.uint8) for number in range(7)])
    found = sheet(frames, 40)
    picture = np.asarray(Image.open(io.BytesIO(found.content)).convert("RGB"))
    assert (found.width, found.height) == (30, 40)
    for number in range(7):
        top, left = number // found.columns * 40, number % found.columns * 30
        tile = picture[top + 8 : top + 32, left + 8 : left + 22]
        assert abs(float(tile.mean()) - 20 * number) < 8
    assert picture.shape[:2] == (-(-7 // found.columns) * 40, found.columns * 30)


def test_frames_are_scaled_down_and_never_up() -> None:
    frames = np.zeros((2, 260, 210, 3), np.uint8)
    small = sheet(frames, 52)
    assert (small.width, small.height) == (42, 52)
    assert (sheet(frames, 400).width, sheet(frames, 400).height) == (210, 260)


def test_too_many_frames_are_refused() -> None:
    frames = np.broadcast_to(np.zeros((1, 1, 1, 3), np.uint8), (30_000, 600, 500, 3))
    with pytest.raises(ValueError, match="30000 frames of 500x600 pixels do not fit on one sheet"):
        sheet(frames, 600)
