"""Graphs that tell joints apart: ``A + alpha tanh(q[v] - p[w])`` for every channel, the largest tensors of DG-STGCN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from students.cpu_learning import learns_on_cpu


def unlike_joints(q: Tensor, p: Tensor, shared: Tensor, alpha: Tensor) -> Tensor:
    """``y[b, k, m, v, w] = shared[b, k, v, w] + alpha tanh(q[b, k, m, v] - p[b, k, m, w])``.

    Args:
        q: ``[B, K, M, J]``, of the giving joints.
        p: ``[B, K, M, J]``, of the receiving joints.
        shared: ``[B, K, J, J]``, the same for all ``M``.
        alpha: one number.

    Returns:
        ``[B, K, M, J, J]``.
    """
    if learns_on_cpu(q, [q, p, shared, alpha]):
        return _UnlikeJoints.apply(q, p, shared, alpha)
    unlike = torch.tanh_(q[..., :, None] - p[..., None, :])
    return torch.addcmul(shared[:, :, None], unlike, alpha)


class _UnlikeJoints(torch.autograd.Function):
    """By ``tanh(x) = 2 s - 1`` with ``s = sigmoid(2 x)``, which torch computes three times as fast on a CPU.

    The gradient is summed over joints before it is scaled, so that it passes over few tensors of that size.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, p: Tensor, shared: Tensor, alpha: Tensor) -> Tensor:
        s = torch.sigmoid_((2 * q)[..., :, None] - (2 * p)[..., None, :])
        ctx.save_for_backward(s, alpha)
        return torch.addcmul((shared - alpha)[:, :, None], s, 2 * alpha)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        s, alpha = ctx.saved_tensors
        of_shared = gradient.sum(2)
        of_alpha = 2 * torch.dot(gradient.flatten(), s.flatten()) - of_shared.sum()
        slopes = torch.ops.aten.sigmoid_backward(gradient, s)  # gradient s (1 - s)
        return 4 * alpha * slopes.sum(-1), -4 * alpha * slopes.sum(-2), of_shared, of_alpha.view_as(alpha)
