"""The joint groups of a skeleton as skeletons of their own, where they are centred, and how they move."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slr.skeleton import SkeletonLayout
from slr.types import Padded


@dataclass(frozen=True)
class JointGroup:
    """Groups that one set of weights can read: ``skeleton`` is that of each.

    ``members`` holds, group by group, the places of its joints in the whole layout, in the order of ``skeleton``.
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    skeleton: SkeletonLayout


def joint_groups(layout: SkeletonLayout) -> list[JointGroup]:
    """The groups of a layout in its order, the two hands together where one is the mirror image of the other."""
    found: list[JointGroup] = []
    mirror = layout.mirror_permutation().tolist()
    for name, joints in layout.groups.items():
        alone = JointGroup((name,), (joints,), group_skeleton(layout, name, joints))
        left = next((group for group in found if group.names == ("left_hand",)), None)
        if name == "right_hand" and left is not None:
            image = tuple(mirror[joint] for joint in left.members[0])
            if set(image) == set(joints) and group_skeleton(layout, name, image).bones == left.skeleton.bones:
                found[found.index(left)] = JointGroup((*left.names, name), (*left.members, image), left.skeleton)
                continue
        found.append(alone)
    return found


def group_skeleton(layout: SkeletonLayout, name: str, joints: tuple[int, ...]) -> SkeletonLayout:
    """A skeleton of some joints alone; a joint hangs on its nearest ancestor among them."""
    parents, places = layout.parents().tolist(), {joint: place for place, joint in enumerate(joints)}
    bones = []
    for joint in joints:
        above = joint
        while parents[above] != above:
            above = parents[above]
            if above in places:
                bones.append((places[above], places[joint]))
                break
    return SkeletonLayout(
        name=f"{name} of {layout.name}",
        joints=tuple(layout.joints[joint] for joint in joints),
        bones=tuple(bones),
        mirror=(),
        groups={"body": tuple(range(len(joints)))},
        roots={},
        centre=0,
    )


def centred_groups(stream: Padded, layout: SkeletonLayout) -> Padded:
    """Keypoints ``[B, T, J, C]`` of places, each group about its own origin, as CoSign reads them.

    A group with a root (a hand and its wrist, mouth and face and the nose) is centred on it in every frame, and is
    missing where the root is. The body is centred on the middle between the shoulders in the first frame that shows
    both. Channels beyond the place stay, and a missing joint, zero in all channels, stays missing.
    """
    values = stream.zeroed().values
    present = present_joints(values)
    places = values[..., : dimensions(values.shape[-1])]
    origin = _body_origin(places, present, layout)[:, None, None].expand_as(places).clone()
    kept = present.clone()
    for name, root in layout.roots.items():
        joints = list(layout.groups[name])
        origin[:, :, joints] = places[:, :, root, None].expand(-1, -1, len(joints), -1)
        kept[:, :, joints] &= present[:, :, root, None]
    centred = torch.cat([places - origin, values[..., places.shape[-1] :]], dim=-1)
    return Padded(torch.where(kept[..., None], centred, torch.zeros_like(centred)), stream.lengths)


def _body_origin(places: Tensor, present: Tensor, layout: SkeletonLayout) -> Tensor:
    """The middle between the shoulders in the first frame with both, ``[B, 2]`` or ``[B, 3]``; else zero."""
    if layout.reference is None:
        return places.new_zeros(len(places), places.shape[-1])
    shoulders = list(layout.reference)
    both = present[:, :, shoulders].all(-1)  # [B, T]
    first = both.int().argmax(1)
    middle = places[torch.arange(len(places), device=places.device), first][:, shoulders].mean(1)
    return torch.where(both.any(1, keepdim=True), middle, torch.zeros_like(middle))


def motion(stream: Padded) -> Padded:
    """Differences of the place to the next and to the previous frame: ``[B, T, J, C]`` -> ``[B, T, J, 4]``.

    Six channels in three dimensions. Zero where either frame misses the joint, and beyond the ends of the clip.
    """
    values = stream.zeroed().values
    present = present_joints(values)
    places = values[..., : dimensions(values.shape[-1])]
    step = places[:, 1:] - places[:, :-1]
    step = torch.where((present[:, 1:] & present[:, :-1])[..., None], step, torch.zeros_like(step))
    still = torch.zeros_like(places[:, :1])
    return Padded(torch.cat([torch.cat([step, still], 1), torch.cat([still, step], 1)], dim=-1), stream.lengths)


def dimensions(channels: int) -> int:
    """Coordinates of a place among the channels of a joint: two of x, y and confidence, three where there is z."""
    return max(channels - 1, 2)


def present_joints(values: Tensor) -> Tensor:
    """``[..., J]`` bool: the joints of ``[..., J, C]`` that are not missing, that is zero in all channels."""
    return (values != 0).any(-1)
