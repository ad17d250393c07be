"""Learned relations between the steps of a clip: adjacencies, and the graph layers that use them.

Several graphs of one shape, one per network, are calculated side by side: their weights lie along a leading axis ``M``.
The matrices are so small that one product of both costs little more than the product of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kd.losses.unit import unit
from slr.layers.distance import by_distance
from slr.types import Padded

Adjacency = Literal["P", "L", "P+L", "I"]


class SideBySide(nn.Module):
    """``M`` linear layers of one shape, each for its own rows: ``[M, N, in]`` -> ``[M, N, out]``.

    Weights are ``[M, in, out]`` and begin like those of ``torch.nn.Linear``.
    """

    def __init__(self, graphs: int, in_width: int, out_width: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_width)
        self.weight = nn.Parameter(torch.empty(graphs, in_width, out_width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(graphs, 1, out_width).uniform_(-bound, bound)) if bias else None

    def forward(self, rows: Tensor) -> Tensor:
        """Each layer on its own rows."""
        return torch.bmm(rows, self.weight) if self.bias is None else torch.baddbmm(self.bias, rows, self.weight)


class PairwiseAdjacency(nn.Module):
    """Relations that depend on the features: ``A(i, j) = softmax_j( (x_i W_q).(x_j W_k) / sqrt(d) )`` over valid ``j``.

    Args:
        graphs: ``M``.
        width: features ``d`` of a step.
    """

    def __init__(self, graphs: int, width: int) -> None:
        super().__init__()
        self.query_key = SideBySide(graphs, width, 2 * width, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Scores ``[M, B, S, S]`` of ``[M, B, S, d]`` features, before the softmax."""
        queries, keys = self.query_key(features.flatten(1, 2)).unflatten(1, features.shape[1:3]).chunk(2, dim=-1)
        return (queries / features.shape[-1] ** 0.5) @ keys.transpose(-1, -2)


class ToeplitzAdjacency(nn.Module):
    """Relations learned for distances in time: ``A(i, j) = softmax_j( b[clip(j - i, -R, R)] )`` over valid ``j``.

    One number per distance, and one for everything ``R`` steps away or further on either side. Because it knows only
    distances it cannot tell where in the clip a step lies; a free matrix could, and teacher and student would then
    agree by counting steps instead of looking at them. It starts with zeros: all steps weigh the same.

    Args:
        graphs: ``M``.
        radius: ``R`` in steps.
    """

    def __init__(self, graphs: int, radius: int = 16) -> None:
        super().__init__()
        if radius < 0:
            raise ValueError(f"radius is {radius}, but it counts steps: it must be 0 or more")
        self.offsets = nn.Parameter(torch.zeros(graphs, 2 * radius + 1))

    def forward(self, features: Tensor) -> Tensor:
        """Scores ``[M, B, S, S]`` for ``[M, B, S, d]`` features, before the softmax."""
        _, clips, steps, _ = features.shape
        return by_distance(self.offsets, steps)[:, None].expand(-1, clips, -1, -1)


class IdentityAdjacency(nn.Module):
    """No relations: every step listens to itself alone, ``A = I``; what is left is a head for single steps."""

    def forward(self, features: Tensor) -> Tensor:
        """Scores ``[M, B, S, S]`` for ``[M, B, S, d]`` features, before the softmax."""
        graphs, clips, steps, _ = features.shape
        scores = features.new_full((steps, steps), torch.finfo(features.dtype).min).fill_diagonal_(0)
        return scores.expand(graphs, clips, -1, -1)


class TemporalGraphs(nn.Module):
    """From features of several networks to embeddings that know their temporal relations, a graph for each network.

    ``X = LN(F W_in)``, then per layer ``X <- LN(X + GELU(A X W))``, and ``u = l2norm(W_e X)``; ``LN`` has no weights of
    its own. ``A`` is the mean of the chosen adjacencies of the first ``X`` and shared by the layers. The graphs share
    nothing.

    Args:
        input_widths: features of the tap of each network, ``M`` numbers.
        width: features of a node.
        embedding_width: features of ``u``.
        adjacency: ``"P"`` pairwise, ``"L"`` learned for distances, ``"P+L"`` both, or ``"I"`` the identity.
        layers: graph layers, 1 or more.
        radius: of the learned distances, in steps.
    """

    def __init__(
        self,
        input_widths: Sequence[int],
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
        graphs = len(input_widths)
        makers: dict[str, Callable[[], nn.Module]] = {
            "P": lambda: PairwiseAdjacency(graphs, width),
            "L": lambda: ToeplitzAdjacency(graphs, radius),
            "I": IdentityAdjacency,
        }
        self.inputs = nn.ModuleList(nn.Linear(input_width, width) for input_width in input_widths)
        self.adjacencies = nn.ModuleDict({letter: makers[letter]() for letter in adjacency.split("+")})
        self.layers = nn.ModuleList(SideBySide(graphs, width, width) for _ in range(layers))
        self.output = SideBySide(graphs, width, embedding_width)

    def adjacency(self, features: Sequence[Padded]) -> Tensor:
        """Relations ``[M, B, S, S]`` between the steps of each clip, for ``M`` features ``[B, S, input_width]``.

        Entry ``(i, j)`` says how much step ``i`` listens to step ``j``; rows of valid steps sum to 1, all else is 0.
        """
        rows = features[0].mask[:, :, None]
        return self._relations(self._nodes(features), features[0].mask) * (rows & rows.transpose(1, 2))

    def forward(self, features: Sequence[Padded]) -> Tensor:
        """Unit embeddings ``[M, N, embedding_width]`` of the ``N`` valid steps that all ``M`` features have in common.

        Args:
            features: ``[B, S, input_width]`` of each network, with the same lengths.
        """
        nodes = self._nodes(features)
        relations, shape = self._relations(nodes, features[0].mask), nodes.shape
        for layer in self.layers:
            messages = relations @ layer(nodes.flatten(1, 2)).view(shape)
            nodes = _normalised(nodes + F.gelu(messages))
        rows = nodes.flatten(1, 2).index_select(1, features[0].places)
        return unit(self.output(rows))

    def frozen_at_random(self) -> TemporalGraphs:
        """These graphs, which from now on learn nothing.

        Relations for distances begin equal; theirs are drawn from a normal distribution, so that the graph is random.
        """
        for term in self.adjacencies.values():
            if isinstance(term, ToeplitzAdjacency):
                nn.init.normal_(term.offsets)
        return self.requires_grad_(False)

    def _nodes(self, features: Sequence[Padded]) -> Tensor:
        """``[M, B, S, width]``; padding means nothing, but is finite."""
        networks = zip(self.inputs, features, strict=True)
        return _normalised(torch.stack([project(taps.zeroed().values) for project, taps in networks]))

    def _relations(self, nodes: Tensor, mask: Tensor) -> Tensor:
        """The mean adjacency; rows of padding mean nothing, like the steps they make."""
        scores = torch.stack([term(nodes) for term in self.adjacencies.values()])
        return over_valid_steps(scores, mask).mean(dim=0)


def _normalised(values: Tensor) -> Tensor:
    return F.layer_norm(values, values.shape[-1:])


def over_valid_steps(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax of ``[..., B, S, S]`` scores over valid columns; those of padding are 0 in every clip that has a step."""
    # The smallest finite number, not -inf: a clip without steps would give NaN, and NaN gradients with it.
    return scores.masked_fill(~mask[:, None, :], torch.finfo(scores.dtype).min).softmax(dim=-1)
