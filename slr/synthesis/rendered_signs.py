"""Frames drawn from the recorded points of WLASL-50, for a teacher that reads video.

The motion is real, the pixels are rendered: a frame holds nothing that was not in the recorded points. What is shown
with them is that a distillation from frames to keypoints works on real motion; it is no evidence about video.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from slr.data.isolated import ClipFrames
from slr.synthesis.camera import Camera
from slr.synthesis.recordings import ASPECT, read_wlasl50
from slr.synthesis.render import render
from slr.synthesis.signers import make_signers
from slr.synthesis.stitch import FRAME_SIZE, embody, join_recordings

_LOOKS = 6


class RenderedSigns(ClipFrames):
    """The clips of the WLASL-50 keypoint file as frames, by the ids that ``scripts/prepare.py wlasl50`` gives them.

    A clip is drawn when it is first asked for and then kept in memory: some 0.8 MB for 30 frames. Looks are drawn from
    ``seed``, one of six for a clip, whatever its sign: who signs is not known.

    Raises:
        ValueError: when the file is missing or is not such a file.
    """

    def __init__(self, source: Path | str, seed: int = 0) -> None:
        self._recordings = {clip.id: clip for clip in read_wlasl50(source)}
        self._seed = seed
        self._looks = make_signers(_LOOKS, np.random.default_rng([seed, 2]))
        self._sha256 = hashlib.sha256(Path(source).read_bytes()).hexdigest()
        self._drawn: dict[str, Tensor] = {}

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return FRAME_SIZE

    def read(self, clip: str, frames: Tensor) -> Tensor:
        """Drawn frames.

        Raises:
            ValueError: when the file has no such clip, or it has fewer frames.
        """
        if clip not in self._recordings:
            raise ValueError(f"the WLASL-50 keypoint file has no clip {clip!r}: the frames of a store of it are drawn")
        if clip not in self._drawn:
            self._drawn[clip] = self._draw(clip)
        drawn = self._drawn[clip]
        if int(frames.max()) >= len(drawn):
            raise ValueError(f"clip {clip!r} has {len(drawn)} frames, and frame {int(frames.max())} is wanted")
        return drawn[frames]

    def contents(self) -> str:
        """Of the recorded points, and of what decides how they are drawn."""
        told = [self._sha256, self._seed, list(FRAME_SIZE), ASPECT, _LOOKS]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    def _draw(self, clip: str) -> Tensor:
        number = int(hashlib.sha256(clip.encode()).hexdigest(), 16)
        look = self._looks[int(np.random.default_rng([self._seed, 4, number % 2**32]).integers(_LOOKS))]
        motion = embody(join_recordings([self._recordings[clip]]), look)
        drawn = render(motion, look, Camera.for_signer(look, *FRAME_SIZE))
        return torch.from_numpy(drawn).permute(0, 3, 1, 2).contiguous()
