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
        self.query_key = nn.Linear(width, 2 * width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Scores ``[B, S, S]`` of ``[B, S, d]`` features, before the softmax."""
        queries, keys = self.query_key(features).chunk(2, dim=-1)
        return (queries / features.shape[-1] ** 0.5) @ keys.transpose(1, 2)


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

    def forward(self, features: Tensor) -> Tensor:
        """Scores ``[B, S, S]`` for ``[B, S, d]`` features, before the softmax."""
        steps = features.shape[1]
        if steps == 0:
            return features.new_zeros(len(features), 0, 0)
        beyond = max(steps - 1 - self.radius, 0)
        within = self.offsets[max(self.radius - steps + 1, 0) : self.radius + steps]
        # Not an index by distance: the gradient of these adds up in a fixed order on every device.
        line = torch.cat([within[:1].expand(beyond), within, within[-1:].expand(beyond)])  # distances 1-S to S-1
        return line.unfold(0, steps, 1).flip(0).expand(len(features), -1, -1)  # row i begins at distance -i


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
        rows = features.mask[:, :, None]
        return self._relations(features.zeroed().map(self.input)) * (rows & rows.transpose(1, 2))

    def forward(self, features: Padded) -> Padded:
        """Unit embeddings ``[B, S, embedding_width]`` of ``[B, S, input_width]`` features."""
        nodes = features.zeroed().map(self.input)
        relations, values = self._relations(nodes), nodes.values
        for layer, norm in zip(self.layers, self.norms, strict=True):
            values = norm(values + F.gelu(relations @ layer(values)))
        return Padded(F.normalize(self.output(values), dim=-1), features.lengths)

    def _relations(self, nodes: Padded) -> Tensor:
        """The mean adjacency; rows of padding mean nothing, like the steps they make."""
        scores = torch.stack([term(nodes.values) for term in self.adjacencies.values()])
        return over_valid_steps(scores, nodes.mask).mean(dim=0)


def over_valid_steps(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax of ``[..., B, S, S]`` scores over valid columns; those of padding are 0 in every clip that has a step."""
    # The smallest finite number, not -inf: a clip without steps would give NaN, and NaN gradients with it.
    return scores.masked_fill(~mask[:, None, :], torch.finfo(scores.dtype).min).softmax(dim=-1)
