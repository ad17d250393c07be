"""The temporal plan of a sample: which source frames it shows, in order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from slr.data.seeding import uniform


class TemporalPlan:
    """Every ``stride``-th frame, in training from a random start and at a random speed.

    At evaluation (no generator) the plan is the strided clip itself, whole, from its first frame. With ``random_start``
    training begins at any of the first ``stride`` frames, all equally likely, and so sees every frame of the recording
    sooner or later, and other errors of the keypoint estimator with it. In training with ``speed`` ``(low,
    high)`` the strided clip of ``n`` frames gets the new length ``int(n * u)``, ``u`` uniform in the interval,
    bounded by ``min_frames`` and ``max_frames``; its frames are drawn at random and sorted, without replacement when
    the new length is not above ``n`` and with replacement otherwise. This is the temporal rescaling of VAC (Min et
    al., ICCV 2021) less its rounding to a multiple of four, which networks that know their lengths do not need; VAC
    uses a speed of 0.8 to 1.2 between 32 and 230 frames. Without either training sees what evaluation sees.

    Raises:
        ValueError: when stride, speed or the bounds make no sense, or when bounds are given without a speed to bound.
    """

    def __init__(
        self,
        *,
        stride: int = 1,
        random_start: bool = False,
        speed: Sequence[float] | None = None,
        min_frames: int | None = None,
        max_frames: int | None = None,
    ) -> None:
        self.stride = stride
        self.random_start = random_start
        self.speed: tuple[float, ...] | None = None if speed is None else tuple(speed)
        self.min_frames = min_frames
        self.max_frames = max_frames
        self._check()

    def draw(self, num_frames: int, generator: Generator | None = None) -> Tensor:
        """Source frames ``[T]`` int64, ascending, each below ``num_frames``; without a generator the strided clip.

        Raises:
            ValueError: when the clip has no frame.
        """
        if num_frames < 1:
            raise ValueError(f"a temporal plan needs at least one frame, got {num_frames}")
        if generator is None:
            return self.whole(num_frames)
        frames = self.whole(num_frames, self._start(num_frames, generator))
        if self.speed is None:
            return frames
        length = self._length(len(frames), min(uniform(generator, *self.speed), self.speed[1]))
        if length <= len(frames):
            chosen = torch.randperm(len(frames), generator=generator)[:length]
        else:
            chosen = torch.randint(len(frames), (length,), generator=generator)
        return frames[chosen.sort().values]

    def whole(self, num_frames: int, start: int = 0) -> Tensor:
        """The strided clip ``[T]`` at its own speed, from one of its :meth:`starts`."""
        return torch.arange(start, num_frames, self.stride)

    def starts(self, num_frames: int) -> int:
        """Training begins a clip at one of so many frames, its first ones."""
        return min(self.stride, num_frames) if self.random_start else 1

    def bounds(self, num_frames: int, *, training: bool = True) -> tuple[int, int]:
        """The shortest and the longest plan that :meth:`draw` can return for a clip, in frames."""
        most = -(-num_frames // self.stride)
        if not training:
            return most, most
        least = len(self.whole(num_frames, self.starts(num_frames) - 1))
        if self.speed is None:
            return least, most
        return self._length(least, self.speed[0]), self._length(most, self.speed[1])

    def describe(self) -> dict[str, Any]:
        """What the plan does at evaluation, as plain JSON values."""
        return {"stride": self.stride}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> TemporalPlan:
        """The evaluation-time plan that :meth:`describe` described."""
        return cls(**description)

    def _start(self, num_frames: int, generator: Generator) -> int:
        starts = self.starts(num_frames)
        return int(torch.randint(starts, (), generator=generator)) if starts > 1 else 0

    def _length(self, steps: int, u: float) -> int:
        length = int(steps * u)
        if self.max_frames is not None:
            length = min(length, self.max_frames)
        return max(length, self.min_frames or 1)

    def _check(self) -> None:
        if self.stride < 1:
            raise ValueError(f"stride {self.stride} would show nothing: it must be at least 1")
        if self.speed is None:
            if self.min_frames is not None or self.max_frames is not None:
                raise ValueError("min_frames and max_frames bound the random speed: give speed too, or leave them out")
            return
        if len(self.speed) != 2 or not all(map(math.isfinite, self.speed)) or not 0 < self.speed[0] <= self.speed[1]:
            raise ValueError(
                f"speed {list(self.speed)} is no interval: write two numbers 0 < low <= high, as [0.8, 1.2]"
            )
        low, high = self.min_frames or 1, self.max_frames
        if low < 1 or (high is not None and high < low):
            raise ValueError(f"a plan of {self.min_frames} to {high} frames does not exist: give 1 <= min <= max")
