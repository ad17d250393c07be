"""Context modules: what a step means given the other steps of its clip. All map ``Padded`` to ``Padded``."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from slr.layers.attention import AttentionBlock, RelativeBias
from slr.layers.valid import exporting
from slr.types import Padded

CONTEXTS = ("bilstm", "transformer", "none")


class BiLSTM(nn.Module):
    """Bidirectional LSTM over each clip's own steps. ``[B, S, in_width]`` -> ``[B, S, 2 hidden]``; padding is zero.

    ``dropout`` acts between the layers. An exported one reads clips of one length, since other runtimes know no clip
    that begins amid its own padding.
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
        steps = torch.arange(padded.values.shape[1], device=padded.lengths.device)
        last = padded.lengths[:, None] - 1
        mirror = torch.where(steps <= last, last - steps, steps)[..., None]  # [B, S, 1]
        values = padded.zeroed().values
        for layer, (ahead, back) in enumerate(self._directions()):
            if layer > 0:
                values = nn.functional.dropout(values, self.lstm.dropout, self.training)
            backwards = values.gather(1, mirror.expand_as(values))
            read = self._read(backwards, back)
            values = torch.cat([self._read(values, ahead), read.gather(1, mirror.expand_as(read))], dim=-1)
        return Padded(values, padded.lengths).zeroed()

    def _directions(self) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        """Weights of each layer, forwards and backwards."""
        weights = [[getattr(self.lstm, name) for name in names] for names in self.lstm._all_weights]
        return zip(weights[0::2], weights[1::2], strict=True)

    def _read(self, values: Tensor, weights: list[Tensor]) -> Tensor:
        """One direction of one layer. Padding lies at the end, where it is read last and harms nothing.

        Not a packed sequence: on a CPU those are read step by step, which takes about 2.7 times as long in training.
        """
        start = values.new_zeros(1, len(values), self.lstm.hidden_size)
        read: Tensor = torch.lstm(values, (start, start), weights, True, 1, 0.0, self.training, False, True)[0]
        return read


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


def named_context(
    name: str, width: int, layers: int, heads: int, dropout: float
) -> BiLSTM | TransformerContext | NoContext:
    """The context called ``bilstm``, ``transformer`` or ``none``, from ``width`` features to as many.

    Raises:
        ValueError: when there is no such context, or it cannot have this width.
    """
    if name not in CONTEXTS:
        raise ValueError(f"unknown context {name!r}: there are {', '.join(CONTEXTS)}")
    if name == "none":
        return NoContext(width)
    if name == "transformer":
        return TransformerContext(width, heads, layers, dropout=dropout)
    if width % 2:
        raise ValueError(f"a BiLSTM shares {width} features between two directions: the width must be even")
    return BiLSTM(width, width // 2, layers, dropout)
