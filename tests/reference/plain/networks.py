"""The whole networks, by the names of the files of released layouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from tests.reference.plain import blocks

TEN = ((64,) * 4 + (128,) * 3 + (256,) * 3, (1, 1, 1, 1, 2, 1, 1, 2, 1, 1))
EIGHT = ((64,) * 3 + (128,) * 3 + (256,) * 2, (1, 1, 1, 2, 1, 1, 2, 1))


@dataclass(frozen=True)
class Plan:
    """Where a network keeps its parts and what its blocks are."""

    block: Callable[..., nn.Module]
    names: tuple[str, str, str]  # input norm, blocks, classifier
    norm_per_person: bool
    layout: str = "ntu-25"
    partition: str | None = "directed"
    table: tuple[Sequence[int], Sequence[int]] = TEN
    first_block: int = 0
    stored_graph: str | None = None


CTR = ("data_bn", "l{}", "fc")
PYSKL = ("backbone.data_bn", "backbone.gcn.{}", "cls_head.fc_cls")
PLANS = {
    "st-gcn": Plan(
        blocks.STGCNBlock, ("data_bn", "st_gcn_networks.{}", "fcn"), False, partition="spatial", stored_graph="A"
    ),
    "pyskl-stgcn": Plan(
        partial(blocks.PysklSTGCNBlock, plus=False), PYSKL, False, layout="ntu-25-pyskl", partition="spatial"
    ),
    "pyskl-stgcnpp": Plan(
        partial(blocks.PysklSTGCNBlock, plus=True), PYSKL, False, layout="ntu-25-pyskl", partition="spatial"
    ),
    "pyskl-aagcn": Plan(blocks.AAGCNBlock, PYSKL, True, layout="ntu-25-pyskl", stored_graph="backbone.A"),
    "s8": Plan(partial(blocks.AAGCNBlock, attention=False), CTR, True, table=EIGHT, first_block=1),
    "ctr-gcn": Plan(partial(blocks.CTRGCNBlock, transposed=False), CTR, True, first_block=1),
    "dke-gcn": Plan(
        partial(blocks.CTRGCNBlock, transposed=False), CTR, True, table=(TEN[0][:9], TEN[1][:9]), first_block=1
    ),
    "light-dke-gcn": Plan(
        partial(blocks.CTRGCNBlock, transposed=False), CTR, True, table=(TEN[0][:7], TEN[1][:7]), first_block=1
    ),
    "pyskl-ctrgcn": Plan(
        partial(blocks.CTRGCNBlock, transposed=True),
        ("backbone.data_bn", "backbone.net.{}", "cls_head.fc_cls"),
        True,
        layout="ntu-25-pyskl",
        stored_graph="backbone.A",
    ),
    "pyskl-dgstgcn": Plan(blocks.DGSTGCNBlock, PYSKL, False, layout="ntu-25-pyskl", partition=None),
}


class PlainNetwork(nn.Module):
    """``[B, T, P, J, C]`` -> ``[B, classes]``."""

    def __init__(self, plan: Plan, classes: int = 60, persons: int = 2, layout: SkeletonLayout | None = None) -> None:
        super().__init__()
        layout = skeleton_layout(plan.layout) if layout is None else layout
        joints, (channels, strides) = len(layout), plan.table
        parts = None if plan.partition is None else adjacency(layout, plan.partition)
        self.plan = plan
        norm, block, classifier = plan.names
        self._put(norm, nn.BatchNorm1d((persons if plan.norm_per_person else 1) * joints * 3))
        widths = [3, *channels]
        for i, stride in enumerate(strides):
            graph = {"joints": joints} if parts is None else {"parts": parts}
            made = plan.block(widths[i], widths[i + 1], stride, first=i == 0, **graph)
            self._put(block.format(i + plan.first_block), made)
        if plan.stored_graph is not None:
            home, _, name = plan.stored_graph.rpartition(".")
            self.get_submodule(home).register_buffer(name, parts.clone())
        if classifier == "fcn":
            self.edge_importance = nn.ParameterList(torch.ones_like(parts) for _ in channels)
            self._put(classifier, nn.Conv2d(channels[-1], classes, 1))
        else:
            self._put(classifier, nn.Linear(channels[-1], classes))

    def _put(self, path: str, module: nn.Module) -> None:
        home: nn.Module = self
        *above, name = path.split(".")
        for step in above:
            if not hasattr(home, step):
                home.add_module(step, nn.Module())
            home = getattr(home, step)
        home.add_module(name, module)

    def blocks(self) -> list[nn.Module]:
        pattern, first = self.plan.names[1], self.plan.first_block
        return [self.get_submodule(pattern.format(first + i)) for i in range(len(self.plan.table[1]))]

    def forward(self, keypoints: Tensor) -> Tensor:
        batch, steps, persons, joints, channels = keypoints.shape
        norm, _, classifier = map(self.get_submodule, (self.plan.names[0], "", self.plan.names[2]))
        x = keypoints.permute(0, 2, 3, 4, 1)  # N M V C T
        folded = (batch, -1, steps) if self.plan.norm_per_person else (batch * persons, -1, steps)
        x = norm(x.reshape(folded)).view(batch * persons, joints, channels, steps).permute(0, 2, 3, 1).contiguous()
        for i, block in enumerate(self.blocks()):
            x = block(x, self.A * self.edge_importance[i]) if hasattr(self, "edge_importance") else block(x)
        pooled = x.mean((2, 3)).unflatten(0, (batch, persons)).mean(1)
        return classifier(pooled[:, :, None, None]).flatten(1) if hasattr(self, "fcn") else classifier(pooled)


def plain(name: str, classes: int = 60, persons: int = 2, layout: SkeletonLayout | None = None) -> PlainNetwork:
    """The network whose released weights the layout ``name`` describes, or ``s8``."""
    return PlainNetwork(PLANS[name], classes, persons, layout)
