"""Units over the joints of each frame whose graphs look at the clip: 2s-AGCN's and DG-STGCN's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, STCAttention, ValidSteps
from slr.types import Padded
from students.units import NormedLinear, Shortcut, beginning_at_nothing, linear
from students.unlike_joints import unlike_joints


class AdaptiveGraphConv(nn.Module):
    """The adaptive graph convolution of 2s-AGCN (Shi et al., CVPR 2019), with its later attention.

    ``y[w] = sum_k W_k sum_v G_k[v, w] x[v]`` with ``G_k = A_k + strength tanh(C_k)``: ``A_k`` is learned and starts
    from the skeleton, ``C_k[v, w]`` is the mean over the steps of the clip and the features of ``theta_k(x[v])
    phi_k(x[w])``, in a quarter of the width; ``strength`` starts at 0. Batch norm, plus the input, ReLU, and attention
    if wanted (:class:`~slr.layers.STCAttention`).
    """

    def __init__(self, in_width: int, width: int, parts: Tensor, attention: bool = True, bias: bool = True) -> None:
        super().__init__()
        self.parts = nn.Parameter(parts.clone())  # [K, J, J]
        self.strength = nn.Parameter(torch.zeros(1))
        self.compare = linear(
            in_width, 2 * len(parts) * (width // 4), parts=2 * len(parts)
        )  # theta of all parts, then phi
        self.value = linear(len(parts) * in_width, width, bias=False)
        self.value_bias = nn.Parameter(torch.zeros(len(parts), width), requires_grad=False) if bias else None  # idle
        self.norm = beginning_at_nothing(MaskedBatchNorm(width))
        self.shortcut = Shortcut(in_width, width, bias=bias)
        self.attention = STCAttention(width, parts.shape[-1]) if attention else None

    def forward(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[N, J, width]``."""
        plus = self.shortcut(x, valid, valid)
        bias = None if self.value_bias is None else self.value_bias.sum(0)
        y = self.norm.normalise(self._gathered(x, valid), offset=bias, plus=plus, relu=True)
        return y if self.attention is None else valid.gather(self.attention(valid.scatter(y)).values)

    def _gathered(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """What every joint receives from all: ``[N, J, width]``."""
        graph = self.parts + self.strength * torch.tanh(self._likeness(x, valid))
        rows = graph.permute(0, 3, 1, 2).flatten(1, 2)  # [B, J K, J], the parts of a receiving joint together
        every_step = valid.gather(rows[:, None].expand(-1, valid.steps, -1, -1))
        return self.value(torch.bmm(every_step, x).view(*x.shape[:2], -1))

    def _likeness(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[B, K, J, J]``."""
        count, joints = self.parts.shape[:2]
        width = len(self.compare.weight) // (2 * count)
        # The mean over features is taken in the weights: half precision would not hold all sums.
        share = x.new_ones(len(self.compare.weight), 1, dtype=self.compare.weight.dtype)
        share[: count * width] /= width
        weight, bias = self.compare.weight * share, self.compare.bias[:, None] * share
        # Features first in memory: then the steps of a clip lie together, and products sum over them as they are.
        compared = torch.addmm(bias, weight, x.flatten(0, 1).t())
        theta, phi = in_clips(compared, joints, valid).reshape(2, -1, valid.steps, joints).unbind()  # [K D B, T, J]
        summed = torch.bmm(theta.transpose(1, 2), phi).unflatten(0, (count, width, valid.clips)).sum(1)  # [K, B, J, J]
        return summed.transpose(0, 1) / valid.lengths.clamp(min=1).to(summed.dtype)[:, None, None, None]


class DynamicGraphConv(nn.Module):
    """DG-GCN, the dynamic group graph convolution of DG-STGCN (Duan et al., 2022).

    The features, after a linear layer, batch norm and ReLU, form ``groups``; ``y[c, w] = sum_v G[c, v, w] x[c, v]``
    with ``G[c] = A_k + alpha tanh(q[c, v] - p[c, w]) + beta S_k`` for a channel ``c`` of group ``k``, where ``q`` and
    ``p`` are linear in the mean of a joint over its clip and ``S_k[v, w]`` is the softmax over ``v`` of ``q[v] p[w]``,
    summed over the channels of the group. ``A`` is free and knows no skeleton; ``alpha`` and ``beta`` start at 0, and
    as in the published code all groups use the first of each. Then a linear layer, batch norm, plus the input, ReLU.

    Raises:
        ValueError: when ``groups`` does not divide ``width``.
    """

    def __init__(self, in_width: int, width: int, joints: int, groups: int = 8, bias: bool = True) -> None:
        super().__init__()
        if width % groups:
            raise ValueError(f"{groups} groups cannot share {width} channels: groups must divide the width")
        self.parts = nn.Parameter(0.04 + 0.02 * torch.randn(groups, joints, joints))
        self.alpha = nn.Parameter(torch.zeros(groups))
        self.beta = nn.Parameter(torch.zeros(groups))
        self.before = NormedLinear(in_width, width, bias)
        self.compare = linear(in_width, 2 * width, parts=2)
        self.after = NormedLinear(width, width, bias)
        self.shortcut = Shortcut(in_width, width, bias=bias)

    def forward(self, x: Tensor, valid: ValidSteps) -> Tensor:
        """``[N, J, in_width]`` -> ``[N, J, width]``."""
        joints = x.shape[1]
        # Features first: then joints and steps of a clip lie together, and nothing is copied on the way there and back.
        before = in_clips(self.before.features_first(x, relu=True), joints, valid)
        graph = self._graph(valid.scatter(x))
        spread = torch.bmm(before.reshape(-1, valid.steps, joints), graph)  # [width B, T, J]
        rows = valid.gather(spread.view(before.shape).permute(1, 2, 0, 3)).transpose(1, 2)
        return self.after(rows, self.shortcut(x, valid, valid), relu=True)

    def _graph(self, clips: Padded) -> Tensor:
        """``[width B, J, J]``: giving, receiving."""
        groups, joints = self.parts.shape[:2]
        sides = self.compare(clips.mean()).permute(2, 0, 1).contiguous()  # [2 width, B, J]
        q, p = sides.unflatten(0, (2, groups, -1)).unbind()  # [K, M, B, J]
        like = (q.permute(0, 2, 3, 1) @ p.permute(0, 2, 1, 3)).softmax(-2)  # [K, B, J, J]
        shared = self.parts[:, None] + self.beta[0] * like
        return unlike_joints(q, p, shared, self.alpha[0]).view(-1, joints, joints)


def in_clips(features: Tensor, joints: int, valid: ValidSteps) -> Tensor:
    """``[D, N J]`` -> ``[D, B, T, J]``, zero as padding; a view where no clip has any."""
    rows = features.view(len(features), -1, joints).transpose(0, 1)
    return valid.scatter(rows).values.permute(2, 0, 1, 3)
