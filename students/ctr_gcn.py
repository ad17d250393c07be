"""CTR-GCN: a graph of its own for every channel, then several time scales side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import Unpack

from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from students.block_network import BlockNetwork, BlockOptions, wants_bias
from students.ctr_gcn_released import CTR_GCN, PYSKL_CTRGCN
from students.ctr_gcn_units import RefinedGraphConv
from students.temporal_units import TemporalBranches
from students.units import GraphBlock, Shortcut


class CTRGCN(BlockNetwork):
    """Channel-wise Topology Refinement Graph Convolution Network (Chen et al., ICCV 2021), for glosses or for a class.

    ``variant`` is ``original``, or ``pyskl``: the columns of a graph receive in place of its rows
    (:class:`~students.ctr_gcn_units.RefinedGraphConv`), and the temporal unit ends in a ReLU of its own. Options are
    :class:`~students.block_network.BlockOptions`; the two strides make a step of every four frames, which glosses are
    read from as they are.

    The memory of a block grows with ``clips * width * joints ** 2``: a graph per clip and channel. Some 130 joints are
    comfortable, the 543 of MediaPipe want narrow channels.

    Raises:
        ValueError: when the layout, the variant or an option is unknown, or a width cannot be shared by four branches.
    """

    released: ClassVar[Mapping[str, ReleasedLayout]] = {"ctr-gcn": CTR_GCN, "pyskl-ctrgcn": PYSKL_CTRGCN}
    VARIANTS = ("original", "pyskl")

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        variant: str = "original",
        **options: Unpack[BlockOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        if variant not in self.VARIANTS:
            raise ValueError(f"unknown variant {variant!r} of CTR-GCN: there are {', '.join(self.VARIANTS)}")
        pyskl, bias, parts = variant == "pyskl", wants_bias(options), adjacency(layout, "directed")

        def block(in_width: int, width: int, stride: int, residual: bool) -> GraphBlock:
            return GraphBlock(
                RefinedGraphConv(in_width, width, parts, bias, transposed=pyskl),
                TemporalBranches(width, stride, bias=bias, activated=pyskl),
                Shortcut(in_width, width, stride, bias) if residual else None,
            )

        super().__init__(
            block, num_classes=num_classes, layout=layout, in_channels=in_channels, norm_per_person=True, **options
        )
