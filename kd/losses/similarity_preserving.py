"""Which elements of a set are alike, row by row."""

from __future__ import annotations

from torch import Tensor

from kd.losses.relations import directions
from kd.losses.set_loss import SetLoss
from kd.reduce import mean_of_row_means
from slr.types import Padded


class SimilarityPreserving(SetLoss):
    """Mean over sets of the sum of ``(G^T_ij - G^S_ij)^2`` over all pairs, divided by their number ``N^2``.

    The elements of a set are the steps of a clip, or the clips of a batch, see ``over``. ``G`` holds the inner products
    of their features ``f_i``, every row at unit length::

        g_ij = f_i . f_j          G_i = g_i / ||g_i||_2

    Tung and Mori 2019, "Similarity-Preserving Knowledge Distillation", where the set is a mini-batch of images: that is
    ``over="clips"`` here. ``over="steps"`` asks the same of the steps of each clip, and sets weigh alike. The squared
    entries of a row sum up to 1, so the value shrinks with the size of the sets, at worst as ``4 / N``; hence weights
    around 3000. A set of one element always agrees.

    Arguments are those of :class:`~kd.losses.set_loss.SetLoss`.
    """

    def difference(self, ours: Padded, theirs: Padded) -> Tensor:
        """Mean squared difference of the normalised inner products."""
        errors = (_similarities(theirs.values) - _similarities(ours.values)).square()  # [G, N, N]
        return mean_of_row_means(errors, ours.mask[:, :, None] & ours.mask[:, None, :])


def _similarities(vectors: Tensor) -> Tensor:
    return directions(vectors @ vectors.transpose(-1, -2))
