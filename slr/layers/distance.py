"""Matrices over pairs of steps that know only how far the two lie apart."""

from __future__ import annotations

import torch
from torch import Tensor

from slr.layers.valid import exporting


def by_distance(table: Tensor, steps: int) -> Tensor:
    """``y[m, i, j] = table[m, R + clip(j - i, -R, R)]``: clipped Toeplitz matrices, one per row of the table.

    Args:
        table: ``[M, 2 R + 1]``: a number per distance, its ends for everything ``R`` steps away or further.
        steps: ``S``.

    Returns:
        ``[M, S, S]``.
    """
    if steps == 0:
        return table.new_zeros(len(table), 0, 0)
    radius = table.shape[1] // 2
    if exporting():  # below, the number of steps becomes a size of the network
        time = torch.arange(steps, device=table.device)
        return table[:, (time[None, :] - time[:, None]).clamp(-radius, radius) + radius]
    beyond = max(steps - 1 - radius, 0)
    within = table[:, max(radius - steps + 1, 0) : radius + steps]
    # Not an index by distance: the gradient of these adds up in a fixed order on every device.
    line = torch.cat([within[:, :1].expand(-1, beyond), within, within[:, -1:].expand(-1, beyond)], dim=1)
    return line.unfold(1, steps, 1).flip(1)  # distances 1-S to S-1 on the line; row i begins at distance -i
