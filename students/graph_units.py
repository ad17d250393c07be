"""Units over the joints of each frame whose graphs look at the clip: 2s-AGCN's and DG-STGCN's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import MaskedBatchNorm, STCAttention, ValidSteps
from slr.layers.valid import exporting
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
        compared = in_clips(torch.addmm(bias, weight, x.flatten(0, 1).t())[None], joints, valid).transpose(0, 1)
        theta, phi = compared.reshape(2, -1, valid.steps, joints).unbind()  # [K D B, T, J]
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
        before = in_clips(self.before.to_features_first(by_clip(x, valid), relu=True), joints, valid)
        graph = self._graph(valid.scatter(x))
        spread = torch.bmm(before.reshape(-1, valid.steps, joints), graph).view(before.shape)
        y = self.after.from_features_first(out_of_clips(spread, valid), self.shortcut(x, valid, valid), relu=True)
        return y.view(*x.shape[:2], -1)

    def _graph(self, clips: Padded) -> Tensor:
        """``[B width, J, J]``: giving, receiving."""
        groups, joints = self.parts.shape[:2]
        sides = self.compare(clips.mean()).transpose(1, 2).contiguous()  # [B, 2 width, J]
        q, p = sides.unflatten(1, (2, groups, -1)).unbind(1)  # [B, K, M, J]
        like = (q.transpose(2, 3) @ p).softmax(-2)  # [B, K, J, J]
        shared = self.parts + self.beta[0] * like
        return unlike_joints(q, p, shared, self.alpha[0]).view(-1, joints, joints)


def by_clip(x: Tensor, valid: ValidSteps) -> Tensor:
    """``[N, J, D]`` -> ``[G, L, D]``: the numbers of a clip together or, where clips have padding, those of all.

    A product per clip is up to twice as fast as one for all clips where its result has the features first.
    """
    return x.reshape(valid.clips if valid.places is None else 1, -1, x.shape[-1])


def in_clips(features: Tensor, joints: int, valid: ValidSteps) -> Tensor:
    """``[G, D, L]`` -> ``[B, D, T, J]``, zero as padding; a view where there is none. ``G`` is one or ``B``."""
    frames = features.unflatten(2, (-1, joints))
    if valid.places is None and len(frames) == valid.clips and not exporting():
        return frames
    return valid.scatter(frames.transpose(1, 2).flatten(0, 1)).values.transpose(1, 2)


def out_of_clips(clips: Tensor, valid: ValidSteps) -> Tensor:
    """The way back: ``[B, D, T, J]`` -> ``[G, D, L]``, the real steps as :func:`by_clip` has them."""
    if valid.places is None:
        return clips.flatten(2)
    return valid.gather(clips.transpose(1, 2)).transpose(0, 1).flatten(1)[None]
