"""Learned relations between the steps of a clip: adjacencies, and the graph layers that use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from slr.types import Padded

Adjacency = Literal["P", "L", "P+L"]


class PairwiseAdjacency(nn.Module):
    """Relations that depend on the features: ``A(i, j) = softmax_j( (x_i W_q).(x_j W_k) / sqrt(d) )`` over valid ``j``.

    Args:
        width: features ``d`` of a step.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)

    def forward(self, features: Padded) -> Tensor:
        """Adjacency ``[B, S, S]`` of ``[B, S, d]`` features; every row of a valid step sums to 1."""
        queries, keys = self.query(features.values), self.key(features.values)
        scores = queries @ keys.transpose(1, 2) / queries.shape[-1] ** 0.5
        return _over_valid_steps(scores, features.mask)


class ToeplitzAdjacency(nn.Module):
    """Relations learned for distances in time: ``A(i, j) = softmax_j( b[clip(j - i, -R, R)] )`` over valid ``j``.

    One number per distance, and one for everything ``R`` steps away or further on either side. Because it knows only
    distances it cannot tell where in the clip a step lies; a free matrix could, and teacher and student would then
    agree by counting steps instead of looking at them. It starts with zeros: all steps weigh the same.

    Args:
        radius: ``R`` in steps.
    """

    def __init__(self, radius: int = 16) -> None:
        super().__init__()
        if radius < 0:
            raise ValueError(f"radius is {radius}, but it counts steps: it must be 0 or more")
        self.radius = radius
        self.offsets = nn.Parameter(torch.zeros(2 * radius + 1))

    def forward(self, features: Padded) -> Tensor:
        """Adjacency ``[B, S, S]`` of ``[B, S, d]`` features; every row of a valid step sums to 1."""
        steps = features.values.shape[1]
        distances = torch.arange(max(2 * steps - 1, 0), device=self.offsets.device) - (steps - 1)
        distances = distances.clamp(-self.radius, self.radius)
        # A product with one-hot rows instead of an index: its gradient adds up in a fixed order on every device.
        line = F.one_hot(distances + self.radius, 2 * self.radius + 1).to(self.offsets.dtype) @ self.offsets
        scores = line.unfold(0, steps, 1).flip(0)  # row i begins at distance -i
        return _over_valid_steps(scores.expand(len(features.values), -1, -1), features.mask)


class TemporalGraph(nn.Module):
    """From features of one network to embeddings that know their temporal relations.

    ``X = LN(F W_in)``, then per layer ``X <- LN(X + GELU(A X W))``, and ``u = l2norm(W_e X)``. ``A`` is the mean of the
    chosen adjacencies of the first ``X`` and shared by the layers.

    Args:
        input_width: features of the network's tap.
        width: features of a node.
        embedding_width: features of ``u``.
        adjacency: ``"P"`` pairwise, ``"L"`` learned for distances, or ``"P+L"``.
        layers: graph layers, 1 or more.
        radius: of the learned distances, in steps.
    """

    def __init__(
        self,
        input_width: int,
        width: int = 256,
        embedding_width: int = 128,
        adjacency: Adjacency = "P+L",
        layers: int = 1,
        radius: int = 16,
    ) -> None:
        super().__init__()
        if adjacency not in get_args(Adjacency):
            raise ValueError(f"adjacency is {adjacency!r}, which is none of {', '.join(get_args(Adjacency))}")
        if layers < 1:
            raise ValueError(f"layers is {layers}, but a graph has at least 1 layer")
        makers: dict[str, Callable[[], nn.Module]] = {
            "P": lambda: PairwiseAdjacency(width),
            "L": lambda: ToeplitzAdjacency(radius),
        }
        self.input = nn.Sequential(nn.Linear(input_width, width), nn.LayerNorm(width))
        self.adjacencies = nn.ModuleDict({letter: makers[letter]() for letter in adjacency.split("+")})
        self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(layers)])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(layers)])
        self.output = nn.Linear(width, embedding_width)

    def adjacency(self, features: Padded) -> Tensor:
        """Relations ``[B, S, S]`` between the steps of each clip of ``[B, S, input_width]`` features.

        Entry ``(i, j)`` says how much step ``i`` listens to step ``j``; rows of valid steps sum to 1, all else is 0.
        """
        return self._adjacency(features.zeroed().map(self.input))

    def forward(self, features: Padded) -> Padded:
        """Unit embeddings ``[B, S, embedding_width]`` of ``[B, S, input_width]`` features."""
        nodes = features.zeroed().map(self.input)
        adjacency = self._adjacency(nodes)
        values = nodes.values
        for layer, norm in zip(self.layers, self.norms, strict=True):
            values = norm(values + F.gelu(adjacency @ layer(values)))
        return Padded(F.normalize(self.output(values), dim=-1), features.lengths)

    def _adjacency(self, nodes: Padded) -> Tensor:
        terms = [term(nodes) for term in self.adjacencies.values()]
        return torch.stack(terms).mean(dim=0)


def _over_valid_steps(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax of ``[B, S, S]`` scores over valid columns; rows and columns of padding are 0."""
    # The smallest finite number, not -inf: a clip without steps would give NaN, and NaN gradients with it.
    scores = scores.masked_fill(~mask[:, None, :], torch.finfo(scores.dtype).min)
    both = mask[:, :, None] & mask[:, None, :]
    return torch.where(both, scores.softmax(dim=-1), torch.zeros_like(scores))
