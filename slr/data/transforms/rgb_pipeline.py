"""From decoded frames to what an RGB network reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from slr.data.transforms.rgb import Crop, Resize, RgbAugmentation, as_size

# What the pipeline does beside its settings. It enters cache keys and checkpoints: change the words with the behaviour.
_FIXED = {"interpolation": "bilinear, antialiased", "range": "x / 127.5 - 1"}


class RgbPipeline:
    """Resize, flip, crop, augment, and scale to values from -1 to 1.

    ``resize`` and ``crop`` are a number of pixels (a square) or ``[width, height]``; ``None`` leaves the step out.
    Resizing is the only step that costs and depends on nothing random; :meth:`prepare` does it, so that its uint8
    result can be kept. The published Phoenix-2014 systems of the VAC family resize to 256 and crop 224.
    """

    def __init__(
        self,
        *,
        resize: int | Sequence[int] | None = None,
        crop: int | Sequence[int] | None = None,
        augment: Sequence[RgbAugmentation] = (),
    ) -> None:
        self.resize = None if resize is None else Resize(*as_size(resize, "resize"))
        self.crop = None if crop is None else Crop(*as_size(crop, "crop"))
        self.augment = tuple(augment)

    def prepare(self, frames: Tensor) -> Tensor:
        """``[T, 3, H, W]`` uint8 frames of the corpus in the size that :meth:`__call__` expects."""
        return frames if self.resize is None else self.resize(frames)

    def __call__(self, frames: Tensor, *, flip: bool = False, generator: Generator | None = None) -> Tensor:
        """Prepared ``[T, 3, H, W]`` uint8 frames as float32 from -1 to 1; random only with a generator.

        Raises:
            ValueError: when the frames are smaller than the crop.
        """
        video = frames.flip(-1) if flip else frames
        if self.crop is not None:
            video = self.crop(video, generator)
        video = video.to(torch.float32, copy=True)
        if generator is not None and self.augment:
            for augmentation in self.augment:
                video = augmentation(video, generator)
            video = video.clamp_(0, 255)
        return video.div_(127.5).sub_(1)  # in place: a clip of frames is too large to copy at every step

    def delivered_size(self, frame_size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of what the pipeline delivers for frames of ``frame_size`` (width, height)."""
        last = self.crop or self.resize
        return frame_size if last is None else (last.width, last.height)

    def describe(self) -> dict[str, Any]:
        """What the pipeline does at evaluation, as plain JSON values."""
        return {
            "resize": None if self.resize is None else [self.resize.width, self.resize.height],
            "crop": None if self.crop is None else [self.crop.width, self.crop.height],
            **_FIXED,
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> RgbPipeline:
        """The evaluation-time pipeline that :meth:`describe` described.

        Raises:
            ValueError: when another version of the pipeline described itself otherwise than this one works.
        """
        check_fixed(description, _FIXED, "RGB")
        return cls(resize=description["resize"], crop=description["crop"])


def check_fixed(description: Mapping[str, Any], fixed: Mapping[str, Any], stream: str) -> None:
    """Raise a ValueError when the unchangeable part of a description is not ours."""
    for key, value in fixed.items():
        if description.get(key) != value:
            raise ValueError(
                f"this {stream} preprocessing was recorded with {key} {description.get(key)!r}, and this version does "
                f"{value!r}: use the version that recorded it"
            )
