"""The blocks of CTR-GCN: a graph of its own for every channel, then several time scales side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, ValidSteps
from slr.types import Padded

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


class CTRGCNBlock(nn.Module):
    """Refined graph convolution, temporal branches, plus the input; ReLU.

    It maps the real steps of a batch, ``[N, J, in_width]``, to those that are left, ``[N', J, width]``: of a clip of
    ``T`` steps ``ceil(T / stride)``.
    """

    def __init__(
        self,
        in_width: int,
        width: int,
        parts: Tensor,
        stride: int = 1,
        residual: bool = True,
        conv_bias: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.graph = RefinedGraphConv(in_width, width, parts, conv_bias)
        self.time = TemporalBranches(width, stride, conv_bias=conv_bias)
        self.residual = residual
        changes = residual and (in_width != width or stride != 1)
        self.shortcut = _linear(in_width, width, conv_bias) if changes else None
        self.shortcut_norm = MaskedBatchNorm(width) if changes else None

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """Convolve over the joints of each frame, then over the frames of each joint."""
        y, left = self.time(self.graph(x, valid), valid)
        if self.residual:
            kept = _every(x, self.stride, valid, left)
            if self.shortcut is not None and self.shortcut_norm is not None:
                kept = self.shortcut_norm.normalise(self.shortcut(kept))
            y = y + kept
        return torch.relu(y), left


class RefinedGraphConv(nn.Module):
    """CTR-GC, the channel-wise topology refinement graph convolution (Chen et al., ICCV 2021, section 3.2).

    For every part ``k`` of the graph ``y[c, t, u] = sum_v G_k[c, u, v] (W_k x)[c, t, v]``: joint ``u`` receives from
    joint ``v`` in every channel by a graph of its own, ``G_k = strength S_k tanh(R_k m_u - Q_k m_v) + A_k``, where
    ``m`` is the mean of a joint over its clip. ``A_k`` is learned and starts from the skeleton, ``strength`` from 0.
    The parts are summed; batch norm, plus the input (through a layer of its own where the width changes), ReLU.

    ``R`` and ``Q`` reduce to an eighth of the width, to 8 features at least. As in the published code the rows of a
    part receive, although :func:`~slr.skeleton.adjacency` divides its columns: the receiving joint takes the sum over
    its children, and from its parent the share of one child.
    """

    def __init__(self, in_width: int, width: int, parts: Tensor, conv_bias: bool = False) -> None:
        super().__init__()
        count, reduced = len(parts), max(8, in_width // 8)
        self.parts = nn.Parameter(parts.clone())  # [K, J, J]
        self.strength = nn.Parameter(torch.zeros(1))
        self.receive = _linear(in_width, count * reduced)
        self.give = _linear(in_width, count * reduced)
        self.spread = nn.Parameter(_fan_out(torch.empty(count, width, reduced)))
        self.spread_bias = nn.Parameter(torch.zeros(count, width))
        self.value = nn.Parameter(_fan_out(torch.empty(count, width, in_width)))
        self.value_bias = nn.Parameter(torch.zeros(count, width))
        self.norm = MaskedBatchNorm(width)
        nn.init.constant_(self.norm.norm.weight, 1e-6)  # the unit begins as its shortcut
        self.shortcut = _linear(in_width, width, conv_bias) if in_width != width else None
        self.shortcut_norm = MaskedBatchNorm(width) if in_width != width else None

    def forward(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[N, J, width]``."""
        y = self.norm.normalise(valid.gather(self._gathered(valid.scatter(x))))
        if self.shortcut is not None and self.shortcut_norm is not None:
            x = self.shortcut_norm.normalise(self.shortcut(x))
        return torch.relu(y + x)

    def _gathered(self, clips: Padded) -> Tensor:
        """``[B, T, J, in_width]``, zero as padding -> ``[B, T, J, width]``, the parts summed."""
        batch, steps, joints, _ = clips.values.shape
        source = clips.values.flatten(1, 2).transpose(1, 2)  # [B, in_width, T J]
        relations = self._relations(clips)
        total: Tensor | None = None
        # Part by part: each product then finds its channels side by side in memory, and the sum is taken as it goes.
        for k in range(len(self.parts)):
            value = torch.baddbmm(self.value_bias[k][:, None], self.value[k].expand(batch, -1, -1), source)
            value = value.view(-1, steps, joints)  # [B width, T, J]
            flat = relations[:, k].flatten(2)  # [B, R, J J]
            fixed = self.strength * self.spread_bias[k][:, None] + self.parts[k].flatten()
            graph = torch.baddbmm(fixed, (self.strength * self.spread[k]).expand(batch, -1, -1), flat)
            graph = graph.view(-1, joints, joints).transpose(1, 2)  # [B width, giving, receiving]
            total = torch.bmm(value, graph) if total is None else torch.baddbmm(total, value, graph)
        assert total is not None
        return total.view(batch, -1, steps, joints).permute(0, 2, 3, 1)

    def _relations(self, clips: Padded) -> Tensor:
        """``[B, K, R, J, J]``: how joint ``u`` and joint ``v`` differ over the clip, between -1 and 1."""
        lengths = clips.lengths.clamp(min=1).to(clips.values.dtype)
        mean = clips.values.sum(1) / lengths[:, None, None]  # [B, J, in_width]
        sides = [layer(mean).unflatten(-1, (len(self.parts), -1)) for layer in (self.receive, self.give)]
        receive, give = (side.permute(0, 2, 3, 1) for side in sides)  # [B, K, R, J]
        return torch.tanh(receive[..., :, None] - give[..., None, :])


class TemporalBranches(nn.Module):
    """Four branches of a quarter of the width: two dilated convolutions, a max-pooling over three steps, and none.

    The first three read what a linear layer, batch norm and ReLU make of the input; every branch ends in batch norm
    (Chen et al., ICCV 2021, the simplified multi-scale module of MS-G3D). ``[N, J, width]`` -> ``[N', J, width]``.

    Raises:
        ValueError: when four does not divide ``width``.
    """

    def __init__(
        self,
        width: int,
        stride: int = 1,
        kernel: int = 5,
        dilations: Sequence[int] = (1, 2),
        conv_bias: bool = False,
    ) -> None:
        super().__init__()
        branches = len(dilations) + 2
        if width % branches:
            raise ValueError(f"{branches} temporal branches cannot share {width} channels: {branches} must divide them")
        self.stride = stride
        self.share = width // branches
        self.squeeze = _linear(width, width - self.share, conv_bias)
        self.squeeze_norm = MaskedBatchNorm(width - self.share)
        self.convs = nn.ModuleList(self._conv(kernel, dilation, conv_bias) for dilation in dilations)
        self.skip = _linear(width, self.share, conv_bias)
        self.norm = MaskedBatchNorm(width)

    def forward(self, x: Tensor, valid: ValidSteps) -> tuple[Tensor, ValidSteps]:
        """The branches side by side, and the steps that are left."""
        left = valid.strided(self.stride)
        squeezed = torch.relu(self.squeeze_norm.normalise(self.squeeze(x)))
        clips = valid.scatter(squeezed).values.permute(0, 3, 1, 2)  # channels last in memory, as convolutions like it
        *read, pooled = clips.split(self.share, dim=1)
        branches = [conv(part) for conv, part in zip(self.convs, read, strict=True)] + [self._pool(pooled)]
        rows = left.gather(torch.cat(branches, dim=1).permute(0, 2, 3, 1))
        skipped = self.skip(_every(x, self.stride, valid, left))
        return self.norm.normalise(torch.cat([rows, skipped], dim=-1)), left

    def _pool(self, clips: Tensor) -> Tensor:
        """Maximum of a step and its two neighbours; none is negative, so the zeros beyond the ends never win."""
        steps = clips.shape[2]
        wide = nn.functional.pad(clips, (0, 0, 1, 1))
        before, now, after = (wide[:, :, k : k + steps : self.stride] for k in range(3))
        return torch.maximum(torch.maximum(before, now), after)

    def _conv(self, kernel: int, dilation: int, bias: bool) -> nn.Conv2d:
        conv = nn.Conv2d(
            self.share,
            self.share,
            (kernel, 1),
            stride=(self.stride, 1),
            padding=(dilation * (kernel - 1) // 2, 0),
            dilation=(dilation, 1),
            bias=bias,
        )
        return _started(conv)


def _every(x: Tensor, stride: int, valid: ValidSteps, left: ValidSteps) -> Tensor:
    """Every ``stride``-th of the real steps of each clip, its first included."""
    return x if stride == 1 else left.gather(valid.scatter(x).values[:, ::stride])


def _linear(in_width: int, width: int, bias: bool = True) -> nn.Linear:
    return _started(nn.Linear(in_width, width, bias))


def _started(layer: Layer) -> Layer:
    _fan_out(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _fan_out(weight: Tensor) -> Tensor:
    """Normal weights for ReLU by the number of outputs (He et al., ICCV 2015), as the published network begins."""
    with torch.no_grad():
        for part in weight if weight.ndim == 3 else weight[None]:
            nn.init.kaiming_normal_(part, mode="fan_out")
    return weight
