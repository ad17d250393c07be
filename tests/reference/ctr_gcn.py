"""The two halves of a CTR-GCN block on one clip ``[T, J, D]``, step by step, joint by joint, channel by channel."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def _norm(x: Tensor, norm: nn.Module) -> Tensor:
    """Batch norm by its running statistics."""
    inner = norm.norm
    return (x - inner.running_mean) / torch.sqrt(inner.running_var + inner.eps) * inner.weight + inner.bias


@torch.no_grad()
def refined_graph_convolution(clip: Tensor, conv: nn.Module) -> Tensor:
    """Every part, channel and pair of joints by itself."""
    steps, joints, _ = clip.shape
    count, width, reduced = conv.spread.shape
    mean = sum(clip[t] for t in range(steps)) / steps
    out = torch.zeros(steps, joints, width, dtype=clip.dtype)
    for k in range(count):
        rows = slice(k * reduced, (k + 1) * reduced)
        for u in range(joints):
            received = conv.receive.weight[rows] @ mean[u] + conv.receive.bias[rows]
            for v in range(joints):
                given = conv.give.weight[rows] @ mean[v] + conv.give.bias[rows]
                relation = [math.tanh(float(r - g)) for r, g in zip(received, given, strict=True)]
                for c in range(width):
                    refined = float(conv.spread_bias[k, c])
                    refined += sum(float(conv.spread[k, c, r]) * relation[r] for r in range(reduced))
                    edge = float(conv.strength) * refined + float(conv.parts[k, u, v])
                    for t in range(steps):
                        out[t, u, c] += edge * (conv.value[k, c] @ clip[t, v] + conv.value_bias[k, c])
    out = _norm(out, conv.norm)
    if conv.shortcut is not None:
        clip = _norm(clip @ conv.shortcut.weight.T + conv.shortcut.bias, conv.shortcut_norm)
    return torch.relu(out + clip)


@torch.no_grad()
def temporal_branches(clip: Tensor, module: nn.Module) -> Tensor:
    """Every branch, joint and step by itself; beyond the ends of the clip lie zeros."""
    steps, joints, width = clip.shape
    share, stride = width // 4, module.stride
    squeezed = torch.relu(_norm(clip @ module.squeeze.weight.T + module.squeeze.bias, module.squeeze_norm))
    out = torch.zeros(len(range(0, steps, stride)), joints, width, dtype=clip.dtype)
    for row, t in enumerate(range(0, steps, stride)):
        for j in range(joints):
            for branch, (conv, dilation) in enumerate(zip(module.convs, (1, 2), strict=True)):
                own = slice(branch * share, (branch + 1) * share)
                total = conv.bias.clone()
                for k in range(5):
                    source = t + (k - 2) * dilation
                    if 0 <= source < steps:
                        total += conv.weight[:, :, k, 0] @ squeezed[source, j, own]
                out[row, j, own] = total
            near = [squeezed[source, j, 2 * share : 3 * share] for source in (t - 1, t, t + 1) if 0 <= source < steps]
            out[row, j, 2 * share : 3 * share] = torch.stack(near).amax(0)
            out[row, j, 3 * share :] = module.skip.weight @ clip[t, j] + module.skip.bias
    return _norm(out, module.norm)
