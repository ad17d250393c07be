"""Which angles the elements of a set make with each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kd.align import align_nearest
from kd.losses.relations import Over, distinct_pairs, inner_products, squared_distances
from kd.losses.set_loss import SetLoss
from kd.reduce import mean_of_row_means
from slr.types import Padded


class RKDAngle(SetLoss):
    """Mean over sets of the mean over triplets of different elements of ``huber(cos^T_ijk - cos^S_ijk)``.

    The elements of a set are the steps of a clip, or the clips of a batch, see ``over``. The angle of a triplet lies at
    its middle element ``j``::

        e_ij = (f_i - f_j) / ||f_i - f_j||_2          cos_ijk = e_ij . e_kj
        huber(x) = x^2 / 2 where |x| <= 1, |x| - 1/2 elsewhere

    Park et al. 2019, "Relational Knowledge Distillation", equations 9 and 10, with a mean over triplets where the paper
    has a sum. Sets weigh alike, and those of less than three elements count for nothing. Where the middle
    element equals one of the others there is no angle: to the teacher such a triplet is none, to the student its cosine
    is 0. The two others may be equal; the cosine is then 1.

    ``N`` elements make ``N^3`` angles. Of larger sets only ``max_elements`` are used, evenly spaced from the first to
    the last: 32 steps of each of 8 clips make a quarter of a million angles.

    Args:
        tap, teacher_tap, over: those of :class:`~kd.losses.set_loss.SetLoss`.
        max_elements: of a set, 3 or more.
    """

    def __init__(
        self,
        tap: str = "context",
        teacher_tap: str | None = None,
        over: Over = "steps",
        max_elements: int = 32,
    ) -> None:
        super().__init__(tap, teacher_tap, over)
        if max_elements < 3:
            raise ValueError(f"max_elements is {max_elements}, but an angle is made of 3 elements")
        self.max_elements = max_elements

    def difference(self, ours: Padded, theirs: Padded) -> Tensor:
        """Mean Huber distance of the cosines."""
        ours, theirs = self._thinned(ours), self._thinned(theirs)
        angles, _ = _angles(ours.values)
        wanted, apart = _angles(theirs.values)
        different = distinct_pairs(ours.mask)
        edges = different & apart
        triplets = edges[:, :, :, None] & edges[:, :, None, :] & different[:, None]
        return mean_of_row_means(F.smooth_l1_loss(angles, wanted, reduction="none"), triplets)

    def _thinned(self, elements: Padded) -> Padded:
        """At most ``max_elements`` of every set."""
        fewer = Padded(elements.values[:, : self.max_elements], elements.lengths.clamp(max=self.max_elements))
        return align_nearest(elements, fewer)


def _angles(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine at ``j`` between ``i`` and ``k``, ``[G, N (j), N (i), N (k)]``, and pairs that differ, ``[G, N, N]``.

    ``(f_i - f_j).(f_k - f_j)`` is written as ``f_i.f_k - h_ji - h_jk`` with ``h_ji = f_j.f_i - f_j.f_j / 2``.
    """
    products = inner_products(vectors)
    squares = squared_distances(products)
    apart = squares > 0
    inverse = torch.where(apart, squares, torch.ones_like(squares)).rsqrt() * apart
    halves = products - products.diagonal(dim1=1, dim2=2)[:, :, None] / 2
    turned = (products[:, None] - halves[:, :, :, None] - halves[:, :, None, :]).to(vectors.dtype)
    inverse = inverse.to(vectors.dtype)
    return turned * inverse[:, :, :, None] * inverse[:, :, None, :], apart
