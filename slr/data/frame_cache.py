"""Decoded frames kept in memory, so that an epoch need not decode the same images again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor


class FrameCache:
    """The most recently used frames, up to ``megabytes`` (of 10^6 bytes) in all; 0 keeps none.

    Frames are kept one by one, because every epoch draws other frames of a clip. Each process that loads data has a
    cache of its own.
    """

    def __init__(self, megabytes: float) -> None:
        if megabytes < 0:
            raise ValueError(f"a frame cache of {megabytes:g} MB is no cache: give 0 to do without")
        self.capacity = int(megabytes * 1_000_000)
        self.bytes = 0
        self._frames: OrderedDict[tuple[str, int], Tensor] = OrderedDict()

    def __len__(self) -> int:
        """Number of frames kept."""
        return len(self._frames)

    def read(self, clip: str, frames: Tensor, load: Callable[[Tensor], Tensor]) -> Tensor:
        """Frames ``[T]`` of a clip as ``[T, 3, H, W]`` uint8; ``load`` is called once, for those that are not kept.

        ``load`` maps the missing frame numbers to ``[N, 3, H, W]``.
        """
        if self.capacity == 0:
            return load(frames)
        wanted = frames.tolist()
        found = {index: frame for index in sorted(set(wanted)) if (frame := self._touch((clip, index))) is not None}
        missing = sorted(set(wanted) - found.keys())
        if missing:
            for index, frame in zip(missing, load(torch.tensor(missing)), strict=True):
                found[index] = frame
                # A copy, because a view would keep all frames of this load alive.
                self._keep((clip, index), frame.clone())
        return torch.stack([found[index] for index in wanted])

    def _touch(self, key: tuple[str, int]) -> Tensor | None:
        if key not in self._frames:
            return None
        self._frames.move_to_end(key)
        return self._frames[key]

    def _keep(self, key: tuple[str, int], frame: Tensor) -> None:
        self._frames[key] = frame
        self.bytes += frame.nbytes
        while self.bytes > self.capacity:
            _, oldest = self._frames.popitem(last=False)
            self.bytes -= oldest.nbytes
