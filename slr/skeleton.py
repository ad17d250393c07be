"""Skeleton layouts: which keypoints a skeleton has, how they hang together, and the graphs made from that.

A layout is data. The built-in ones are the YAML files in ``slr/layouts``; ``SkeletonLayout.from_file`` reads anyone's
own. "Left" is always the person's left, and a joint name means the same point of the body in every layout.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from slr import skeleton_file

PARTITIONS = ("uniform", "distance", "spatial", "directed")


@dataclass(frozen=True)
class SkeletonLayout:
    """The keypoints of a skeleton. Every number in it is the index of a joint in ``joints``.

    ``bones`` are (parent, child) and form trees, one or several. ``mirror`` holds (left, right) pairs; a joint in no
    pair lies in the middle. ``groups`` (body, left_hand, right_hand, mouth, face, ...) share out the joints, each to
    one group. ``roots`` is the joint on which a group is centred: the wrist of a hand, the nose of a face; a body has
    none. ``centre`` is the centre of the graph. ``reference`` are the two shoulders, where there are any: the origin
    and the unit of length when a body is normalised.

    Raises:
        ValueError: when the parts do not fit together; the message lists every fault.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    mirror: tuple[tuple[int, int], ...]
    groups: Mapping[str, tuple[int, ...]] = field(hash=False)
    roots: Mapping[str, int] = field(hash=False)
    centre: int
    reference: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        faults = _structure_faults(self)
        if faults:
            raise ValueError(f"skeleton layout {self.name!r}: {'; '.join(faults)}")

    @classmethod
    def from_file(cls, path: Path | str) -> SkeletonLayout:
        """Read a layout from a YAML file.

        A file lists ``joints`` in the order of the stored keypoints, ``bones`` as chains from parent to child,
        ``groups``, ``roots``, a ``centre`` and, optionally, ``reference`` and ``mirror``. Joints called ``left_x`` and
        ``right_x`` are mirror images; ``mirror`` adds what names do not tell (``left:``, ``right:``, ``midline:``).
        ``{prefix: face_, first: 0, last: 67}`` stands for 68 names, and a group may be ``rest``. A subset names another
        layout in ``of:`` and its joints in ``select:``; everything it does not say itself it takes from there, a bone
        reaching to the nearest selected ancestor. The files in ``slr/layouts`` are examples.

        Raises:
            ValueError: when the file is missing or is no such layout; the message lists every fault.
        """
        return cls.from_dict(skeleton_file.read_yaml(path), where=str(path))

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], *, where: str = "") -> SkeletonLayout:
        """Make a layout from the content of a layout file; ``where`` is named in complaints."""
        return cls(**skeleton_file.parse(fields, where or "skeleton layout", skeleton_layout))

    def to_dict(self) -> dict[str, Any]:
        """The content of a layout file, with nothing but strings and lists: fit for JSON, read by :meth:`from_dict`."""
        return skeleton_file.unparse(self)

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.joints)

    def index(self, joint: str) -> int:
        """The number of the joint called ``joint``.

        Raises:
            ValueError: when the layout has no such joint.
        """
        if joint not in self.joints:
            raise ValueError(
                f"skeleton layout {self.name!r} has no joint {joint!r}{_did_you_mean(joint, list(self.joints))}"
            )
        return self.joints.index(joint)

    def parents(self) -> Tensor:
        """``[J]`` int64: the parent of every joint. A joint without a parent is its own, so its bone vector is zero."""
        parents = torch.arange(len(self))
        for parent, child in self.bones:
            parents[child] = parent
        return parents

    def mirror_permutation(self) -> Tensor:
        """``[J]`` int64: ``keypoints[..., permutation, :]``, with x negated, is the mirror image. Its own inverse."""
        permutation = torch.arange(len(self))
        for left, right in self.mirror:
            permutation[left], permutation[right] = right, left
        return permutation

    def selection_from(self, stored: SkeletonLayout) -> Tensor:
        """``[J]`` int64: the places of these joints in ``stored``; ``keypoints[..., selection, :]`` picks them.

        Joints are found by name, so a subset can be picked from its parent, from another subset that has all of its
        joints, or from the skeleton of another estimator.

        Raises:
            ValueError: when ``stored`` lacks some of the joints.
        """
        places = {joint: index for index, joint in enumerate(stored.joints)}
        missing = [joint for joint in self.joints if joint not in places]
        if missing:
            some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            raise ValueError(
                f"skeleton layout {self.name!r} cannot be picked from {stored.name!r}, which lacks "
                f"{len(missing)} of its {len(self)} joints ({some})"
            )
        return torch.tensor([places[joint] for joint in self.joints])


def layout_names() -> tuple[str, ...]:
    """Names of the built-in layouts, sorted."""
    folder = resources.files("slr") / "layouts"
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def skeleton_layout(layout: str | SkeletonLayout | Mapping[str, Any]) -> SkeletonLayout:
    """The layout meant by a built-in name, the path of a ``.yaml`` file, or the dictionary that a checkpoint keeps.

    Raises:
        ValueError: when there is no such layout, or it is faulty.
    """
    if isinstance(layout, SkeletonLayout):
        return layout
    if isinstance(layout, Mapping):
        return SkeletonLayout.from_dict(layout)
    if layout.endswith((".yaml", ".yml")):
        return SkeletonLayout.from_file(layout)
    return _built_in(layout)


@cache
def _built_in(name: str) -> SkeletonLayout:
    names = layout_names()
    if name not in names:
        raise ValueError(
            f"unknown skeleton layout {name!r}{_did_you_mean(name, list(names))}; built in are {', '.join(names)}, "
            "and the path of a .yaml file brings your own"
        )
    with resources.as_file(resources.files("slr") / "layouts" / f"{name}.yaml") as path:
        return SkeletonLayout.from_file(path)


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _structure_faults(layout: SkeletonLayout) -> list[str]:
    names = Counter(layout.joints)
    faults = [f"joint {name!r} stands {times} times" for name, times in names.items() if times > 1]
    if not layout.joints:
        faults.append("it has no joints")
    numbers = [
        *(joint for pair in (*layout.bones, *layout.mirror) for joint in pair),
        *(joint for group in layout.groups.values() for joint in group),
        *(*layout.roots.values(), layout.centre, *(layout.reference or ())),
    ]
    outside = sorted({number for number in numbers if not 0 <= number < len(layout)})
    if outside:
        return [*faults, f"joint number {outside[0]} is used, but joints run from 0 to {len(layout) - 1}"]
    return faults + _bone_faults(layout) + _mirror_faults(layout) + _group_faults(layout)


def _bone_faults(layout: SkeletonLayout) -> list[str]:
    faults = []
    parent_of: dict[int, int] = {}
    for parent, child in layout.bones:
        if child in parent_of:
            both = f"{layout.joints[parent_of[child]]!r} and {layout.joints[parent]!r}"
            faults.append(f"joint {layout.joints[child]!r} has two parents, {both}: bones form trees")
        parent_of.setdefault(child, parent)
    for start in parent_of:
        joint, steps = start, 0
        while joint in parent_of and steps <= len(layout):
            joint, steps = parent_of[joint], steps + 1
            if joint == start:
                faults.append(f"the bones lead from joint {layout.joints[start]!r} round in a circle to itself")
                break
    return faults


def _mirror_faults(layout: SkeletonLayout) -> list[str]:
    times = Counter(joint for pair in layout.mirror for joint in pair)
    return [
        f"the mirror is not symmetric: joint {layout.joints[joint]!r} stands in more than one place of its pairs"
        for joint, count in times.items()
        if count > 1
    ]


def _group_faults(layout: SkeletonLayout) -> list[str]:
    times = Counter(joint for group in layout.groups.values() for joint in group)
    faults = [f"joint {layout.joints[joint]!r} stands in {count} groups" for joint, count in times.items() if count > 1]
    faults += [f"joint {name!r} is in no group" for index, name in enumerate(layout.joints) if index not in times]
    faults += [f"group {name!r} is empty" for name, group in layout.groups.items() if not group]
    faults += [f"'roots' names {name!r}, which is no group" for name in layout.roots if name not in layout.groups]
    faults += [
        f"group {hand!r} needs a root, its wrist"
        for hand in ("left_hand", "right_hand")
        if hand in layout.groups and hand not in layout.roots
    ]
    if layout.reference is not None and layout.reference[0] == layout.reference[1]:
        faults.append(f"the reference joints are the same, {layout.joints[layout.reference[0]]!r}")
    return faults


def linked_joints(layout: SkeletonLayout) -> Tensor:
    """``[J, J]`` float32: 1 where two joints are one and the same or a bone connects them."""
    linked = torch.eye(len(layout))
    for parent, child in layout.bones:
        linked[parent, child] = linked[child, parent] = 1
    return linked


def hop_distance(layout: SkeletonLayout) -> Tensor:
    """``[J, J]`` float32: number of bones between two joints, infinite where no path of bones connects them."""
    size = len(layout)
    linked = linked_joints(layout)
    distance = torch.full((size, size), torch.inf)
    reached = torch.zeros(size, size)
    wider, hops = torch.eye(size), 0
    while not torch.equal(wider, reached):
        distance[(wider > 0) & (reached == 0)] = hops
        reached, wider, hops = wider, ((wider @ linked) > 0).float(), hops + 1
    return distance


def adjacency(layout: SkeletonLayout, strategy: str = "spatial", max_hop: int = 1) -> Tensor:
    """The graph of a layout, split into parts with weights of their own: ``[K, J, J]`` float32.

    Row ``v``, column ``w`` of a part is how much joint ``w`` receives from joint ``v``: ``y[w] = sum_v x[v] A[k,v,w]``.
    The first three strategies are those of ST-GCN (Yan et al., AAAI 2018): the matrix of all joints at most ``max_hop``
    bones apart, a joint itself included, is divided by its column sums and then split, so the parts together have
    columns that sum to one.

    * ``uniform``: one part.
    * ``distance``: a part per number of hops, ``K = max_hop + 1``.
    * ``spatial``: the joint itself; then per number of hops the neighbours no nearer to the centre than the joint, and
      the neighbours nearer to it, ``K = 2 max_hop + 1``. In a tree without the centre its own root is the centre.
    * ``directed``: the joint itself, its parent, its children, each part divided by its own column sums (2s-AGCN,
      CTR-GCN, DSTA-SLR); ``K = 3`` and ``max_hop`` must be 1.

    Raises:
        ValueError: when the strategy is unknown or ``max_hop`` does not fit it.
    """
    if strategy not in PARTITIONS:
        raise ValueError(
            f"unknown partition {strategy!r} of a skeleton graph{_did_you_mean(strategy, list(PARTITIONS))}; "
            f"there are {', '.join(PARTITIONS)}"
        )
    if max_hop < 1 or (strategy == "directed" and max_hop != 1):
        raise ValueError(f"max_hop is {max_hop}: it must be at least 1, and 1 exactly for the directed partition")
    if strategy == "directed":
        return _directed(layout)
    hops = hop_distance(layout)
    near = (hops <= max_hop).float()
    near = near / near.sum(0)
    if strategy == "uniform":
        return near[None]
    rings = torch.stack([near * (hops == hop) for hop in range(max_hop + 1)])
    if strategy == "distance":
        return rings
    depth = _distance_to_centre(layout, hops)
    nearer = (depth[:, None] < depth[None, :]).float()  # row v is nearer to the centre than column w
    parts = [rings[0]]
    for ring in rings[1:]:
        parts += [ring * (1 - nearer), ring * nearer]
    return torch.stack(parts)


def _directed(layout: SkeletonLayout) -> Tensor:
    parts = torch.zeros(3, len(layout), len(layout))
    parts[0] = torch.eye(len(layout))
    for parent, child in layout.bones:
        parts[1, parent, child] = 1
        parts[2, child, parent] = 1
    return parts / parts.sum(1, keepdim=True).clamp(min=1)


def _distance_to_centre(layout: SkeletonLayout, hops: Tensor) -> Tensor:
    """``[J]``: hops to the centre, or to the root of the own tree where the centre is out of reach."""
    children = {child for _, child in layout.bones}
    roots = [joint for joint in range(len(layout)) if joint not in children]
    to_root = hops[:, roots].amin(1)
    to_centre = hops[:, layout.centre]
    return torch.where(to_centre.isinf(), to_root, to_centre)
