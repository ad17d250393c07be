"""ST-GCN blocks for the joint groups of a skeleton, each group a graph of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from slr.layers import ValidSteps
from slr.skeleton import adjacency
from students.joint_groups import JointGroup
from students.st_gcn import STGCNBlock

Features = list[Tensor]  # for each joint group of a network [G N, J, D], its members one after the other


class GroupSplit(nn.Module):
    """Shares out the joints of a frame to the groups of a network, and puts the groups side by side again."""

    def __init__(self, groups: Sequence[JointGroup]) -> None:
        super().__init__()
        self.members = [len(group.members) for group in groups]
        for number, group in enumerate(groups):
            self.register_buffer(f"joints_{number}", torch.tensor(group.members), persistent=False)  # [G, J of a group]

    @property
    def count(self) -> int:
        """Number of joint groups of the layout."""
        return sum(self.members)

    def forward(self, rows: Tensor) -> Features:
        """``[N, J, D]`` -> features by group."""
        numbers = range(len(self.members))
        return [rows[:, getattr(self, f"joints_{number}")].transpose(0, 1).flatten(0, 1) for number in numbers]

    def steps(self, valid: ValidSteps) -> list[ValidSteps]:
        """Where the real steps lie of a batch that holds every clip once for each member of a group."""
        return [ValidSteps.of(valid.lengths.repeat(members), valid.steps) for members in self.members]

    def pooled(self, features: Features) -> Tensor:
        """Mean over the joints of every group: ``[N, groups * D]``."""
        means = [
            group.mean(1).unflatten(0, (members, -1)).transpose(0, 1).flatten(1)
            for group, members in zip(features, self.members, strict=True)
        ]
        return torch.cat(means, dim=-1)


class GroupBlocks(nn.Module):
    """An ST-GCN block for each joint group of a network."""

    def __init__(
        self, groups: Sequence[JointGroup], in_width: int, width: int, kernel: int, residual: bool = True
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            STGCNBlock(
                in_width, width, adjacency(group.skeleton, "distance"), kernel, graph="adaptive", residual=residual
            )
            for group in groups
        )

    def forward(self, features: Features, steps: list[ValidSteps]) -> Features:
        """Features of the joints, group by group."""
        return [block(group, own)[0] for block, group, own in zip(self.blocks, features, steps, strict=True)]


class StreamBlocks(nn.Module):
    """Such blocks for some streams of a network, by name."""

    def __init__(
        self, groups: Sequence[JointGroup], ins: Mapping[str, int], width: int, kernel: int, residual: bool
    ) -> None:
        super().__init__()
        self.streams = nn.ModuleDict(
            {name: GroupBlocks(groups, own, width, kernel, residual) for name, own in ins.items()}
        )

    def forward(self, features: Mapping[str, Features], steps: list[ValidSteps]) -> dict[str, Features]:
        """Features of these streams; the others are not needed any more."""
        return {name: blocks(features[name], steps) for name, blocks in self.streams.items()}
