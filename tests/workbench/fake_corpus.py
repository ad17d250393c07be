"""A corpus in memory whose clips a test can write down."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

from slr.data.corpus import Clip, Exclusion, gather_vocabulary
from slr.skeleton import skeleton_layout
from slr.vocabulary import Vocabulary

SIZE = (12, 8)  # width and height of the frames


class FakeCorpus:
    """Clips by id: split, glosses with blanks between, frames. Frames and keypoints follow from id and number."""

    name = "fake corpus"
    fps = 10.0
    frame_size = SIZE
    excluded: tuple[Exclusion, ...] = ()

    def __init__(self, clips: Mapping[str, tuple[str, str, int]]) -> None:
        self.layout = skeleton_layout("sign-27")
        self._frames = {clip: frames for clip, (_, _, frames) in clips.items()}
        self._clips = [Clip(clip, split, "Signer01", tuple(text.split())) for clip, (split, text, _) in clips.items()]

    def clips(self, split: str) -> list[Clip]:
        return [clip for clip in self._clips if clip.split == split]

    def num_frames(self, clip: Clip) -> int:
        return self._frames[clip.id]

    def rgb(self, clip: Clip, frames: Tensor) -> Tensor:
        video = torch.randint(0, 255, (self.num_frames(clip), 3, SIZE[1], SIZE[0]), generator=self._chance(clip))
        return video[frames].to(torch.uint8)

    def pose(self, clip: Clip, frames: Tensor) -> Tensor:
        keypoints = torch.rand(self.num_frames(clip), len(self.layout), 3, generator=self._chance(clip))
        return keypoints[frames] * torch.tensor([*SIZE, 1.0])

    def vocabulary(self, over: str = "train") -> Vocabulary:
        return gather_vocabulary(self, over)

    def fingerprint(self, clip: Clip, stream: str = "rgb") -> str:
        return hashlib.sha256(f"{clip.id} {stream} {self.num_frames(clip)}".encode()).hexdigest()[:16]

    def _chance(self, clip: Clip) -> torch.Generator:
        return torch.Generator().manual_seed(sum(clip.id.encode()))
