"""The graph unit of CTR-GCN: a graph of its own for every channel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, ValidSteps
from slr.types import Padded
from students.units import Shortcut, beginning_at_nothing, fan_out_each, linear


class RefinedGraphConv(nn.Module):
    """CTR-GC, the channel-wise topology refinement graph convolution (Chen et al., ICCV 2021, section 3.2).

    For every part ``k`` of the graph ``y[c, t, u] = sum_v G_k[c, u, v] (W_k x)[c, t, v]``: joint ``u`` receives from
    joint ``v`` in every channel by a graph of its own, ``G_k = strength S_k tanh(R_k m_u - Q_k m_v) + A_k``, where
    ``m`` is the mean of a joint over its clip. ``A_k`` is learned and starts from the skeleton, ``strength`` from 0.
    The parts are summed; batch norm, plus the input (through a layer of its own where the width changes), ReLU.

    ``R`` and ``Q`` reduce to an eighth of the width, to 8 features at least. As in the published code the rows of a
    part receive, although :func:`~slr.skeleton.adjacency` divides its columns: the receiving joint takes the sum over
    its children, and from its parent the share of one child. ``transposed`` takes ``G_k[c, v, u]`` in place of
    ``G_k[c, u, v]``, as pyskl does: there the columns receive.
    """

    def __init__(self, in_width: int, width: int, parts: Tensor, bias: bool = True, transposed: bool = False) -> None:
        super().__init__()
        count, reduced = len(parts), max(8, in_width // 8)
        self.transposed = transposed
        self.parts = nn.Parameter(parts.clone())  # [K, J, J]
        self.strength = nn.Parameter(torch.zeros(1))
        self.receive = linear(in_width, count * reduced, parts=count)
        self.give = linear(in_width, count * reduced, parts=count)
        self.spread = nn.Parameter(fan_out_each(torch.empty(count, width, reduced)))
        self.spread_bias = nn.Parameter(torch.zeros(count, width))
        self.value = nn.Parameter(fan_out_each(torch.empty(count, width, in_width)))
        self.value_bias = nn.Parameter(torch.zeros(count, width))
        self.norm = beginning_at_nothing(MaskedBatchNorm(width))
        self.shortcut = Shortcut(in_width, width, bias=bias)

    def forward(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[N, J, width]``."""
        y = valid.gather(self._gathered(valid.scatter(x)))
        return self.norm.normalise(y, plus=self.shortcut(x, valid, valid), relu=True)

    def _gathered(self, clips: Padded) -> Tensor:
        """``[B, T, J, in_width]``, zero as padding -> ``[B, T, J, width]``, the parts summed."""
        batch, steps, joints, in_width = clips.values.shape
        count, width, _ = self.value.shape
        # Steps last: then the joints of all parts are neighbours, and one product sums over both.
        source = clips.values.permute(0, 3, 2, 1).reshape(batch, in_width, -1)  # [B, in_width, J T]
        weight = self.value.transpose(0, 1).reshape(width * count, in_width)
        bias = self.value_bias.t().reshape(-1, 1)
        value = torch.baddbmm(bias, weight.expand(batch, -1, -1), source)  # [B, width K, J T]
        value = value.view(batch * width, count * joints, steps)
        gathered = torch.bmm(self._graph(clips), value)  # [B width, J, T]
        return gathered.view(batch, width, joints, steps).permute(0, 3, 2, 1)

    def _graph(self, clips: Padded) -> Tensor:
        """``[B width, J, K J]``: receiving, giving in every part."""
        mean = clips.mean()
        count, _, joints = self.parts.shape
        sides = [layer(mean).unflatten(-1, (count, -1)) for layer in (self.receive, self.give)]
        one, other = (side.permute(0, 2, 3, 1) for side in sides)  # [B, K, R, J]
        if self.transposed:
            relation = torch.tanh_(one[..., None, :] - other[..., :, None])
        else:
            relation = torch.tanh_(one[..., :, None] - other[..., None, :])
        parts = self.parts.transpose(1, 2) if self.transposed else self.parts
        batch = len(mean)
        graphs = []
        for k in range(count):
            fixed = self.strength * self.spread_bias[k][:, None] + parts[k].flatten()
            spread = (self.strength * self.spread[k]).expand(batch, -1, -1)
            graphs.append(torch.baddbmm(fixed, spread, relation[:, k].flatten(2)).view(-1, joints, joints))
        return torch.cat(graphs, dim=2)
