"""Networks of CTR-GCN blocks, whatever their number, with a gloss head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from slr.layers import JointPooling, MaskedBatchNorm, RecogniserTail, ValidSteps, named_context
from slr.skeleton import SkeletonLayout, adjacency, skeleton_layout
from slr.types import NetOutput, Padded
from students.ctr_gcn_blocks import CTRGCNBlocks


class CTRGCNRecogniser(nn.Module):
    """Blocks of CTR-GCN (Chen et al., ICCV 2021) in front of the tail of a continuous recogniser.

    A subclass names its layer table: ``CHANNELS`` and ``STRIDES`` of the blocks, and the ``TEMPORAL_LAYERS`` that make
    a step of every four frames together with these strides. The blocks are those of the published networks, for one
    person; group pooling, tail and gloss heads are ours. ``pooling`` averages joints by ``groups`` of the layout or all
    of them (``mean``), as the published networks do. ``dropout`` acts in the tail. ``conv_bias`` gives the layers in
    front of a batch norm a bias, which it makes idle, for released weights, which have one.

    The memory of a block grows with ``clips * width * joints ** 2``: a graph per clip and channel. Some 130 joints are
    comfortable, the 543 of MediaPipe want narrow channels.

    Raises:
        ValueError: when the layout, ``pooling`` or ``context`` is unknown, ``channels`` and ``strides`` differ in
            number, or a width cannot be shared by four temporal branches.
    """

    input_stream = "pose"
    CHANNELS: ClassVar[tuple[int, ...]]
    STRIDES: ClassVar[tuple[int, ...]]
    TEMPORAL_LAYERS: ClassVar[str]

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        channels: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        conv_bias: bool = False,
        pooling: str = "groups",
        width: int = 512,
        temporal_layers: str | None = None,
        context: str = "bilstm",
        context_layers: int = 2,
        heads: int = 8,
        dropout: float = 0.1,
        head: str = "linear",
        head_scale: float = 1.0,
        shared_head: bool = False,
    ) -> None:
        super().__init__()
        self.layout = skeleton_layout(layout)
        joints = len(self.layout)
        self.data_norm = MaskedBatchNorm(joints * in_channels)
        self.blocks = CTRGCNBlocks(
            in_channels,
            self.CHANNELS if channels is None else channels,
            self.STRIDES if strides is None else strides,
            adjacency(self.layout, "directed"),
            conv_bias,
        )
        self.pool = JointPooling.named(pooling, self.layout)
        frame_width = self.pool.groups * self.blocks.width
        self.tail = RecogniserTail(
            frame_width,
            num_classes,
            context=named_context(context, width, context_layers, heads, dropout),
            width=width,
            temporal_layers=self.TEMPORAL_LAYERS if temporal_layers is None else temporal_layers,
            head=head,
            head_scale=head_scale,
            shared_head=shared_head,
            dropout=dropout,
        )
        self.tap_widths = {"frame": frame_width, **self.tail.tap_widths}

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, J, C]`` keypoints -> ``[B, S, V]`` scores."""
        valid = ValidSteps.of(stream.lengths, stream.values.shape[1])
        x = valid.gather(stream.values)  # [N, J, C]
        x = self.data_norm.normalise(x.flatten(1)).view(x.shape)
        x, left = self.blocks(x, valid)
        frame = left.scatter(self.pool(x))
        output = self.tail(frame)
        return NetOutput(output.logits, {"frame": frame, **output.taps})

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(self.blocks.output_lengths(lengths))
