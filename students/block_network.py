"""Skeleton networks that are a row of graph blocks, and the students that come of leaving some of it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import nn
from typing_extensions import Unpack

from slr.skeleton import SkeletonLayout
from students.heads import HeadOptions
from students.skeleton_network import BlockTrunk, SkeletonNetwork

Block = Callable[[int, int, int, bool], nn.Module]
_WIDTHS = 8  # all networks can share multiples of it among their branches and groups


class BlockOptions(HeadOptions, total=False):
    """What every network of blocks takes about its table and its head, beside its own arguments.

    * ``channels``, ``strides``: width and stride of every block, instead of the network's own table.
    * ``drop_last``: how many of the last blocks to leave out, none by default.
    * ``width_factor``: what the widths are multiplied by, 1 by default; a width becomes a multiple of 8.
    * ``conv_bias``: whether layers in front of a batch norm have a bias, which it makes idle. By default those of a
      network for classes have one, because the published weights do, and those of a network for glosses have none.

    The others are those of :class:`~students.heads.HeadOptions`. ``drop_last`` and ``width_factor`` span the space of
    shrunk students in which DKE-GCN was searched (Liu et al., IEEE TCSVT 2024).
    """

    channels: Sequence[int]
    strides: Sequence[int]
    drop_last: int
    width_factor: float
    conv_bias: bool


class BlockNetwork(SkeletonNetwork):
    """A network whose trunk is a row of blocks; a subclass names its table, and gives what makes a block.

    Args:
        block: makes a block of its input width, width, stride, and whether it adds its input (the first does not).
        num_classes: width of the logits, with the blank where the task is ``glosses``.
        layout: the skeleton.
        in_channels: numbers of a joint.
        norm_per_person: see :class:`~students.skeleton_network.SkeletonNetwork`.
        options: :class:`BlockOptions`.

    Raises:
        ValueError: when the table makes no sense, or an option does not.
    """

    CHANNELS: ClassVar[tuple[int, ...]] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)
    STRIDES: ClassVar[tuple[int, ...]] = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)

    def __init__(
        self,
        block: Block,
        *,
        num_classes: int,
        layout: SkeletonLayout,
        in_channels: int,
        norm_per_person: bool,
        **options: Unpack[BlockOptions],
    ) -> None:
        channels, strides = shrunk(
            options.get("channels", self.CHANNELS),
            options.get("strides", self.STRIDES),
            options.get("drop_last", 0),
            options.get("width_factor", 1.0),
        )
        of_the_head: Any = {name: value for name, value in options.items() if name in HeadOptions.__annotations__}
        super().__init__(
            BlockTrunk(in_channels, channels, strides, block),
            num_classes=num_classes,
            layout=layout,
            in_channels=in_channels,
            norm_per_person=norm_per_person,
            **of_the_head,
        )


def wants_bias(options: BlockOptions) -> bool:
    """Whether layers in front of a batch norm have a bias: as said, else as the published network for the task."""
    return options.get("conv_bias", options.get("task") == "class")


def shrunk(
    channels: Sequence[int], strides: Sequence[int], drop_last: int, width_factor: float
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A table of blocks without its last ones and with other widths.

    Raises:
        ValueError: when no block is left, or the factor is not positive.
    """
    if not 0 <= drop_last < len(channels):
        raise ValueError(
            f"drop_last is {drop_last}: of {len(channels)} blocks 0 to {len(channels) - 1} can be left out"
        )
    if width_factor <= 0:
        raise ValueError(f"width_factor is {width_factor}: widths are multiplied by it, so it must be positive")
    if width_factor != 1:
        channels = [max(_WIDTHS, round(width * width_factor / _WIDTHS) * _WIDTHS) for width in channels]
    return tuple(channels[: len(channels) - drop_last]), tuple(strides[: len(strides) - drop_last])
