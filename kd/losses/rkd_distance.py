"""How far apart the elements of a set are, relative to each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kd.losses.relations import distinct_pairs, inner_products, squared_distances
from kd.losses.set_loss import SetLoss
from kd.reduce import mean_of_row_means, row_means
from slr.types import Padded


class RKDDistance(SetLoss):
    """Mean over sets of the mean over pairs of different elements of ``huber(d^T_ij - d^S_ij)``.

    The elements of a set are the steps of a clip, or the clips of a batch, see ``over``. Distances are measured in
    the mean distance of the set, so that the scales of the two networks need not agree::

        d_ij = ||f_i - f_j||_2 / m,  m = mean ||f_k - f_l||_2 over k != l
        huber(x) = x^2 / 2 where |x| <= 1, |x| - 1/2 elsewhere

    Park et al. 2019, "Relational Knowledge Distillation", equations 5 to 8, with a mean over pairs where the paper has
    a sum. Sets weigh alike. A set of one element has no pair and counts for nothing, and neither does one whose
    elements are all the same to the teacher; where they are the same to the student, its ``d`` is 0.

    Arguments are those of :class:`~kd.losses.set_loss.SetLoss`.
    """

    def difference(self, ours: Padded, theirs: Padded) -> Tensor:
        """Mean Huber distance of the relative distances."""
        pairs = distinct_pairs(ours.mask)
        distances, _ = _relative_distances(ours.values, pairs)
        wanted, apart = _relative_distances(theirs.values, pairs)
        return mean_of_row_means(F.smooth_l1_loss(distances, wanted, reduction="none"), pairs & apart)


def _relative_distances(vectors: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """``d`` ``[G, N, N]``, and whether the elements of a set differ at all ``[G, 1, 1]``."""
    squares = squared_distances(inner_products(vectors))
    # The slope of the root is infinite at 0, where there is no direction to move to: there it must not be taken.
    distances = torch.where(squares > 0, squares, torch.ones_like(squares)).sqrt()
    distances = torch.where(squares > 0, distances, torch.zeros_like(squares)).to(vectors.dtype)
    scale = row_means(distances, pairs)[:, None, None]
    apart = scale > 0
    return distances / torch.where(apart, scale, torch.ones_like(scale)), apart
