"""The skeleton view of the simulated corpus: what a 2-D keypoint estimator would return for the rendered clip.

The estimator knows no depth and no mouth shape (its face points lie on a face at rest). Its error has the causes that
real estimators suffer from: a body that jitters a little; fingers whose jitter grows with the speed of the hand
(blur), partly white and partly slow; a common error of the whole hand; and hands that are lost altogether for a few
frames, more often when they are fast, before the face or near each other. It is drawn once per clip, as a real
estimator would answer once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.synthesis.camera import Camera
from slr.synthesis.hand import PALM
from slr.synthesis.motion import Motion
from slr.synthesis.phonology import Array
from slr.synthesis.signers import Signer

LAYOUT = "coco-wholebody-133"
_LEFT_HAND, _RIGHT_HAND, _FACE = 91, 112, 23
_REFERENCE_SPEED = 0.36  # palms per frame at which jitter has grown by the factor 1 + speed_factor
_INERTIA = 0.8  # autocorrelation of the slow part of the jitter from frame to frame


@dataclass(frozen=True)
class KeypointLevel:
    """How bad an estimator is. Standard deviations are shares of the signer's palm (wrist to knuckles).

    ``loss_rate`` scales the chance per frame that a hand gets lost; a lost hand stays so for 1 to ``longest_loss``
    frames.
    """

    body: float
    finger: float
    speed_factor: float
    loss_rate: float
    longest_loss: int


# The levels of the feasibility study, from a perfect estimator to the worst case. "high" is what blurred, low-
# resolution television footage may give; "extreme" is a worst-case estimator.
KEYPOINT_LEVELS: dict[str, KeypointLevel] = {
    "none": KeypointLevel(0.0, 0.0, 0.0, 0.0, 1),
    "low": KeypointLevel(0.04, 0.065, 1.0, 0.06, 3),
    "mid": KeypointLevel(0.08, 0.135, 1.2, 0.12, 5),
    "high": KeypointLevel(0.10, 0.215, 1.5, 0.25, 5),
    "very-high": KeypointLevel(0.133, 0.315, 2.0, 0.37, 8),
    "extreme": KeypointLevel(0.20, 0.45, 2.0, 0.50, 10),
}


def estimate_keypoints(
    motion: Motion, signer: Signer, camera: Camera, level: KeypointLevel, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Keypoints ``[T, 133, 3]`` in COCO-WholeBody order.

    They are x and y in pixels and a confidence from 0 to 1; a lost point is (0, 0, 0).
    """
    palm = PALM * signer.hand * camera.unit
    points, confidence = _true_points(motion, signer, camera)
    speeds = _hand_speeds(motion, camera, palm)
    points = points + _body_jitter(len(motion), palm * level.body, generator)
    for side, first in ((0, _RIGHT_HAND), (1, _LEFT_HAND)):
        hand = slice(first, first + 21)
        points[:, hand] += _hand_jitter(speeds[side], palm, level, generator)
        lost = _losses(motion, side, speeds[side], level, generator)
        seen = np.clip(0.95 - 0.3 * speeds[side][:, None] + generator.normal(0, 0.05, (len(motion), 21)), 0.3, 1.0)
        confidence[:, hand] = np.where(lost[:, None], 0.0, seen)
    outside = (points < 0).any(-1) | (points[..., 0] >= camera.width) | (points[..., 1] >= camera.height)
    confidence[outside] = 0.0
    points[confidence == 0.0] = 0.0
    return np.concatenate([points, confidence[..., None]], axis=-1).astype(np.float32)


def _true_points(motion: Motion, signer: Signer, camera: Camera) -> tuple[Array, Array]:
    space = np.zeros((len(motion), 133, 3))
    confidence = np.zeros((len(motion), 133))
    space[:, :5] = motion.head[:, None] + signer.head * np.array(
        [(0, 0.10, 0.3), (0.17, -0.08, 0.2), (-0.17, -0.08, 0.2), (0.44, 0.0, 0.0), (-0.44, 0.0, 0.0)]
    )
    # COCO names sides as the person does; the person's left is arm 1.
    space[:, 5:11] = motion.arms[:, ::-1].transpose(0, 2, 1, 3).reshape(len(motion), 6, 3)
    space[:, _FACE : _FACE + 68] = motion.head[:, None] + signer.head * _resting_face()
    space[:, _RIGHT_HAND : _RIGHT_HAND + 21] = motion.hands[:, 0]
    space[:, _LEFT_HAND : _LEFT_HAND + 21] = motion.hands[:, 1]
    confidence[:, :11] = 0.95
    confidence[:, _FACE : _FACE + 68] = 0.9
    return camera.project(space), confidence


def _resting_face() -> Array:
    """The 68 points of a face at rest, in head units about the middle of the head."""

    def ellipse(count: int, centre: tuple[float, float], rx: float, ry: float, start: float, stop: float) -> Array:
        angle = np.linspace(start, stop, count)
        return np.stack([centre[0] + rx * np.cos(angle), centre[1] + ry * np.sin(angle)], -1)

    full = 2 * np.pi
    parts = [
        ellipse(17, (0, 0.02), 0.44, 0.58, np.pi, 0),
        ellipse(5, (-0.17, -0.16), 0.11, 0.05, np.pi, full),
        ellipse(5, (0.17, -0.16), 0.11, 0.05, np.pi, full),
        np.stack([np.zeros(4), np.linspace(-0.08, 0.10, 4)], -1),
        np.stack([np.linspace(-0.06, 0.06, 5), np.full(5, 0.16)], -1),
        ellipse(6, (-0.17, -0.08), 0.075, 0.045, np.pi, full + np.pi * 0.67),
        ellipse(6, (0.17, -0.08), 0.075, 0.045, np.pi, full + np.pi * 0.67),
        ellipse(12, (0, 0.32), 0.15, 0.04, np.pi, 3 * np.pi - np.pi / 6),
        ellipse(8, (0, 0.32), 0.10, 0.01, np.pi, 3 * np.pi - np.pi / 4),
    ]
    # The contour is drawn through the chin: y grows downwards, so its angles run from pi through pi/2 to 0.
    flat = np.concatenate(parts)
    return np.concatenate([flat, np.full((len(flat), 1), 0.2)], axis=1)


def _hand_speeds(motion: Motion, camera: Camera, palm: float) -> Array:
    """Speed of both hands in palms per frame, ``[2, T]``."""
    middle = camera.project(motion.hands[:, :, 9])
    step = np.linalg.norm(np.diff(middle, axis=0, prepend=middle[:1]), axis=-1) / palm
    ahead = np.concatenate([step[1:], step[-1:]])
    return (0.5 * (step + ahead)).T


def _slow_noise(frames: int, count: int, generator: np.random.Generator) -> Array:
    """First-order autoregressive noise of unit variance, ``[frames, count, 2]``."""
    noise = generator.normal(0, 1, (frames, count, 2))
    for frame in range(1, frames):
        noise[frame] = _INERTIA * noise[frame - 1] + np.sqrt(1 - _INERTIA**2) * noise[frame]
    return noise


def _body_jitter(frames: int, deviation: float, generator: np.random.Generator) -> Array:
    jitter = np.zeros((frames, 133, 2))
    jitter[:, :17] = deviation * _slow_noise(frames, 17, generator)
    whole_face = _slow_noise(frames, 1, generator)
    jitter[:, _FACE : _FACE + 68] = deviation * (0.8 * whole_face + 0.3 * generator.normal(0, 1, (frames, 68, 2)))
    return jitter


def _hand_jitter(speed: Array, palm: float, level: KeypointLevel, generator: np.random.Generator) -> Array:
    deviation = palm * level.finger * (1 + level.speed_factor * speed / _REFERENCE_SPEED)
    white = generator.normal(0, 1, (len(speed), 21, 2))
    own = np.sqrt(0.5) * white + np.sqrt(0.5) * _slow_noise(len(speed), 21, generator)
    common = 0.5 * _slow_noise(len(speed), 1, generator)
    return deviation[:, None, None] * (own + common)


def _losses(
    motion: Motion, side: int, speed: Array, level: KeypointLevel, generator: np.random.Generator
) -> NDArray[np.bool_]:
    hand, other = motion.hands[:, side, 9, :2], motion.hands[:, 1 - side, 9, :2]
    near_face = np.linalg.norm(hand - motion.head[:, :2], axis=-1) < 0.8
    near_hand = np.linalg.norm(hand - other, axis=-1) < 0.7
    chance = level.loss_rate * np.clip(0.10 + 0.8 * speed + 0.5 * near_face + 0.5 * near_hand, 0, 1)
    starts = generator.random(len(speed)) < chance
    lasting = generator.integers(1, level.longest_loss + 1, len(speed))
    lost = np.zeros(len(speed), bool)
    for frame in np.flatnonzero(starts):
        lost[frame : frame + lasting[frame]] = True
    return lost
