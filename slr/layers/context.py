"""Context modules: what a step means given the other steps of its clip. All map ``Padded`` to ``Padded``."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from slr.layers.attention import AttentionBlock, RelativeBias
from slr.layers.valid import exporting
from slr.types import Padded


class BiLSTM(nn.Module):
    """Bidirectional LSTM over each clip's own steps. ``[B, S, in_width]`` -> ``[B, S, 2 hidden]``; padding is zero.

    ``dropout`` acts between the layers. An exported one reads clips of one length, since other runtimes know no packed
    sequences.
    """

    def __init__(self, in_width: int, hidden: int, layers: int = 2, dropout: float = 0.3) -> None:
        super().__init__()
        self.width = 2 * hidden
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(in_width, hidden, layers, dropout=between, bidirectional=True, batch_first=True)

    def forward(self, padded: Padded) -> Padded:
        """Read every clip forwards and backwards."""
        if exporting():
            return padded.map(lambda values: self.lstm(values)[0])
        packed = pack_padded_sequence(padded.values, padded.lengths.cpu(), batch_first=True, enforce_sorted=False)
        values, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=padded.values.shape[1])
        return Padded(values, padded.lengths)


class TransformerContext(nn.Module):
    """Pre-norm transformer blocks with a learned relative position bias and no absolute time.

    ``[B, S, width]`` -> ``[B, S, width]``; padding is zero. ``reach`` is the largest time difference, in steps, that
    the bias tells apart.
    """

    def __init__(
        self, width: int, heads: int = 8, layers: int = 2, expansion: int = 2, dropout: float = 0.1, reach: int = 16
    ) -> None:
        super().__init__()
        self.width = width
        self.blocks = nn.ModuleList(AttentionBlock(width, heads, expansion, dropout) for _ in range(layers))
        self.biases = nn.ModuleList(RelativeBias(heads, reach) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, padded: Padded) -> Padded:
        """Let the steps of each clip attend to each other."""
        values, steps = padded.zeroed().values, padded.values.shape[1]
        keys = padded.mask[:, None, None, :]
        for block, bias in zip(self.blocks, self.biases, strict=True):
            relative = bias(steps)[None]
            # Not minus infinity: a row of nothing else would make NaN.
            values = block(values, relative.masked_fill(~keys, torch.finfo(values.dtype).min))
        return Padded(self.norm(values), padded.lengths).zeroed()


class NoContext(nn.Module):
    """Passes its input on: a network whose steps see no farther than its convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, padded: Padded) -> Padded:
        """The input."""
        return padded
