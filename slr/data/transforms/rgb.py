"""What happens to the frames of a clip: one small class per step, the same decision for all frames of the clip.

``Resize`` and ``Crop`` fix what a network sees and are also applied at evaluation. The others are augmentations: they
take ``[T, 3, H, W]`` float32 values from 0 to 255, return the same shape, may leave the range, and draw from the
sample's generator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional

from slr.data.seeding import chance, uniform
from slr.data.transforms.ranges import check_range


class RgbAugmentation(Protocol):
    """A random change of the frames of one clip."""

    def __call__(self, video: Tensor, generator: Generator) -> Tensor:
        """Return the changed ``[T, 3, H, W]`` frames; the ones given are left as they are."""
        ...


def as_size(size: int | Sequence[int], what: str) -> tuple[int, int]:
    """``(width, height)`` from one number for a square or from two.

    Raises:
        ValueError: when there are not one or two positive numbers.
    """
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or any(not isinstance(side, int) or side < 1 for side in pair):
        raise ValueError(f"{what} {size!r} is no frame size: write one number of pixels or [width, height]")
    return pair


@dataclass(frozen=True)
class Resize:
    """Scale every frame to ``width`` x ``height`` pixels, whatever its aspect ratio; uint8 in, uint8 out."""

    width: int
    height: int

    def __call__(self, video: Tensor) -> Tensor:
        """Bilinear with antialiasing; frames that already have the size come back untouched."""
        if video.shape[-2:] == (self.height, self.width):
            return video
        return functional.interpolate(video, (self.height, self.width), mode="bilinear", antialias=True)


@dataclass(frozen=True)
class Crop:
    """Cut ``width`` x ``height`` pixels out of every frame: anywhere with a generator, in the middle without."""

    width: int
    height: int

    def __call__(self, video: Tensor, generator: Generator | None = None) -> Tensor:
        """Return a view of ``video``.

        Raises:
            ValueError: when the frames are smaller than the crop.
        """
        rows, columns = video.shape[-2] - self.height, video.shape[-1] - self.width
        if rows < 0 or columns < 0:
            raise ValueError(
                f"a crop of {self.width}x{self.height} pixels does not fit into frames of "
                f"{video.shape[-1]}x{video.shape[-2]}: crop less or resize to more"
            )
        if generator is None:
            top, left = rows // 2, columns // 2
        else:
            top = int(torch.randint(rows + 1, (), generator=generator))
            left = int(torch.randint(columns + 1, (), generator=generator))
        return video[..., top : top + self.height, left : left + self.width]


@dataclass(frozen=True)
class ShiftFrames:
    """Move the picture by up to ``pixels`` in each direction; the border is repeated into the gap."""

    pixels: int

    def __post_init__(self) -> None:
        check_range("ShiftFrames pixels", self.pixels, 0)

    def __call__(self, video: Tensor, generator: Generator) -> Tensor:
        """Whole pixels, so nothing is interpolated."""
        down, right = torch.randint(-self.pixels, self.pixels + 1, (2,), generator=generator).tolist()
        rows = (torch.arange(video.shape[-2]) - down).clamp(0, video.shape[-2] - 1)
        columns = (torch.arange(video.shape[-1]) - right).clamp(0, video.shape[-1] - 1)
        return video[..., rows[:, None], columns]


@dataclass(frozen=True)
class TurnFrames:
    """Turn the picture by up to ``degrees`` and scale it by up to ``scale``, about its middle.

    The border is repeated into the gaps.
    """

    degrees: float = 0.0
    scale: float = 0.0

    def __post_init__(self) -> None:
        check_range("TurnFrames degrees", self.degrees, 0, 180)
        check_range("TurnFrames scale", self.scale, 0, 0.9)

    def __call__(self, video: Tensor, generator: Generator) -> Tensor:
        """One angle and one factor, from ``1 - scale`` to ``1 + scale``, per clip; interpolated bilinearly."""
        angle = math.radians(uniform(generator, -self.degrees, self.degrees))
        factor = uniform(generator, 1 - self.scale, 1 + self.scale)
        cos, sin = math.cos(angle) / factor, math.sin(angle) / factor
        height, width = video.shape[-2:]
        # From places of the result to places of the picture, each in halves of its own side.
        back = torch.tensor([[[cos, sin * height / width, 0.0], [-sin * width / height, cos, 0.0]]])
        places = functional.affine_grid(back, [1, 1, height, width], align_corners=False)
        # The frames as channels of one picture: where they are read is the same for all of them.
        turned = functional.grid_sample(
            video.flatten(0, 1)[None], places, mode="bilinear", padding_mode="border", align_corners=False
        )
        return turned[0].view(video.shape)


@dataclass(frozen=True)
class ChannelGain:
    """Multiply red, green and blue each by its own factor between ``1 - amount`` and ``1 + amount``."""

    amount: float

    def __post_init__(self) -> None:
        check_range("ChannelGain amount", self.amount, 0, 1)

    def __call__(self, video: Tensor, generator: Generator) -> Tensor:
        """One factor per channel and clip."""
        gains = [uniform(generator, 1 - self.amount, 1 + self.amount) for _ in range(3)]
        return video * torch.tensor(gains, dtype=video.dtype)[:, None, None]


@dataclass(frozen=True)
class Brightness:
    """Add one value between ``-amount`` and ``amount`` times the range (255) to every pixel."""

    amount: float

    def __post_init__(self) -> None:
        check_range("Brightness amount", self.amount, 0, 1)

    def __call__(self, video: Tensor, generator: Generator) -> Tensor:
        """One value per clip."""
        return video + 255 * uniform(generator, -self.amount, self.amount)


@dataclass(frozen=True)
class Erase:
    """With a ``probability`` cover one rectangle with grey in all frames (cut-out, DeVries and Taylor 2017).

    Each side of the rectangle is a random share, up to ``share``, of the side of the picture.
    """

    probability: float = 0.5
    share: float = 0.3

    def __post_init__(self) -> None:
        check_range("Erase probability", self.probability, 0, 1)
        check_range("Erase share", self.share, 0, 1)

    def __call__(self, video: Tensor, generator: Generator) -> Tensor:
        """The grey is 127.5, which becomes 0 in the network's range."""
        if not chance(generator, self.probability):
            return video
        height, width = video.shape[-2:]
        rows = round(height * uniform(generator, 0, self.share))
        columns = round(width * uniform(generator, 0, self.share))
        top = int(torch.randint(height - rows + 1, (), generator=generator))
        left = int(torch.randint(width - columns + 1, (), generator=generator))
        video = video.clone()
        video[..., top : top + rows, left : left + columns] = 127.5
        return video
