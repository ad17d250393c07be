"""Graphs of a skeleton over many hops, and over several frames at once, as MS-G3D reads them."""

from __future__ import annotations

import torch
from torch import Tensor

NORMALISATIONS = ("symmetric", "columns")


def window_of(linked: Tensor, frames: int) -> Tensor:
    """``[frames J, frames J]``: the joints of several frames, frame by frame, linked whatever frames they are of."""
    return linked.repeat(frames, frames)


def disentangled(linked: Tensor, scales: int, normalise: str = "symmetric") -> Tensor:
    """A graph ``[J, J]`` by hops, ``[scales, J, J]``: joints that are ``k`` hops apart, and no fewer, at scale ``k``.

    The disentangled aggregation of MS-G3D (Liu et al., CVPR 2020, equation 4): from scale 1 on a joint is linked with
    itself too; scale 0 is that link alone. As in :func:`~slr.skeleton.adjacency` the joint of a column receives from
    those of the rows. ``normalise`` divides an edge by the root of the numbers of edges at both of its joints
    (``symmetric``, as published), or by that at the joint of its column (``columns``, as pyskl does).

    Raises:
        ValueError: when there is no scale, or no such normalisation.
    """
    if scales < 1:
        raise ValueError(f"{scales} scales of a graph: there must be one at least")
    if normalise not in NORMALISATIONS:
        raise ValueError(f"unknown normalisation {normalise!r} of a graph: there are {', '.join(NORMALISATIONS)}")
    self_loops = torch.eye(len(linked))
    step = ((linked + self_loops) > 0).float()
    reached, parts = self_loops, [self_loops]
    for _ in range(scales - 1):
        farther = ((reached @ step) > 0).float()
        parts.append(farther - reached + self_loops)
        reached = farther
    graph = torch.stack(parts)
    if normalise == "columns":
        return graph / graph.sum(1, keepdim=True)
    root = graph.sum(2).rsqrt()
    return root[:, :, None] * graph * root[:, None, :]
