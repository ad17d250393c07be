"""Who is whose neighbour, as a probability."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kd.losses.relations import cosines, distinct_pairs
from kd.losses.set_loss import SetLoss
from kd.reduce import mean_of_row_means
from slr.types import Padded

# Vectors that point in opposite directions have kernel 0, whose logarithm is minus infinity.
SMALLEST_KERNEL = 1e-7


class PKT(SetLoss):
    """Mean over sets of the mean over their elements of ``KL(p^T_i || p^S_i)``.

    The elements of a set are the steps of a clip, or the clips of a batch, see ``over``. The other elements of the set
    are neighbours of element ``i`` with probabilities from a cosine kernel::

        k_ij = (cos(f_i, f_j) + 1) / 2          p_i(j) = k_ij / sum_{l != i} k_il,  j != i

    Passalis and Tefas 2018, "Learning Deep Representations with Probabilistic Knowledge Transfer", with a mean over
    elements where the paper has a sum. Its published code takes the mean over all ``N^2`` pairs, which is ``N`` times
    smaller: a weight of 30,000 there is 30,000 / ``N`` here. An element without neighbours counts for nothing, and sets
    weigh alike.

    The kernel is so wide that the probabilities hardly differ: expect small values.

    Arguments are those of :class:`~kd.losses.set_loss.SetLoss`.
    """

    def difference(self, ours: Padded, theirs: Padded) -> Tensor:
        """Mean divergence of the neighbourhoods."""
        others = distinct_pairs(ours.mask)
        ours_log, theirs_log = (_log_neighbours(elements.values, others) for elements in (ours, theirs))
        terms = F.kl_div(ours_log, theirs_log, reduction="none", log_target=True)  # [G, N, N]
        divergences = torch.where(others, terms, torch.zeros_like(terms)).sum(dim=-1)
        return mean_of_row_means(divergences, others.any(dim=-1))


def _log_neighbours(vectors: Tensor, others: Tensor) -> Tensor:
    """``log p_i(j)``, ``[G, N, D]`` -> ``[G, N, N]``; means nothing where ``others`` is false, but is finite."""
    kernels = ((cosines(vectors) + 1) / 2).clamp(min=SMALLEST_KERNEL)
    # The smallest finite number, not -inf: an element without neighbours would give NaN.
    return kernels.log().masked_fill(~others, torch.finfo(kernels.dtype).min).log_softmax(dim=-1)
