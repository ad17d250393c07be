"""Pixels of keypoints into numbers that a skeleton network reads; missing joints are zero in all channels.

Keypoints are ``[T, J, C]``: a place, x and y and in three dimensions z, in pixels of the frame, then the confidence.
z is measured from the plane of the picture towards whoever looks at it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from slr.skeleton import SkeletonLayout

# Where shoulders are never seen: the unit of length, in widths of the frame. A signer's shoulders span about a third.
_USUAL_SHOULDER_WIDTH = 1 / 3
# A shoulder width below this share of the frame's width is a fault of the estimator, not a person.
_SMALLEST_SHOULDER_WIDTH = 0.01
_REACH = 0.95  # share of all joints of a clip within its unit, so that single wild estimates do not count


class Normalisation(Protocol):
    """A named way from pixels to network coordinates."""

    def relative(self, layout: SkeletonLayout) -> Tensor:
        """``[J]`` bool: the joints whose result is a distance to another joint, not a place."""
        ...

    def __call__(self, pose: Tensor, layout: SkeletonLayout, frame_size: tuple[int, int]) -> Tensor:
        """``[T, J, C]`` place in pixels and confidence to ``[T, J, C]`` normalised place and confidence."""
        ...


class FrameNormalisation:
    """Places in the frame: x and y run from -1 to 1 across the frame, each divided by its own side; z goes with x."""

    def relative(self, layout: SkeletonLayout) -> Tensor:
        """No joint is relative."""
        return torch.zeros(len(layout), dtype=torch.bool)

    def __call__(self, pose: Tensor, layout: SkeletonLayout, frame_size: tuple[int, int]) -> Tensor:
        """Pixel centres lie at whole numbers, so the frame reaches from -0.5 to its size less 0.5."""
        position = 2 * (pose[..., :2] + 0.5) / pose.new_tensor(frame_size) - 1
        depth = 2 * pose[..., 2:-1] / frame_size[0]
        return _with_missing(torch.cat([position, depth], dim=-1), pose[..., -1])


class SignerNormalisation:
    """Places on the signer: the origin lies between the shoulders and their distance is 1.

    Origin and unit are medians over the frames of the clip that show both shoulders, so single wild estimates do not
    count and movements of the trunk stay visible. The joints of a group with a root (a hand and its wrist, mouth and
    face and the nose) are distances to that root in the same frame times ``part_scale``; the root itself keeps its
    place. Where a root is missing, so are the joints that hang on it. A clip that never shows both shoulders, or shows
    them as one point, is placed by the frame instead: origin in its middle, unit a third of its width.

    Raises:
        ValueError: when the scale is not positive, or the layout has no shoulders.
    """

    def __init__(self, part_scale: float = 3.0) -> None:
        if not part_scale > 0:
            raise ValueError(f"part_scale {part_scale} must be above 0: it enlarges hands and face")
        self.part_scale = part_scale

    def relative(self, layout: SkeletonLayout) -> Tensor:
        """The joints of groups with a root, without the roots."""
        return _roots(layout)[0]

    def __call__(self, pose: Tensor, layout: SkeletonLayout, frame_size: tuple[int, int]) -> Tensor:
        """One origin and one unit per clip."""
        return _placed(pose, layout, *signer_frame(pose, layout, frame_size), self.part_scale)


class CentreNormalisation:
    """Places about the centre of the skeleton, for layouts without shoulders: hands about the nose, for example.

    The origin is the median place of the layout's centre over the clip, and the unit how far the skeleton reaches: the
    distance from the origin within which 95 % of all joints seen in the clip lie. That is the size of the signer where
    the hands of every clip come to rest at the same place of the body. Joints of a group with a root are distances to
    it, as under :class:`SignerNormalisation`. A clip that never shows its centre, or all joints in one point, is placed
    by the frame: origin in its middle, unit a third of its width.

    Raises:
        ValueError: when the scale is not positive.
    """

    def __init__(self, part_scale: float = 3.0) -> None:
        if not part_scale > 0:
            raise ValueError(f"part_scale {part_scale} must be above 0: it enlarges hands and face")
        self.part_scale = part_scale

    def relative(self, layout: SkeletonLayout) -> Tensor:
        """The joints of groups with a root, without the roots."""
        return _roots(layout)[0]

    def __call__(self, pose: Tensor, layout: SkeletonLayout, frame_size: tuple[int, int]) -> Tensor:
        """One origin and one unit per clip."""
        return _placed(pose, layout, *centre_frame(pose, layout, frame_size), self.part_scale)


def _placed(pose: Tensor, layout: SkeletonLayout, origin: Tensor, unit: float, part_scale: float) -> Tensor:
    """Places about an origin, and what hangs on a root as distances to it; missing where either is."""
    relative, root = _roots(layout)
    places = (pose[..., :-1] - origin) / unit
    position = torch.where(relative[:, None], (places - places[:, root]) * part_scale, places)
    confidence = pose[..., -1]
    return _with_missing(position, torch.where(confidence[:, root] > 0, confidence, 0.0))


@lru_cache
def _roots(layout: SkeletonLayout) -> tuple[Tensor, Tensor]:
    """Which joints hang on a root (``[J]`` bool), and on which (``[J]`` int64); the others are their own roots."""
    root = torch.arange(len(layout))
    for group, joint in layout.roots.items():
        root[list(layout.groups[group])] = joint
    roots = list(layout.roots.values())
    root[roots] = torch.tensor(roots, dtype=torch.int64)
    return root != torch.arange(len(layout)), root


def signer_frame(pose: Tensor, layout: SkeletonLayout, frame_size: tuple[int, int]) -> tuple[Tensor, float]:
    """Origin between the shoulders, a place, and shoulder width of a clip ``[T, J, C]``, both in pixels.

    Raises:
        ValueError: when the layout names no shoulders.
    """
    if layout.reference is None:
        raise ValueError(f"layout {layout.name!r} names no shoulders: normalise by 'frame', or give it a reference")
    left, right = (pose[:, joint] for joint in layout.reference)
    seen = (left[:, -1] > 0) & (right[:, -1] > 0)
    left, right = left[seen, :-1], right[seen, :-1]
    if len(left):
        unit = float(_median((left - right).norm(dim=-1)))
        if unit >= _SMALLEST_SHOULDER_WIDTH * frame_size[0]:
            return _median((left + right) / 2), unit
    return frame_middle(pose, frame_size), _USUAL_SHOULDER_WIDTH * frame_size[0]


def centre_frame(pose: Tensor, layout: SkeletonLayout, frame_size: tuple[int, int]) -> tuple[Tensor, float]:
    """Origin, a place, and reach of a clip ``[T, J, C]``, both in pixels: see :class:`CentreNormalisation`."""
    centre = pose[:, layout.centre]
    centre = centre[centre[:, -1] > 0, :-1]
    if len(centre):
        origin = _median(centre)
        reach = float((pose[pose[..., -1] > 0][:, :-1] - origin).norm(dim=-1).quantile(_REACH))
        if reach >= _SMALLEST_SHOULDER_WIDTH * frame_size[0]:
            return origin, reach
    return frame_middle(pose, frame_size), _USUAL_SHOULDER_WIDTH * frame_size[0]


def frame_middle(pose: Tensor, frame_size: tuple[int, int]) -> Tensor:
    """The middle of the frame, a place of as many coordinates as those of ``pose`` ``[T, J, C]``."""
    middle = pose.new_zeros(pose.shape[-1] - 1)
    middle[:2] = (pose.new_tensor(frame_size) - 1) / 2
    return middle


def _median(values: Tensor) -> Tensor:
    # Tensor.median takes the lower of two middle values, which a mirrored clip would not.
    return values.quantile(0.5, dim=0)


def _with_missing(position: Tensor, confidence: Tensor) -> Tensor:
    pose = torch.cat([position, confidence[..., None]], dim=-1)
    return torch.where(confidence[..., None] > 0, pose, 0.0)
