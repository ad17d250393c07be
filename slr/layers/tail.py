"""What follows the frame encoder in every continuous network here."""

from __future__ import annotations

from torch import Tensor, nn

from slr.layers.context import BiLSTM, NoContext, TransformerContext
from slr.layers.head import GlossHead
from slr.layers.rotary import RotaryContext
from slr.layers.temporal_conv import TemporalConv
from slr.types import NetOutput, Padded


class RecogniserTail(nn.Module):
    """Frame features -> temporal convolution -> context -> gloss scores, with a second head on the convolution.

    The arrangement of VAC (Min et al., ICCV 2021). The output's logits come from the context; the taps are ``conv``
    (after the temporal convolution), ``context`` and ``conv_logits`` (the scores of the second head). ``shared_head``
    makes both heads one, as in SMKD (Hao et al., ICCV 2021). ``dropout`` acts on the features that the context and the
    heads read; the taps are published before it. ``border`` and ``conv_bias`` are those of
    :class:`~slr.layers.TemporalConv`.

    Raises:
        ValueError: when a shared head would have to read features of two widths.
    """

    def __init__(
        self,
        in_width: int,
        num_classes: int,
        *,
        context: BiLSTM | TransformerContext | RotaryContext | NoContext,
        width: int = 1024,
        temporal_layers: str = "K5-P2-K5-P2",
        border: str = "zeros",
        conv_bias: bool = False,
        head: str = "linear",
        head_scale: float = 1.0,
        shared_head: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.temporal_conv = TemporalConv(in_width, width, temporal_layers, border, conv_bias)
        self.context = context
        self.head = GlossHead(context.width, num_classes, head, head_scale)
        if shared_head and context.width != width:
            raise ValueError(
                f"the heads cannot be shared: the convolution gives {width} features and the context {context.width}"
            )
        self.conv_head = self.head if shared_head else GlossHead(width, num_classes, head, head_scale)
        self.dropout = nn.Dropout(dropout)
        self.tap_widths = {"conv": width, "context": context.width, "conv_logits": num_classes}

    def forward(self, frame: Padded) -> NetOutput:
        """``[B, T, in_width]`` features of frames -> ``[B, S, V]`` scores."""
        conv = self.temporal_conv(frame)
        dropped = conv.map(self.dropout)
        context = self.context(dropped)
        taps = {"conv": conv, "context": context, "conv_logits": dropped.map(self.conv_head)}
        return NetOutput(context.map(self.dropout).map(self.head), taps)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for clips of ``lengths`` frames."""
        return self.temporal_conv.output_lengths(lengths)
