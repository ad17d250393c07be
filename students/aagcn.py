"""AAGCN (2s-AGCN with attention) and S8, the student that DKE-GCN first made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import Unpack

from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from students.block_network import BlockNetwork, BlockOptions, wants_bias
from students.graph_units import AdaptiveGraphConv
from students.pyskl_released import PYSKL_AAGCN
from students.temporal_units import LongKernel
from students.units import GraphBlock, Shortcut


class AAGCN(BlockNetwork):
    """Attention-enhanced Adaptive GCN (Shi et al., IEEE TIP 2020), one of its streams, for glosses or for a class.

    Without ``attention`` it is a stream of 2s-AGCN (Shi et al., CVPR 2019). Options are
    :class:`~students.block_network.BlockOptions`.

    Raises:
        ValueError: when the layout or an option is unknown.
    """

    released: ClassVar[Mapping[str, ReleasedLayout]] = {"pyskl-aagcn": PYSKL_AAGCN}
    ATTENTION = True

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        temporal_kernel: int = 9,
        attention: bool | None = None,
        **options: Unpack[BlockOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        bias, parts = wants_bias(options), adjacency(layout, "directed")
        attends = self.ATTENTION if attention is None else attention

        def block(in_width: int, width: int, stride: int, residual: bool) -> GraphBlock:
            return GraphBlock(
                AdaptiveGraphConv(in_width, width, parts, attends, bias),
                LongKernel(width, stride, temporal_kernel, bias),
                Shortcut(in_width, width, stride, bias) if residual else None,
            )

        super().__init__(
            block, num_classes=num_classes, layout=layout, in_channels=in_channels, norm_per_person=True, **options
        )


class S8(AAGCN):
    """The first student of DKE-GCN (Liu et al., IEEE TCSVT 2024): eight blocks of 2s-AGCN, without attention.

    With ``drop_last``, ``width_factor`` and ``attention`` it spans the space of shrunk students that it was found in.
    """

    CHANNELS = (64, 64, 64, 128, 128, 128, 256, 256)
    STRIDES = (1, 1, 1, 2, 1, 1, 2, 1)
    released: ClassVar[Mapping[str, ReleasedLayout]] = {}  # its authors put a password on theirs
    published: ClassVar[Mapping[str, Any]] = {"persons": 2, "layout": "ntu-25"}
    ATTENTION = False
