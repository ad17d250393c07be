"""Where a body stands, how it is turned and how large it is: normalisations, nothing random."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from slr.data.isolated.transforms.clip import Chance, SkeletonClip, Transform
from slr.data.transforms.ranges import check_range

FRAMES = ("first", "each", "mean")


@dataclass(frozen=True)
class CentreOn(Transform):
    """Subtract the place of one joint of the first person from all persons.

    ``frame`` says when: in the ``first`` frame (CTR-GCN on NW-UCLA with joint 1; pyskl), in ``each`` for itself
    (MS-G3D), or the ``mean`` over all frames (DSTA-SLR with the nose). ``axes`` are the first coordinates that move.
    ``missing`` joints ``keep`` their zeros (pyskl), or ``move`` with the others (all the other systems).

    Raises:
        ValueError: when a setting is unknown; on a clip, when there is no such joint.
    """

    joint: str
    frame: str = "first"
    missing: str = "move"

    def __post_init__(self) -> None:
        if self.frame not in FRAMES:
            raise ValueError(f"frame {self.frame!r} of CentreOn is unknown: there are {', '.join(FRAMES)}")
        if self.missing not in ("keep", "move"):
            raise ValueError(f"missing {self.missing!r} of CentreOn is unknown: there are keep, move")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """A score is no coordinate and stays."""
        place = clip.position[:, 0, clip.layout.index(self.joint)]  # [T, D]
        if self.frame == "first":
            place = place[:1]
        elif self.frame == "mean":
            place = place.mean(0, keepdim=True)
        return clip.placed(clip.position - place[:, None, None], missing=self.missing)


@dataclass(frozen=True)
class MinMax(Transform):
    """Stretch every axis so that the clip reaches from ``low`` to ``high``, all joints and persons together.

    CTR-GCN on NW-UCLA. An axis without extent becomes the middle of the two.
    """

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"MinMax from {self.low:g} to {self.high:g} has no room: low must be below high")

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints count as the zeros that they are."""
        columns = clip.position.flatten(0, 2)
        least, most = columns.amin(0), columns.amax(0)
        extent = most - least
        share = torch.where(extent > 0, (clip.position - least) / torch.where(extent > 0, extent, 1.0), 0.5)
        return clip.placed(self.low + (self.high - self.low) * share, missing="move")


@dataclass(frozen=True)
class AlignBody(Transform):
    """Turn the clip so that one bone of the first person points along z and another, seen from above, along x.

    pyskl and MS-G3D: spine base to spine middle along z, right to left shoulder along x; both bones are those of the
    first frame. A bone without length turns nothing. The second turn may tilt what the first put upright.

    Raises:
        ValueError: on a clip with two coordinates, or without these joints.
    """

    up: tuple[str, str]
    across: tuple[str, str]

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Two turns, each by the angle between bone and axis, about the normal of both (Rodrigues' formula)."""
        if clip.dimensions != 3:
            raise ValueError("AlignBody turns bodies in space: it needs x, y and z")
        for (start, end), axis in ((self.up, (0.0, 0.0, 1.0)), (self.across, (1.0, 0.0, 0.0))):
            first = clip.position[0, 0]
            bone = first[clip.layout.index(end)] - first[clip.layout.index(start)]
            turn = turn_onto(bone, bone.new_tensor(axis))
            clip = clip.placed(clip.position @ turn.T)
        return clip


def turn_onto(bone: Tensor, axis: Tensor) -> Tensor:
    """The rotation ``[3, 3]`` that takes the direction of ``bone`` to ``axis``; none where ``bone`` has no length."""
    length = bone.norm()
    eye = torch.eye(3, dtype=bone.dtype)
    if float(length) < 1e-6:
        return eye
    direction = bone / length
    normal = torch.linalg.cross(direction, axis)
    sine, cosine = normal.norm(), direction @ axis
    if float(sine) < 1e-6:  # already there, or half a turn about whatever is normal to it
        if float(cosine) > 0:
            return eye
        other = torch.linalg.cross(direction, eye[int(direction.abs().argmin())])
        other = other / other.norm()
        return 2 * torch.outer(other, other) - eye
    x, y, z = (normal / sine).unbind()
    zero = torch.zeros_like(x)
    cross = torch.stack([torch.stack([zero, -z, y]), torch.stack([z, zero, -x]), torch.stack([-y, x, zero])])
    return eye + sine * cross + (1 - cosine) * cross @ cross


@dataclass(frozen=True)
class FrameToUnit(Transform):
    """Pixels into -1 to 1 across the frame, each side by itself; pyskl's ``PreNormalize2D``.

    Joints with a score of ``least_score`` at most are missing afterwards, zero in all channels. ``box`` takes the box
    around all joints that are present in the clip in place of the frame.

    Raises:
        ValueError: on a clip whose corpus does not say how large its frames are, unless ``box``.
    """

    least_score: float = 0.01
    box: bool = False

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """A third coordinate stays."""
        if clip.dimensions < len(clip.channels):
            clip = clip.without(clip.values[..., -1] <= self.least_score)
        corner, size = self._frame(clip)
        flat = (clip.position[..., :2] - corner - size / 2) / (size / 2)
        return clip.placed(torch.cat([flat, clip.position[..., 2:]], dim=-1))

    def _frame(self, clip: SkeletonClip) -> tuple[Tensor, Tensor]:
        if not self.box:
            if clip.frame_size is None:
                raise ValueError("FrameToUnit needs to know how large the frames are: take the box instead")
            return torch.zeros(2), torch.tensor(clip.frame_size, dtype=torch.float32)
        seen = clip.position[..., :2][clip.present]
        if not len(seen):
            return torch.zeros(2), torch.ones(2)
        corner = seen.amin(0)
        return corner, (seen.amax(0) - corner).clamp(min=1e-6)


@dataclass(frozen=True)
class SizeOfBody(Transform):
    """Shoulders first: the origin lies between them and their distance is 1, as medians over the clip.

    Both are those of the first person. A clip that never shows both shoulders is centred on what it shows and divided
    by its spread, the root of the mean squared distance from there.

    Raises:
        ValueError: on a clip whose layout names no shoulders.
    """

    smallest: float = 1e-3

    def __post_init__(self) -> None:
        check_range("SizeOfBody smallest", self.smallest, 0)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints stay zero."""
        if clip.layout.reference is None:
            raise ValueError(
                f"layout {clip.layout.name!r} has no shoulders: normalise otherwise, or give it a reference"
            )
        left, right = clip.layout.reference
        seen = clip.present[:, 0, left] & clip.present[:, 0, right]
        ends = clip.position[seen, 0][:, [left, right]]  # [N, 2, D]
        if len(ends):
            unit = (ends[:, 0] - ends[:, 1]).norm(dim=-1).quantile(0.5)
            if float(unit) > self.smallest:
                return clip.placed((clip.position - ends.mean(1).quantile(0.5, dim=0)) / unit)
        shown = clip.position[clip.present]
        if not len(shown):
            return clip
        middle = shown.mean(0)
        spread = (shown - middle).square().sum(-1).mean().sqrt()
        return clip.placed((clip.position - middle) / spread.clamp(min=self.smallest))


@dataclass(frozen=True)
class UnitSpread(Transform):
    """Divide every coordinate by its standard deviation over all joints of the clip that are there.

    Sohn's solution of Google's Isolated Sign Language Recognition, after centring on the lower lip. A coordinate
    without spread stays.
    """

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Missing joints stay zero."""
        shown = clip.position[clip.present]
        if not len(shown):
            return clip
        spread = shown.std(dim=0, correction=0)
        return clip.placed(clip.position / torch.where(spread > 0, spread, 1.0))


@dataclass(frozen=True)
class AspectRatio(Transform):
    """Multiply x by width over height of the frame: shares of both become lengths that compare."""

    ratio: float

    def __post_init__(self) -> None:
        check_range("AspectRatio ratio", self.ratio, 1e-6)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """MediaPipe's z is a share of the width, too."""
        factor = clip.position.new_ones(clip.dimensions)
        factor[0] = self.ratio
        factor[2:] = self.ratio
        return clip.placed(clip.position * factor)


@dataclass(frozen=True)
class HandsOnWrists(Transform):
    """Joints of a group with a root (a hand, the face) as distances to their root, times ``scale``; the root stays.

    A joint whose root is missing is missing, too.
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        check_range("HandsOnWrists scale", self.scale, 0)

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        """Groups without a root stay as they are."""
        values, present = clip.position.clone(), clip.present.clone()
        for group, root in clip.layout.roots.items():
            members = [joint for joint in clip.layout.groups[group] if joint != root]
            values[:, :, members] = (clip.position[:, :, members] - clip.position[:, :, [root]]) * self.scale
            present[:, :, members] &= clip.present[:, :, [root]]
        return replace(clip, present=clip.present).placed(values).without(~present)
