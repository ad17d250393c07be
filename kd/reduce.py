"""From values per step or per clip to one number: the only place where a denominator is chosen.

Every function here counts the steps (or clips) of the whole batch it is given and nothing else, so a mean over a batch
of clips weighs a long clip more than a short one; where that is not wanted stands :func:`mean_of_row_means`. Padding is
left out with ``torch.where``, never by multiplying with a mask, because ``NaN * 0`` is NaN. A selection with nothing in
it has the mean 0 and a gradient of zeros.

With several processes each counts its own share of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Sum over the elements where ``mask`` is true, divided by their number; 0 when there are none.

    Args:
        values: any shape, for example ``[B, S]`` values per step.
        mask: bool of the same shape.
    """
    assert values.shape == mask.shape, f"{tuple(values.shape)} values but a mask of {tuple(mask.shape)}"
    kept = torch.where(mask, values, torch.zeros_like(values))
    return kept.sum() / mask.sum().clamp(min=1)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Sum of ``weights * values`` over the elements of positive weight, divided by the sum of these weights.

    It is 0 when no weight is positive. Elements whose weight is 0 may hold anything, NaN included.

    Args:
        values: any shape.
        weights: the same shape, not negative.
    """
    assert values.shape == weights.shape, f"{tuple(values.shape)} values but {tuple(weights.shape)} weights"
    zero = torch.zeros_like(values)
    weights = torch.where(weights > 0, weights, zero)
    total = weights.sum()
    kept = weights * torch.where(weights > 0, values, zero)
    return kept.sum() / torch.where(total > 0, total, torch.ones_like(total))


def mean_over_clips(values: Tensor) -> Tensor:
    """Sum of ``[B]`` values per clip, divided by the number of clips; 0 for no clip."""
    assert values.ndim == 1, f"one value per clip is a vector, got shape {tuple(values.shape)}"
    return values.sum() / max(len(values), 1)


def mean_over_steps(values: Tensor) -> Tensor:
    """Sum of ``[N]`` values of steps already selected from the batch, divided by their number; 0 for no step."""
    assert values.ndim == 1, f"one value per selected step is a vector, got shape {tuple(values.shape)}"
    return values.sum() / max(len(values), 1)


def row_means(values: Tensor, mask: Tensor) -> Tensor:
    """Mean ``[B]`` of the elements of every row where ``mask`` is true; 0 for a row that has none.

    Args:
        values: ``[B, ...]``, a row per clip.
        mask: bool of the same shape.
    """
    assert values.shape == mask.shape, f"{tuple(values.shape)} values but a mask of {tuple(mask.shape)}"
    kept = torch.where(mask, values, torch.zeros_like(values)).flatten(1)
    return kept.sum(dim=1) / mask.flatten(1).sum(dim=1).clamp(min=1)


def mean_of_row_means(values: Tensor, mask: Tensor) -> Tensor:
    """Sum of :func:`row_means` over the rows that have an element, divided by their number; 0 when there are none.

    Clips weigh alike here, whatever their length: for pairs of steps, whose number grows with the square of it.

    Args:
        values: ``[B, ...]``, a row per clip.
        mask: bool of the same shape.
    """
    return masked_mean(row_means(values, mask), mask.flatten(1).any(dim=1))
