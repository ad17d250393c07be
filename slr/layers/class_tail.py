"""What follows the frame encoder of an RGB network that tells isolated signs apart."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers.context import BiLSTM, NoContext
from slr.layers.temporal_conv import TemporalConv
from slr.types import NetOutput, Padded


class ClassTail(nn.Module):
    """Frame features -> temporal convolution -> context -> mean over the steps -> one linear layer, ``[B, 1, V]``.

    That of sentences (:class:`~slr.layers.RecogniserTail`) with the mean and a single head in place of a head for
    every step; there is no blank. Taps: ``conv`` (after the temporal convolution), ``context``, and ``pooled`` (the
    mean, one step). ``dropout`` acts on what context and classifier read; taps are published before it.
    """

    def __init__(
        self,
        in_width: int,
        num_classes: int,
        *,
        context: BiLSTM | NoContext,
        width: int = 512,
        temporal_layers: str = "K5-P2-K5-P2",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.temporal_conv = TemporalConv(in_width, width, temporal_layers)
        self.context = context
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(context.width, num_classes)
        self.tap_widths = {"conv": width, "context": context.width, "pooled": context.width}

    def forward(self, frame: Padded) -> NetOutput:
        """``[B, T, in_width]`` features of frames -> ``[B, 1, V]`` scores."""
        conv = self.temporal_conv(frame)
        context = self.context(conv.map(self.dropout))
        pooled = Padded(context.mean()[:, None], self.output_lengths(context.lengths))
        return NetOutput(
            pooled.map(lambda features: self.classify(self.dropout(features))),
            {"conv": conv, "context": context, "pooled": pooled},
        )

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """One step, whatever the length."""
        return torch.ones_like(lengths)
