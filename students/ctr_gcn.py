"""Networks of CTR-GCN blocks, whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from typing_extensions import Unpack

from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from students.ctr_gcn_blocks import CTRGCNBlock
from students.heads import HeadOptions
from students.skeleton_network import BlockTrunk, SkeletonNetwork


class CTRGCNNetwork(SkeletonNetwork):
    """Blocks of CTR-GCN (Chen et al., ICCV 2021), for glosses or for a class.

    A subclass names its layer table: ``CHANNELS`` and ``STRIDES`` of the blocks. ``conv_bias`` gives the layers in
    front of a batch norm a bias, which it makes idle, for released weights, which have one. The head takes the
    arguments of :class:`~students.heads.HeadOptions`; group pooling, tail and gloss heads are ours.

    The memory of a block grows with ``clips * width * joints ** 2``: a graph per clip and channel. Some 130 joints are
    comfortable, the 543 of MediaPipe want narrow channels.

    Raises:
        ValueError: when the layout or an option of the head is unknown, ``channels`` and ``strides`` differ in number,
            or a width cannot be shared by four temporal branches.
    """

    CHANNELS: ClassVar[tuple[int, ...]]
    STRIDES: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        channels: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        conv_bias: bool = False,
        **options: Unpack[HeadOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        parts = adjacency(layout, "directed")

        def block(in_width: int, width: int, stride: int, residual: bool) -> CTRGCNBlock:
            return CTRGCNBlock(in_width, width, parts, stride, residual, conv_bias)

        super().__init__(
            BlockTrunk(in_channels, channels or self.CHANNELS, strides or self.STRIDES, block),
            num_classes=num_classes,
            layout=layout,
            in_channels=in_channels,
            norm_per_person=True,
            **options,
        )
