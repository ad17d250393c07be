"""From features of joints to features of a frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from slr.skeleton import SkeletonLayout

POOLINGS = ("groups", "mean")


class JointPooling(nn.Module):
    """Mean over the joints of each group, the groups side by side: ``[..., J, D]`` -> ``[..., G D]``."""

    def __init__(self, groups: Iterable[Sequence[int]], num_joints: int) -> None:
        super().__init__()
        rows = []
        for group in groups:
            row = torch.zeros(num_joints)
            row[list(group)] = 1 / len(group)
            rows.append(row)
        self.share: Tensor
        self.register_buffer("share", torch.stack(rows), persistent=False)  # [G, J]

    @classmethod
    def named(cls, pooling: str, layout: SkeletonLayout) -> JointPooling:
        """Pooling by ``groups`` of the layout, or over all its joints (``mean``).

        Raises:
            ValueError: when ``pooling`` is neither.
        """
        if pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {pooling!r} of joints: there are {', '.join(POOLINGS)}")
        groups = list(layout.groups.values()) if pooling == "groups" else [range(len(layout))]
        return cls(groups, len(layout))

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.share)

    def forward(self, joints: Tensor) -> Tensor:
        """Pool the last but one axis."""
        return (self.share @ joints).flatten(-2)
