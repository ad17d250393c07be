"""ST-GCN++: ST-GCN with graphs that learn and several time scales side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import MaskedBatchNorm, ValidSteps
from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from students.block_network import BlockNetwork, BlockOptions, wants_bias
from students.st_gcn import GraphConv
from students.st_gcn_released import PYSKL_STGCNPP
from students.temporal_units import MixedBranches
from students.units import GraphBlock, Shortcut


class STGCNPP(BlockNetwork):
    """ST-GCN++ (Duan et al., ACM MM 2022), for glosses or for a class.

    ``partition`` is the one of :func:`~slr.skeleton.adjacency` that the graphs start from. Options are
    :class:`~students.block_network.BlockOptions`.

    Raises:
        ValueError: when the layout, ``partition`` or an option is unknown.
    """

    released: ClassVar[Mapping[str, ReleasedLayout]] = {"pyskl-stgcnpp": PYSKL_STGCNPP}

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        partition: str = "spatial",
        **options: Unpack[BlockOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        bias, parts = wants_bias(options), adjacency(layout, partition)

        def block(in_width: int, width: int, stride: int, residual: bool) -> GraphBlock:
            return GraphBlock(
                LearnedGraphConv(in_width, width, parts, bias),
                MixedBranches(width, stride, bias=bias),
                Shortcut(in_width, width, stride, bias) if residual else None,
            )

        super().__init__(
            block, num_classes=num_classes, layout=layout, in_channels=in_channels, norm_per_person=False, **options
        )


class LearnedGraphConv(nn.Module):
    """A graph that starts from the skeleton and learns, batch norm, plus the input; ReLU."""

    def __init__(self, in_width: int, width: int, parts: Tensor, bias: bool = True) -> None:
        super().__init__()
        self.conv = GraphConv(in_width, width, parts, "adaptive", bias=True)
        self.norm = MaskedBatchNorm(width)
        self.shortcut = Shortcut(in_width, width, bias=bias)

    def forward(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[N, J, width]``."""
        return self.norm.normalise(self.conv(x), plus=self.shortcut(x, valid, valid), relu=True)
