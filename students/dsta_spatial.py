"""The spatial unit of DSTA-SLR: what a joint means in itself, in its clip, and in every channel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, ValidSteps
from students.block_parts import started, transposed
from students.units import NormedLinear, Shortcut, beginning_at_nothing

_ATOMS = 6


class SpatialUnit(nn.Module):
    """Joints take from each other by graphs of their clip, then by a graph of every channel.

    From the input ``x`` (DSTA-SLR, Hu et al., LREC-COLING 2024; the published network's formulas):

    1. ``z = BN(W x + b)``.
    2. The dictionary, six learned vectors ``E_e``: ``d = share sum_e strength_e tanh(<U LN(z), E_e>) E_e / width``.
    3. The graphs of the clip, each for a share of the channels: ``G[u, v] = strength tanh(m[u, v])``, ``m`` the mean of
       ``q[u] k[v]`` over these channels and the real steps, ``q`` and ``k`` linear in ``LN(z)``; ``h[v] = z[v] +
       sum_u LN(z)[u] G[u, v]``.
    4. ``h + MLP(LN(h)) + d``, the MLP with GELU between four times as many features.
    5. The graph of a channel: ``y[w, c] = sum_v h[v, c] S[c, v, w]``, learned, from ``1 / J``.
    6. ``ReLU(BN(y) + x)``, ``x`` through a linear layer and batch norm where the width changes.

    ``[N, J, in_width]`` -> ``[N, J, width]``.

    Raises:
        ValueError: when ``graphs`` does not divide ``width``.
    """

    def __init__(self, in_width: int, width: int, joints: int, graphs: int = 8) -> None:
        super().__init__()
        if width % graphs:
            raise ValueError(
                f"{graphs} graphs of a clip cannot share {width} channels: the number must divide the width"
            )
        self.graphs = graphs
        self.embed = NormedLinear(in_width, width)
        nn.init.normal_(self.embed.linear.weight, std=(0.5 / width) ** 0.5)
        self.dictionary = Dictionary(width)
        self.attend_norm = nn.LayerNorm(width)
        self.query_key = started(nn.Linear(width, 2 * width))
        self.strength = nn.Parameter(torch.ones(graphs))
        self.widen_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.channel_graph = nn.Parameter(torch.full((width, joints, joints), 1 / joints))
        self.norm = beginning_at_nothing(MaskedBatchNorm(width))
        self.shortcut = Shortcut(in_width, width)

    def forward(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """The real steps of a batch."""
        z = self.embed(x)
        h = self._attended(z, valid)
        hidden = nn.functional.gelu(self.widen(self.widen_norm(h))).flatten(0, 1)
        h = torch.addmm(h.flatten(0, 1) + self.narrow.bias, hidden, self.narrow.weight.T)  # sum and product in one
        h = self.dictionary(z.flatten(0, 1), h).view(z.shape)
        return self.norm.normalise(self._mixed(h), plus=self.shortcut(x, valid, valid), relu=True)

    def _attended(self, z: Tensor, valid: ValidSteps) -> Tensor:
        """``z``, and what joints take from each other by the graph of their clip."""
        normed = self.attend_norm(z)
        values = self._by_graph(normed, valid)[0]  # [B, graphs, J, T, c]
        query, key = self._by_graph(self.query_key(normed), valid).flatten(4)
        terms = values.shape[-1] * valid.lengths.clamp(min=1).to(z.dtype)[:, None, None, None]
        graph = torch.tanh(query @ key.transpose(2, 3) / terms) * self.strength[:, None, None]
        taken = (graph.transpose(2, 3) @ values.flatten(3)).view(values.shape).permute(0, 3, 2, 1, 4)
        clips = valid.scatter(z).values.unflatten(-1, (self.graphs, -1))
        return valid.gather((clips + taken).flatten(3))

    def _by_graph(self, rows: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, J, n graphs c]`` -> ``[n, B, graphs, J, T, c]``, zero as padding."""
        width = self.channel_graph.shape[0] // self.graphs
        clips = valid.scatter(rows).values.unflatten(-1, (-1, self.graphs, width))
        return clips.permute(3, 0, 4, 2, 1, 5).contiguous()

    def _mixed(self, h: Tensor) -> Tensor:
        """``[N, J, D]``, every channel by its own graph."""
        by_channel = transposed(h.flatten(0, 1)).view(h.shape[2], *h.shape[:2])  # [D, N, J]
        return transposed(torch.bmm(by_channel, self.channel_graph).flatten(1)).view(h.shape)


class Dictionary(nn.Module):
    """``share sum_e strength_e tanh(<U LN(z), E_e>) E_e / width``: how much of each of six learned vectors a joint is.

    ``U LN(z)`` is needed for its products with the vectors alone, so the vectors go into ``U``.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(width, _ATOMS))
        nn.init.trunc_normal_(self.vectors, std=0.02)
        self.norm = nn.LayerNorm(width)
        self.linear = started(nn.Linear(width, width))
        self.strength = nn.Parameter(torch.ones(_ATOMS))
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor, base: Tensor) -> Tensor:
        """``base`` plus the sum, both ``[N, width]``."""
        weight, bias = self.vectors.T @ self.linear.weight, self.vectors.T @ self.linear.bias
        likeness = torch.tanh(nn.functional.linear(self.norm(z), weight, bias))
        scaled = self.share / len(self.vectors) * self.strength * self.vectors
        return torch.addmm(base, likeness, scaled.T)
