"""A hand in three dimensions: 21 points from where it is, where it points and how its fingers bend."""

from __future__ import annotations

import numpy as np

from slr.synthesis.phonology import Array

PALM = 0.50  # wrist to knuckles, in shoulder half-widths
# Bend of a fully closed finger at its three joints, in radians: knuckle, middle joint, last joint.
_BEND = np.array([1.25, 1.70, 1.05])
# Lengths of the three segments of index, middle, ring and little finger, as shares of the palm.
_SEGMENTS = np.array([[0.50, 0.30, 0.24], [0.55, 0.34, 0.25], [0.50, 0.32, 0.25], [0.38, 0.24, 0.22]])
_KNUCKLE_SIDE = np.array([0.26, 0.09, -0.09, -0.26])  # towards the thumb, shares of the palm
_KNUCKLE_ALONG = np.array([0.97, 1.02, 0.97, 0.88])
_SPREAD_ANGLE = np.array([0.26, 0.06, -0.14, -0.34])  # radians at full spread
_THUMB_SEGMENTS = np.array([0.36, 0.32, 0.28])


def unit(vectors: Array) -> Array:
    """Vectors scaled to length one along the last axis."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def hand_points(
    centre: Array, direction: Array, normal: Array, flexion: Array, spread: Array, *, right: bool, size: float
) -> Array:
    """The 21 points of a hand in COCO-WholeBody order: wrist, then four points of each finger from thumb to little
    finger.

    Args:
        centre: middle of the palm, ``[T, 3]``.
        direction: from wrist to knuckles, unit vectors ``[T, 3]``.
        normal: where the palm looks, unit vectors ``[T, 3]`` orthogonal to ``direction``.
        flexion: ``[T, 5]``, 0 straight to 1 closed, thumb first.
        spread: ``[T]``, 0 to 1.
        right: whether this is the signer's right hand (its thumb side is ``normal x direction``).
        size: size of the signer's hand as a share of the standard hand.

    Returns:
        Points ``[T, 21, 3]`` in shoulder half-widths.
    """
    palm = PALM * size
    thumb_side = np.cross(normal, direction) * (1.0 if right else -1.0)
    wrist = centre - 0.5 * palm * direction
    points = [wrist, *_thumb(wrist, direction, normal, thumb_side, flexion[:, 0], palm)]
    for finger in range(4):
        points += _finger(finger, wrist, direction, normal, thumb_side, flexion[:, finger + 1], spread, palm)
    return np.stack(points, axis=1)


def _finger(
    finger: int,
    wrist: Array,
    direction: Array,
    normal: Array,
    thumb_side: Array,
    flexion: Array,
    spread: Array,
    palm: float,
) -> list[Array]:
    knuckle = wrist + palm * (_KNUCKLE_ALONG[finger] * direction + _KNUCKLE_SIDE[finger] * thumb_side)
    angle = (_SPREAD_ANGLE[finger] * spread)[:, None]
    straight = np.cos(angle) * direction + np.sin(angle) * thumb_side
    points, bend = [knuckle], np.zeros(len(flexion))
    for joint in range(3):
        bend = bend + _BEND[joint] * flexion
        segment = np.cos(bend)[:, None] * straight + np.sin(bend)[:, None] * normal
        points.append(points[-1] + palm * _SEGMENTS[finger, joint] * segment)
    return points


def _thumb(
    wrist: Array, direction: Array, normal: Array, thumb_side: Array, flexion: Array, palm: float
) -> list[Array]:
    root = wrist + palm * (0.18 * direction + 0.22 * thumb_side)
    closed = flexion[:, None]
    away = unit(0.62 * direction + 0.78 * thumb_side)
    folded = unit(0.80 * direction - 0.15 * thumb_side + 0.58 * normal)
    first = unit((1 - 0.6 * closed) * away + 0.6 * closed * folded)
    rest = unit((1 - closed) * away + closed * unit(0.25 * direction - 0.85 * thumb_side + 0.45 * normal))
    points = [root, root + palm * _THUMB_SEGMENTS[0] * first]
    for segment in _THUMB_SEGMENTS[1:]:
        points.append(points[-1] + palm * segment * rest)
    return points
