"""DSTA-SLR: attention over joints by a graph per clip and one per channel, and two scales of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from typing_extensions import Unpack

from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from students.dsta_blocks import DSTABlock
from students.dsta_released import DSTA_SLR
from students.heads import HeadOptions
from students.skeleton_network import BlockTrunk, SkeletonNetwork


class DSTASLR(SkeletonNetwork):
    """DSTA-SLR (Hu et al., "Dynamic Spatial-Temporal Aggregation for Skeleton-Aware Sign Language Recognition",
    LREC-COLING 2024), for glosses or for a class.

    Four blocks, see :class:`~students.dsta_blocks.DSTABlock`; the spatial unit of a block is as wide as the block
    before it. The last ``drop_blocks`` drop joints and spans of time in training, at a rate that the trainer's epochs
    raise, see :class:`~students.drop_masks.DropMasks`. The head takes the arguments of
    :class:`~students.heads.HeadOptions`; group pooling, tail and gloss heads are ours.

    Args:
        num_classes: width of the logits, with the blank where the task is ``glosses``.
        layout: the skeleton.
        in_channels: numbers of a joint.
        channels: widths of the blocks.
        strides: of the blocks. By default (1, 2, 2, 2) for a class, as published, and (1, 2, 2, 1) for glosses, where
            a step of eight frames would be longer than many a sign.
        graphs: of a clip, in every block; each is for a share of the channels.
        drop_blocks: how many blocks drop, counted from the last.

    Raises:
        ValueError: when the layout or an option of the head is unknown, ``channels`` and ``strides`` differ in number,
            or ``graphs`` does not divide the channels.
    """

    released: ClassVar[Mapping[str, ReleasedLayout]] = {"dsta-slr": DSTA_SLR}

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "sign-27",
        in_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256, 512),
        strides: Sequence[int] | None = None,
        graphs: int = 8,
        drop_blocks: int = 2,
        **options: Unpack[HeadOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        if strides is None:
            strides = (1, 2, 2, 2 if options.get("task") == "class" else 1)
        graph = adjacency(layout, "directed").sum(0)
        first = channels[0] if channels else 0
        dropping = iter(range(1, len(channels) + 1))

        def block(in_width: int, width: int, stride: int, residual: bool) -> DSTABlock:
            drop = next(dropping) > len(channels) - drop_blocks
            spatial = in_width if residual else first
            return DSTABlock(
                in_width, spatial, width, graph, graphs=graphs, stride=stride, residual=residual, drop=drop
            )

        super().__init__(
            BlockTrunk(in_channels, channels, strides, block),
            num_classes=num_classes,
            layout=layout,
            in_channels=in_channels,
            norm_per_person=True,
            **options,
        )
