"""From the signer's space to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slr.synthesis.phonology import Array
from slr.synthesis.signers import Signer

_DISTANCE = 9.0  # of the camera from the body, in shoulder half-widths


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in front of one signer; ``unit`` is the width of a shoulder half-width in pixels."""

    width: int
    height: int
    unit: float
    centre: tuple[float, float]
    roll: float

    @classmethod
    def for_signer(cls, signer: Signer, width: int, height: int) -> Camera:
        """The camera that shows this signer in a frame of ``width`` x ``height`` pixels."""
        centre = (width * (0.5 + signer.camera_shift[0]), height * (0.445 + signer.camera_shift[1]))
        return cls(width, height, signer.scale * width, centre, signer.roll)

    def project(self, points: Array) -> Array:
        """Pixels ``[..., 2]`` of points ``[..., 3]``; the middle of the top left pixel is (0, 0)."""
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        nearer = _DISTANCE / (_DISTANCE - points[..., 2])
        x = points[..., 0] * cos - points[..., 1] * sin
        y = points[..., 0] * sin + points[..., 1] * cos
        return np.stack([self.centre[0] + self.unit * nearer * x, self.centre[1] + self.unit * nearer * y], axis=-1)

    def magnification(self, points: Array) -> Array:
        """Pixels per shoulder half-width at the depth of ``points`` ``[..., 3]``."""
        return self.unit * _DISTANCE / (_DISTANCE - points[..., 2])
