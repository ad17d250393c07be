"""Transformer blocks that know time differences by rotation (RoPE), after a landmark transformer for isolated signs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from slr.layers.norm import RMSNorm
from slr.types import Padded

_BASE = 10_000.0
_EPS = 1e-6


class RotaryAttention(nn.Module):
    """Multi-head attention whose queries and keys are turned by angles that grow with their place (Su et al., 2021).

    What a query and a key make of each other so depends on the difference of their places alone. Feature ``i`` of a
    head turns together with feature ``i`` of its second half.

    Raises:
        ValueError: when ``heads`` does not divide ``width`` into even parts.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % (2 * heads):
            raise ValueError(
                f"{heads} attention heads cannot share {width} features and turn them in pairs: twice the heads must "
                "divide the width"
            )
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, source: Tensor, allowed: Tensor | None = None) -> Tensor:
        """``x`` ``[N, L, D]`` asks ``source`` ``[N, L, D]``; ``allowed`` is bool and broadcasts to ``[N, L, L]``.

        Every query needs a key that it may see.
        """
        key, value = (self._split(part) for part in self.key_value(source).chunk(2, dim=-1))
        query = self._split(self.query(x))
        cosine, sine = _turns(x.shape[1], query)
        query, key = _turned(query, cosine, sine), _turned(key, cosine, sine)
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # [N, heads, L, L]
        if allowed is not None:
            # Not minus infinity: a padded query, which may see nothing, would make NaN.
            logits = logits.masked_fill(~allowed[:, None], torch.finfo(logits.dtype).min)
        return self.out((logits.softmax(-1) @ value).transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [N, heads, L, D / heads]


class RotaryBlock(nn.Module):
    """``x += a Attention(norm x)``, then ``x += b SwiGLU(norm x)``, with learned numbers ``a`` and ``b``, 1 at first.

    The norm is RMSNorm; ``SwiGLU(x) = W (silu(U x) * V x)`` (Shazeer, 2020) has as many hidden features as ``x``.
    ``dropout`` acts on what the two add. In training a clip goes without either of them with the probability
    ``depth_drop``, and what the others get is scaled up (stochastic depth, Huang et al., ECCV 2016).
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, depth_drop: float = 0.0) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(width, eps=_EPS)
        self.attention = RotaryAttention(width, heads)
        self.gate_norm = RMSNorm(width, eps=_EPS)
        self.gate = nn.Linear(width, 2 * width)
        self.gate_out = nn.Linear(width, width)
        self.shares = nn.Parameter(torch.ones(2))
        self.dropout = nn.Dropout(dropout)
        self.sometimes = StochasticDepth(depth_drop, mode="row") if depth_drop else nn.Identity()

    def forward(self, x: Tensor, allowed: Tensor | None = None) -> Tensor:
        """``x`` is ``[N, L, D]``; ``allowed`` is bool and broadcasts to ``[N, L, L]``: query, key."""
        normed = self.attention_norm(x)
        x = x + self.shares[0] * self.sometimes(self.dropout(self.attention(normed, normed, allowed)))
        gate, value = self.gate(self.gate_norm(x)).chunk(2, dim=-1)
        added = self.dropout(self.gate_out(nn.functional.silu(gate) * value))
        return x + self.shares[1] * self.sometimes(added)


class RotaryContext(nn.Module):
    """Rotary blocks over the steps of each clip. ``[B, S, width]`` -> ``[B, S, width]``; padding is zero.

    ``window`` is the largest time difference, in steps, that a block sees across; ``None`` for the whole clip.
    ``depth_drops`` are those of the blocks (:class:`RotaryBlock`), none by default. In training every block is left out
    for the whole batch with the probability ``layer_drop`` (LayerDrop, Fan et al., ICLR 2020).

    Raises:
        ValueError: when the window is negative, a probability is out of range, or there are not as many as blocks.
    """

    def __init__(
        self,
        width: int,
        heads: int = 8,
        layers: int = 4,
        dropout: float = 0.1,
        window: int | None = None,
        depth_drops: Sequence[float] | None = None,
        layer_drop: float = 0.0,
    ) -> None:
        super().__init__()
        if window is not None and window < 0:
            raise ValueError(f"attention window {window}: it counts steps to either side and must be at least 0")
        drops = [0.0] * layers if depth_drops is None else list(depth_drops)
        if len(drops) != layers:
            raise ValueError(f"{len(drops)} depth_drops for {layers} blocks: each needs one")
        if not all(0 <= drop < 1 for drop in (*drops, layer_drop)):
            raise ValueError(f"depth_drops {drops} and layer_drop {layer_drop}: they lie between 0 and 1, 1 left out")
        self.width = width
        self.window = window
        self.layer_drop = layer_drop
        self.blocks = nn.ModuleList(RotaryBlock(width, heads, dropout, drop) for drop in drops)
        self.norm = RMSNorm(width, eps=_EPS)

    def forward(self, padded: Padded) -> Padded:
        """Let the steps of each clip attend to each other."""
        padded = padded.zeroed()
        values, allowed = padded.values, allowed_steps(padded, self.window)
        for block in self.blocks:
            if not (self.training and self.layer_drop and float(torch.rand(())) < self.layer_drop):
                values = block(values, allowed)
        return Padded(self.norm(values), padded.lengths).zeroed()


def allowed_steps(padded: Padded, window: int | None = None) -> Tensor:
    """``[B, S, S]`` bool: which steps (columns) a step may see, real ones at most ``window`` away."""
    allowed = padded.mask[:, None, :]
    if window is None:
        return allowed
    time = torch.arange(padded.values.shape[1], device=padded.lengths.device)
    return allowed & ((time[:, None] - time[None, :]).abs() <= window)


def _turns(length: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine ``[L, D / 2]`` of the angles of each place."""
    half = like.shape[-1] // 2
    speed = _BASE ** (-torch.arange(half, device=like.device, dtype=torch.float32) / half)
    angles = torch.arange(length, device=like.device, dtype=torch.float32)[:, None] * speed
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
