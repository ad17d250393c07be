"""All joints of a frame at once, how they move, and a recurrent network over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from slr.layers import MaskedBatchNorm, ValidSteps
from slr.skeleton import SkeletonLayout, skeleton_layout
from slr.types import NetOutput, Padded
from students.gloss_tail import NamedTailOptions, gloss_tail
from students.joint_groups import dimensions, motion


class JointRNN(nn.Module):
    """The plain student of small skeletons: no graph and no attention over joints.

    The joints of a frame, side by side with their differences to the next and the previous frame
    (:func:`~students.joint_groups.motion`, unless ``with_motion`` is false), are normalised and projected to
    ``frame_width`` features (tap ``frame``). Temporal convolution, context and heads are those of
    :class:`~slr.layers.RecogniserTail`; ``tail`` is :class:`~students.gloss_tail.NamedTailOptions`. On a skeleton of a
    few joints a graph has nothing to share; this has the fewest parameters to overfit with.

    Raises:
        ValueError: when the layout or ``context`` is unknown.
    """

    input_stream = "pose"

    def __init__(
        self,
        *,
        num_classes: int,
        layout: str | SkeletonLayout = "coco-wholebody-79",
        in_channels: int = 3,
        with_motion: bool = True,
        frame_width: int = 128,
        width: int = 256,
        dropout: float = 0.3,
        **tail: Unpack[NamedTailOptions],
    ) -> None:
        super().__init__()
        self.layout = skeleton_layout(layout)
        self.with_motion = with_motion
        channels = in_channels + (2 * dimensions(in_channels) if with_motion else 0)
        self.data_norm = MaskedBatchNorm(len(self.layout) * channels)
        self.to_frame = nn.Sequential(
            nn.Linear(len(self.layout) * channels, frame_width, bias=False), nn.LayerNorm(frame_width), nn.ReLU()
        )
        self.dropout = nn.Dropout(dropout)
        self.tail = gloss_tail(frame_width, num_classes, width=width, dropout=dropout, **tail)
        self.tap_widths = {"frame": frame_width, **self.tail.tap_widths}

    def forward(self, stream: Padded) -> NetOutput:
        """``[B, T, J, C]`` keypoints -> ``[B, S, V]`` scores."""
        values = stream.values
        if self.with_motion:
            values = torch.cat([values, motion(stream).values], dim=-1)
        valid = ValidSteps.of(stream.lengths, values.shape[1])
        frame = valid.scatter(self.to_frame(self.data_norm.normalise(valid.gather(values).flatten(1))))
        output = self.tail(frame.map(self.dropout))
        return NetOutput(output.logits, {"frame": frame, **output.taps})

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.tail.output_lengths(lengths)
