"""ST-GCN: graph convolution over joints and convolution over time, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import MaskedBatchNorm, ValidSteps
from slr.released import ReleasedLayout
from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from students.block_network import BlockNetwork, BlockOptions, wants_bias
from students.block_parts import every_step
from students.st_gcn_released import PYSKL_STGCN, ST_GCN
from students.temporal_units import over_clips, over_time
from students.units import idle_bias

GRAPHS = ("importance", "adaptive", "fixed")


class STGCN(BlockNetwork):
    """Spatial Temporal Graph Convolutional Network (Yan et al., AAAI 2018), for glosses or for a class.

    For a class the table is the paper's: ten blocks, two of them with a stride. For glosses it is shorter and has no
    stride, because the tail reduces time; the tail that the TRKD paper put behind its ST-GCN student is not public, and
    this one with its channels is a reconstruction. ``graph`` makes the edges of the skeleton ``fixed``, weighted by a
    learned ``importance`` per block as in the paper, or ``adaptive``: free after a start from the skeleton. Group
    pooling, the default for glosses, is CoSign's (Jiao et al., ICCV 2023). ``spatial_dropout`` acts in the blocks,
    where it is slow on a CPU. Options are :class:`~students.block_network.BlockOptions`.

    Raises:
        ValueError: when the layout, ``graph``, ``partition`` or an option is unknown, or ``channels`` and ``strides``
            differ in number.
    """

    released: ClassVar[Mapping[str, ReleasedLayout]] = {"st-gcn": ST_GCN, "pyskl-stgcn": PYSKL_STGCN}

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        temporal_kernel: int = 9,
        partition: str = "spatial",
        max_hop: int = 1,
        graph: str = "importance",
        spatial_dropout: float = 0.0,
        **options: Unpack[BlockOptions],
    ) -> None:
        layout = skeleton_layout(layout)
        if graph not in GRAPHS:
            raise ValueError(f"unknown graph {graph!r} of STGCN: there are {', '.join(GRAPHS)}")
        if options.get("task") != "class":
            options.setdefault("channels", (64, 64, 128, 128, 256))
            options.setdefault("strides", (1,) * len(options["channels"]))
        bias, parts = wants_bias(options), adjacency(layout, partition, max_hop)

        def block(in_width: int, width: int, stride: int, residual: bool) -> STGCNBlock:
            return STGCNBlock(in_width, width, parts, temporal_kernel, stride, graph, spatial_dropout, residual, bias)

        super().__init__(
            block, num_classes=num_classes, layout=layout, in_channels=in_channels, norm_per_person=False, **options
        )


class STGCNBlock(nn.Module):
    """Graph convolution, batch norm, ReLU, convolution over time, batch norm; plus the input; ReLU.

    It maps the real steps of a batch, ``[N, J, in_width]``, to those that are left, ``[N', J, width]``: of a clip of
    ``T`` steps ``ceil(T / stride)``.
    """

    def __init__(
        self,
        in_width: int,
        width: int,
        parts: Tensor,
        kernel: int,
        stride: int = 1,
        graph: str = "importance",
        dropout: float = 0.0,
        residual: bool = True,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.graph_conv = GraphConv(in_width, width, parts, graph, bias)
        self.graph_norm = MaskedBatchNorm(width)
        self.time_conv = idle_bias(over_time(width, kernel, stride, bias=bias))
        self.time_norm = MaskedBatchNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.residual = residual
        changes = residual and (in_width != width or stride != 1)
        self.shortcut = idle_bias(nn.Linear(in_width, width, bias)) if changes else None
        self.shortcut_norm = MaskedBatchNorm(width) if changes else None

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """Convolve over the joints of each frame, then over the frames of each joint."""
        y = self.graph_norm.normalise(self.graph_conv(x), relu=True)
        left = valid.strided(self.stride)
        y = left.gather(over_clips(self.time_conv, valid.scatter(y).values))
        plus = self._kept(x, valid, left) if self.residual else None
        if self.dropout.p == 0:
            return self.time_norm.normalise(y, offset=self.time_conv.bias, plus=plus, relu=True), left
        y = self.dropout(self.time_norm.normalise(y, offset=self.time_conv.bias))
        return torch.relu(y if plus is None else y + plus), left

    def _kept(self, x: Tensor, valid: ValidSteps, left: ValidSteps) -> Tensor:
        kept = every_step(x, self.stride, valid, left)
        if self.shortcut is None or self.shortcut_norm is None:
            return kept
        return self.shortcut_norm.normalise(nn.functional.linear(kept, self.shortcut.weight), offset=self.shortcut.bias)


class GraphConv(nn.Module):
    """``y[w] = sum_k sum_v A[k, v, w] (x[v] W_k + b_k)``: a joint takes from its neighbours, with weights per part.

    ``parts`` is ``[K, J, J]``. Without ``bias`` there is no ``b``.
    """

    def __init__(self, in_width: int, width: int, parts: Tensor, graph: str = "importance", bias: bool = False) -> None:
        super().__init__()
        self.parts: Tensor
        if graph == "adaptive":
            self.parts = nn.Parameter(parts.clone())
        else:
            self.register_buffer("parts", parts.clone())
        self.importance = nn.Parameter(torch.ones_like(parts)) if graph == "importance" else None
        self.linear = nn.Linear(len(parts) * in_width, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(len(parts), width)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """``[N, J, in_width]`` -> ``[N, J, width]``."""
        parts = self.parts if self.importance is None else self.parts * self.importance
        rows = parts.permute(2, 0, 1).flatten(0, 1)  # [J K, J], the parts of a joint together
        # A batched product over an expanded graph is almost twice as fast as rows @ x, which copies x.
        gathered = torch.bmm(rows.expand(x.shape[0], -1, -1), x)
        y = self.linear(gathered.view(*x.shape[:2], -1))
        return y if self.bias is None else y + parts.sum(1).t() @ self.bias  # what a joint receives of every part
