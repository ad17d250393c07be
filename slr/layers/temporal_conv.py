"""Convolution and pooling over time, on each clip as if it were alone."""

from __future__ import annotations

import re
from functools import reduce

import torch
from torch import Tensor, nn

from slr.layers.norm import MaskedBatchNorm
from slr.types import Padded, strided_lengths

BORDERS = ("zeros", "repeat", "none")
_PART = re.compile(r"([KP])([1-9][0-9]*)")


def parse_layers(layers: str) -> list[tuple[str, int]]:
    """``"K5-P2"`` -> ``[("K", 5), ("P", 2)]``.

    Raises:
        ValueError: when a part is neither an odd kernel ``K`` nor a pooling ``P``.
    """
    parsed = []
    for part in layers.split("-"):
        found = _PART.fullmatch(part)
        if found is None or (found[1] == "K" and int(found[2]) % 2 == 0):
            raise ValueError(
                f"{part!r} in temporal layers {layers!r} is no layer: write K and an odd kernel size or P and a "
                "pooling size, joined by dashes, such as K5-P2-K5-P2"
            )
        parsed.append((found[1], int(found[2])))
    return parsed


class TemporalConv(nn.Module):
    """The local temporal module of the VAC family (Min et al., ICCV 2021): kernels and poolings in turn.

    ``layers`` spells them: ``K5`` is a convolution over 5 steps, masked batch norm and ReLU; ``P2`` is max-pooling of 2
    steps. ``border`` says what lies beyond the first and last step of every clip:

    * ``zeros``: zeros, before every convolution; a pooling window that sticks out at the end pools what there is. So
      ``T`` steps become ``ceil(T / 2)`` per ``P2``.
    * ``repeat``: the first and last step again, as often as unpadded convolutions need for the same number of outputs.
      VAC, CorrNet and their relatives pad their video so; weights trained by them want this.
    * ``none``: nothing, so that convolutions shorten the clip; for clips that already carry such a border.

    ``conv_bias`` gives the convolutions a bias, for released weights that have one; the batch norm behind it makes it
    idle.

    Raises:
        ValueError: when ``layers`` or ``border`` cannot be read, or nothing turns ``in_width`` into ``width``.
    """

    def __init__(
        self,
        in_width: int,
        width: int,
        layers: str = "K5-P2-K5-P2",
        border: str = "zeros",
        conv_bias: bool = False,
    ) -> None:
        super().__init__()
        self.parts = parse_layers(layers)
        if border not in BORDERS:
            raise ValueError(f"unknown border {border!r} of a temporal convolution: there are {', '.join(BORDERS)}")
        if in_width != width and all(kind == "P" for kind, _ in self.parts):
            raise ValueError(
                f"temporal layers {layers!r} have no kernel that could turn {in_width} features into {width}"
            )
        self.border = border
        self.width = width
        modules: list[nn.Module] = []
        for kind, size in self.parts:
            if kind == "K":
                modules.append(_ConvNormRelu(in_width, width, size, same=border == "zeros", bias=conv_bias))
                in_width = width
            else:
                modules.append(_MaxPool(size, whole_windows=border != "zeros"))
        self.layers = nn.ModuleList(modules)

    def forward(self, padded: Padded) -> Padded:
        """``[B, T, in_width]`` -> ``[B, S, width]``; padding is zero.

        Raises:
            ValueError: when ``border`` is ``none`` and a clip is too short to leave a step.
        """
        if self.border == "repeat":
            padded = self._with_border(padded)
        elif self.border == "none" and int(padded.lengths.min()) < self._steps_for(1):
            raise ValueError(
                f"a clip of {int(padded.lengths.min())} steps is too short for a temporal convolution without a "
                f"border, which needs {self._steps_for(1)}"
            )
        padded = padded.zeroed()
        for layer in self.layers:
            padded = layer(padded)
        return padded

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output steps for inputs of ``lengths`` steps."""
        for kind, size in self.parts:
            if self.border == "none":
                lengths = lengths - (size - 1) if kind == "K" else torch.div(lengths, size, rounding_mode="floor")
            elif kind == "P":
                lengths = strided_lengths(lengths, size)
        return lengths

    def _steps_for(self, outputs: int | Tensor) -> int | Tensor:
        """Input steps from which unpadded layers make ``outputs`` steps."""
        for kind, size in reversed(self.parts):
            outputs = outputs * size if kind == "P" else outputs + (size - 1)
        return outputs

    def _with_border(self, padded: Padded) -> Padded:
        before, stride = 0, 1
        for kind, size in self.parts:
            before += (size - 1) // 2 * stride if kind == "K" else 0
            stride *= size if kind == "P" else 1
        lengths = torch.as_tensor(self._steps_for(self.output_lengths(padded.lengths)))
        steps = torch.arange(int(lengths.max()), device=lengths.device)[None] - before
        source = steps.clamp(min=0).minimum(padded.lengths[:, None] - 1)  # [B, T + border]
        clips = torch.arange(len(source), device=lengths.device)[:, None]
        return Padded(padded.values[clips, source], lengths)


class _ConvNormRelu(nn.Module):
    """Zeros in the padding on the way in, zeros on the way out."""

    def __init__(self, in_width: int, width: int, kernel: int, same: bool, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_width, width, kernel, padding=kernel // 2 if same else 0, bias=bias)
        self.norm = MaskedBatchNorm(width)
        self.lost = 0 if same else kernel - 1

    def forward(self, padded: Padded) -> Padded:
        values = self.conv(padded.values.transpose(1, 2)).transpose(1, 2)
        return self.norm(Padded(values, padded.lengths - self.lost)).map(torch.relu)


class _MaxPool(nn.Module):
    def __init__(self, size: int, whole_windows: bool) -> None:
        super().__init__()
        self.size = size
        self.whole_windows = whole_windows

    def forward(self, padded: Padded) -> Padded:
        low = torch.finfo(padded.values.dtype).min  # never the maximum while a window has a real step
        values = padded.values.masked_fill(~padded.expanded_mask(), low)
        values = nn.functional.pad(values, (0, 0, 0, self.size - 1), value=low)
        # Not max_pool1d, whose rounded up length torch.export takes for a constant.
        steps = padded.values.shape[1]
        pooled = reduce(torch.maximum, [values[:, k : k + steps : self.size] for k in range(self.size)])
        if self.whole_windows:
            lengths = torch.div(padded.lengths, self.size, rounding_mode="floor")
        else:
            lengths = strided_lengths(padded.lengths, self.size)
        return Padded(pooled, lengths).zeroed()
