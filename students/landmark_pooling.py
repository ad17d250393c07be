"""From the steps of a clip to one vector of it: mean, maximum, attention, and means over its parts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from slr.layers import RMSNorm
from slr.types import Padded

_EPS = 1e-6


class ClipPooling(nn.Module):
    """All of a clip in one vector: ``[B, T, width]`` -> ``[B, width]``.

    Side by side stand the mean over its steps, the maximum, what a learned query finds by attention
    (:class:`AttentionPooling`), and for every scale the means over that many parts of the clip, each part through a
    linear layer of the scale to a quarter of the features: so a scale tells what comes first and what last. Then a
    linear layer to twice the width, RMSNorm, GELU, dropout and a linear layer.

    The system this comes from averages the parts of a scale again, which leaves the mean of the clip, four times.
    """

    def __init__(self, width: int, heads: int = 8, scales: Sequence[int] = (1, 2, 4, 8), dropout: float = 0.1) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.attention = AttentionPooling(width, heads)
        share = width // 4
        self.parts = nn.ModuleList(nn.Linear(width, share) for _ in self.scales)
        self.mix = nn.Sequential(
            nn.Linear(3 * width + sum(self.scales) * share, 2 * width),
            RMSNorm(2 * width, eps=_EPS),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )

    def forward(self, clips: Padded) -> Tensor:
        """Real steps alone count."""
        clips = clips.zeroed()
        low = torch.finfo(clips.values.dtype).min
        most = torch.where(clips.expanded_mask(), clips.values, low).amax(1)
        return self.mix(torch.cat([part_means(clips, 1)[:, 0], most, self.attention(clips), self._parts(clips)], -1))

    def _parts(self, clips: Padded) -> Tensor:
        """``[B, sum of the scales * width / 4]``."""
        found = [part(part_means(clips, count)) for part, count in zip(self.parts, self.scales, strict=True)]
        return torch.cat([means.flatten(1) for means in found], -1)


class AttentionPooling(nn.Module):
    """A learned query asks all steps of a clip: ``[B, T, width]`` -> ``[B, width]``.

    Raises:
        ValueError: when ``heads`` does not divide ``width``.
    """

    def __init__(self, width: int, heads: int = 8) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} attention heads cannot share {width} features: heads must divide the width")
        self.heads = heads
        self.query = nn.Parameter(0.02 * torch.randn(width))
        self.to_query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, clips: Padded) -> Tensor:
        """Padding is not asked."""
        key, value = self.key_value(clips.values).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query = self.to_query(self.query).view(self.heads, 1, -1).expand(len(key), -1, -1, -1)
        asked = clips.mask[:, None, None]  # [B, 1, 1, T]
        found = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=asked)
        return self.out(found.flatten(1))


def part_means(clips: Padded, count: int) -> Tensor:
    """Means over ``count`` parts of every clip, ``[B, T, D]`` -> ``[B, count, D]``; padding has to be zero.

    Part ``i`` of a clip of ``L`` steps begins with step ``floor(i L / count)`` and ends before ``ceil((i + 1) L /
    count)``, as torch's adaptive pooling has it: parts of a short clip overlap, and none is empty.
    """
    lengths = clips.lengths.clamp(min=1)[:, None]
    part = torch.arange(count, device=lengths.device)
    start = torch.div(part * lengths, count, rounding_mode="floor")
    end = torch.div((part + 1) * lengths + count - 1, count, rounding_mode="floor")
    wide = torch.promote_types(clips.values.dtype, torch.float32)  # long sums
    sums = nn.functional.pad(clips.values.to(wide).cumsum(1), (0, 0, 1, 0))
    width = (-1, -1, sums.shape[-1])
    total = sums.gather(1, end[..., None].expand(width)) - sums.gather(1, start[..., None].expand(width))
    return (total / (end - start)[..., None]).to(clips.values.dtype)
