"""The last of the joints, a mean that went its way as one joint more, added to the others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from students.cpu_learning import learns_on_cpu


def share_last_joint(x: Tensor, share: Tensor) -> Tensor:
    """``y[n, j] = x[n, j] + share[j] x[n, J]``.

    Args:
        x: ``[N, J + 1, C]``.
        share: ``[J]``.

    Returns:
        ``[N, J, C]``.
    """
    return _SharedLast.apply(x, share) if learns_on_cpu(x, [x, share]) else _shared(x, share)


def _shared(x: Tensor, share: Tensor) -> Tensor:
    return torch.addcmul(x[:, :-1], x[:, -1:], share[:, None])


class _SharedLast(torch.autograd.Function):
    """Both sums of the backward pass are products of matrices, where torch would make two tensors as large as ``x``."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Tensor) -> Tensor:
        ctx.save_for_backward(x[:, -1:].contiguous(), share)
        return _shared(x, share)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        last, share = ctx.saved_tensors
        of_last = torch.bmm(share.expand(len(gradient), 1, -1), gradient)
        of_share = torch.bmm(gradient, last.transpose(1, 2)).sum(0)[:, 0]
        return torch.cat([gradient, of_last], dim=1), of_share
