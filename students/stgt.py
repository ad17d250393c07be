"""STGT: attention over the joints of a frame, then over the steps of a sentence."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import (
    AttentionBlock,
    JointPooling,
    MaskedBatchNorm,
    RecogniserTail,
    TransformerContext,
    ValidSteps,
)
from slr.skeleton import SkeletonLayout, hop_distance, skeleton_layout
from slr.types import NetOutput, Padded
from students.gloss_tail import TailOptions


class STGT(nn.Module):
    """Spatial-Temporal Graph Transformer for skeleton-based sign language recognition (ICONIP 2022, CCIS 1793).

    The paper names a fully connected joint graph under self-attention, a "graph positional embedding" and a transformer
    over time; sizes and formulas are not public, so the following is a reconstruction. Each joint becomes
    ``joint_width`` features plus a learned embedding of its own. ``spatial_blocks`` pre-norm blocks attend over the
    joints of a frame; their logits take a learned bias per head and pair of joints, which starts at minus the hop
    distance in the skeleton, times a slope that halves from head to head. Joints are averaged by group and the groups
    joined to ``width`` features of a frame (tap ``frame``), followed by the temporal convolution, the temporal
    transformer and the heads of :class:`~slr.layers.RecogniserTail`. ``dropout`` acts in the temporal transformer and
    the tail, ``spatial_dropout`` in the spatial blocks, where it is slow on a CPU. ``tail`` is
    :class:`~students.gloss_tail.TailOptions`.

    Raises:
        ValueError: when the layout is unknown or heads do not divide widths.
    """

    input_stream = "pose"

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        joint_width: int = 64,
        spatial_blocks: int = 2,
        spatial_heads: int = 4,
        spatial_expansion: int = 2,
        spatial_dropout: float = 0.0,
        width: int = 512,
        temporal_blocks: int = 2,
        temporal_heads: int = 8,
        temporal_expansion: int = 2,
        reach: int = 16,
        dropout: float = 0.1,
        **tail: Unpack[TailOptions],
    ) -> None:
        super().__init__()
        self.layout = skeleton_layout(layout)
        joints, groups = len(self.layout), self.layout.groups.values()
        self.data_norm = MaskedBatchNorm(joints * in_channels)
        self.embed = nn.Linear(in_channels, joint_width)
        self.joint_embedding = nn.Parameter(0.02 * torch.randn(joints, joint_width))
        self.blocks = nn.ModuleList(
            AttentionBlock(joint_width, spatial_heads, spatial_expansion, spatial_dropout)
            for _ in range(spatial_blocks)
        )
        self.biases = nn.ParameterList(hop_bias(self.layout, spatial_heads) for _ in range(spatial_blocks))
        self.norm = nn.LayerNorm(joint_width)
        self.pool = JointPooling(groups, joints)
        self.to_frame = nn.Linear(len(groups) * joint_width, width)
        context = TransformerContext(width, temporal_heads, temporal_blocks, temporal_expansion, dropout, reach)
        self.tail = RecogniserTail(width, num_classes, context=context, width=width, dropout=dropout, **tail)
        self.tap_widths = {"frame": width, **self.tail.tap_widths}

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, J, C]`` keypoints -> ``[B, S, V]`` scores."""
        valid = ValidSteps.of(stream.lengths, stream.values.shape[1])
        joints = self._normalised(valid.gather(stream.values))  # [N, J, C]
        features = self.embed(joints) + self.joint_embedding
        for block, bias in zip(self.blocks, self.biases, strict=True):
            features = block(features, bias)
        frame = valid.scatter(self.to_frame(self.pool(self.norm(features))))
        output = self.tail(frame)
        return NetOutput(output.logits, {"frame": frame, **output.taps})

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(lengths)

    def _normalised(self, joints: Tensor) -> Tensor:
        return self.data_norm.normalise(joints.flatten(1)).view(joints.shape)


def hop_bias(layout: SkeletonLayout, heads: int) -> nn.Parameter:
    """``[heads, J, J]``: minus the hop distance times 1/2, 1/4, ... per head, so that heads look ever farther at first.

    Joints that no bones connect count as one hop farther than the longest path.
    """
    hops = hop_distance(layout)
    connected = hops.isfinite()
    hops = torch.where(connected, hops, hops[connected].max() + 1)
    slopes = 0.5 ** torch.arange(1, heads + 1)
    return nn.Parameter(-slopes[:, None, None] * hops)
