"""Moving skeletons in few bytes: which joints a page shows, and their places as one byte per coordinate."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slr.skeleton import SkeletonLayout

MISSING = 255  # in both coordinates of a joint that is not there
LAST = 254
MARGIN = 0.1  # of the frame, on every side, in which points outside of it are still shown


@dataclass(frozen=True)
class ShownSkeleton:
    """The joints of a layout that are shown.

    Attributes:
        joints: their places in the layout.
        bones: parent and child among ``joints``, and the group of the child.
        groups: the names of the groups.
    """

    joints: tuple[int, ...]
    bones: tuple[tuple[int, int, int], ...]
    groups: tuple[str, ...]

    @classmethod
    def of(cls, layout: SkeletonLayout, without: Collection[str] = ()) -> ShownSkeleton:
        """A layout, some of its groups left out."""
        groups = tuple(name for name in layout.groups if name not in without)
        group_of = {joint: place for place, name in enumerate(groups) for joint in layout.groups[name]}
        joints = tuple(joint for joint in range(len(layout)) if joint in group_of)
        place = {joint: number for number, joint in enumerate(joints)}
        bones = [
            (place[parent], place[child], group_of[child])
            for parent, child in layout.bones
            if parent in place and child in place
        ]
        return cls(joints, tuple(bones), groups)


def quantised(pose: NDArray[np.floating], size: tuple[int, int], least_confidence: float) -> NDArray[np.uint8]:
    """Keypoints ``[T, J, C]`` in pixels of a frame of ``size`` as ``[T, J, 2]``, 0 to 254 over frame and margin.

    A joint without confidence, of less than ``least_confidence``, or beyond the margin is :data:`MISSING`.
    """
    extent = np.asarray(size, np.float64)
    values = np.rint((pose[..., :2] / extent + MARGIN) / (1 + 2 * MARGIN) * LAST)
    confidence = pose[..., -1]  # behind z, where there are three dimensions
    present = (confidence > 0) & (confidence >= least_confidence)
    present &= ((values >= 0) & (values <= LAST)).all(axis=-1)
    return np.where(present[..., None], values, MISSING).astype(np.uint8)


def differences(values: NDArray[np.uint8]) -> bytes:
    """``[T, J, 2]`` joint by joint and coordinate by coordinate, each time step less the one before, modulo 256."""
    rows = values.transpose(1, 2, 0)
    return np.diff(rows, axis=2, prepend=np.uint8(0)).tobytes()


def deflated(content: bytes) -> bytes:
    """Compressed without header or sum, as browsers call ``deflate-raw``."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()
