"""DG-STGCN: graphs that no skeleton prescribes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import Unpack

from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout, skeleton_layout
from students.block_network import BlockNetwork, BlockOptions, wants_bias
from students.graph_units import DynamicGraphConv
from students.pyskl_released import PYSKL_DGSTGCN
from students.temporal_units import MixedBranches
from students.units import GraphBlock, Shortcut


class DGSTGCN(BlockNetwork):
    """Dynamic Group Spatio-Temporal GCN (Duan et al., 2022), for glosses or for a class.

    Of the layout it takes the number of joints alone. Options are :class:`~students.block_network.BlockOptions`.

    Raises:
        ValueError: when the layout or an option is unknown, or a width cannot be shared by ``groups``.
    """

    released: ClassVar[Mapping[str, ReleasedLayout]] = {"pyskl-dgstgcn": PYSKL_DGSTGCN}

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        groups: int = 8,
        **options: Unpack[BlockOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        bias, joints = wants_bias(options), len(layout)

        def block(in_width: int, width: int, stride: int, residual: bool) -> GraphBlock:
            return GraphBlock(
                DynamicGraphConv(in_width, width, joints, groups, bias),
                MixedBranches(width, stride, bias=bias, joints=joints),
                Shortcut(in_width, width, stride, bias) if residual else None,
            )

        super().__init__(
            block, num_classes=num_classes, layout=layout, in_channels=in_channels, norm_per_person=False, **options
        )
