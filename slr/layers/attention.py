"""Multi-head self-attention with an additive bias, and the block around it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers.distance import by_distance


class SelfAttention(nn.Module):
    """Scaled dot-product attention (Vaswani et al., NeurIPS 2017) whose logits take a bias.

    Raises:
        ValueError: when ``heads`` does not divide ``width``.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} attention heads cannot share {width} features: heads must divide the width")
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """``x`` is ``[N, L, D]``, ``bias`` broadcasts to ``[N, heads, L, L]``: query, key."""
        batch, length, width = x.shape
        split = self.query_key_value(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).contiguous().unbind(0)  # [N, heads, L, D / heads]
        # torch's fused attention is slower here on a CPU: a bias that learns takes it to its unfused path anyway.
        logits = (query * self.scale) @ key.transpose(-1, -2) + bias
        mixed = logits.softmax(-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class AttentionBlock(nn.Module):
    """Pre-norm transformer block: attention, then two linear layers with GELU between, both residual.

    ``dropout`` acts on what the two add to their input.
    """

    def __init__(self, width: int, heads: int, expansion: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Linear(expansion * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """``x`` is ``[N, L, D]``, ``bias`` broadcasts to ``[N, heads, L, L]``."""
        x = x + self.dropout(self.attention(self.attention_norm(x), bias))
        return x + self.dropout(self.feed_forward(x))


class RelativeBias(nn.Module):
    """A learned attention bias per head and time difference: ``bias[i, j] = table[clip(j - i, -reach, reach)]``.

    A clipped Toeplitz matrix, zero at first (Raffel et al., JMLR 2020, without their buckets). It carries no absolute
    time, so equal steps at different times stay equal.
    """

    def __init__(self, heads: int, reach: int = 16) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(heads, 2 * reach + 1))

    def forward(self, steps: int) -> Tensor:
        """``[heads, steps, steps]``: query, key."""
        return by_distance(self.table, steps)
