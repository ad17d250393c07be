"""The units of graph networks on one clip ``[T, J, D]``: step by step, joint by joint, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def norm(x: Tensor, module: nn.Module) -> Tensor:
    """Batch norm by its running statistics."""
    inner = module.norm
    return (x - inner.running_mean) / torch.sqrt(inner.running_var + inner.eps) * inner.weight + inner.bias


def normed_linear(x: Tensor, module: nn.Module) -> Tensor:
    """The layer with its bias, then batch norm."""
    return norm(x @ module.linear.weight.T + module.linear.bias, module.norm)


def shortcut(clip: Tensor, module: nn.Module) -> Tensor:
    return clip if module.change is None else normed_linear(clip[:: module.stride], module.change)


def _mean(clip: Tensor) -> Tensor:
    return sum(clip[t] for t in range(len(clip))) / len(clip)


@torch.no_grad()
def refined_graph_convolution(clip: Tensor, conv: nn.Module) -> Tensor:
    """CTR-GC: every part, channel and pair of joints by itself."""
    steps, joints, _ = clip.shape
    count, width, reduced = conv.spread.shape
    mean = _mean(clip)
    out = torch.zeros(steps, joints, width, dtype=clip.dtype)
    for k in range(count):
        rows = slice(k * reduced, (k + 1) * reduced)
        for u in range(joints):
            for v in range(joints):
                # In the original u receives from v; pyskl exchanges them, in the relation and in the graph.
                one, other = (v, u) if conv.transposed else (u, v)
                received = conv.receive.weight[rows] @ mean[one] + conv.receive.bias[rows]
                given = conv.give.weight[rows] @ mean[other] + conv.give.bias[rows]
                relation = [math.tanh(float(r - g)) for r, g in zip(received, given, strict=True)]
                for c in range(width):
                    refined = float(conv.spread_bias[k, c])
                    refined += sum(float(conv.spread[k, c, r]) * relation[r] for r in range(reduced))
                    edge = float(conv.strength) * refined + float(conv.parts[k, one, other])
                    for t in range(steps):
                        out[t, u, c] += edge * (conv.value[k, c] @ clip[t, v] + conv.value_bias[k, c])
    return torch.relu(norm(out, conv.norm) + shortcut(clip, conv.shortcut))


@torch.no_grad()
def adaptive_graph_convolution(clip: Tensor, conv: nn.Module) -> Tensor:
    """2s-AGCN without attention: every part and pair of joints by itself."""
    steps, joints, in_width = clip.shape
    count, width = conv.value_bias.shape
    inner = len(conv.compare.weight) // (2 * count)
    out = conv.value_bias.sum(0).expand(steps, joints, width).clone()
    for k in range(count):
        theta = slice(k * inner, (k + 1) * inner)
        phi = slice((count + k) * inner, (count + k + 1) * inner)
        weight = conv.value.weight[:, k * in_width : (k + 1) * in_width]
        for w in range(joints):
            for v in range(joints):
                likeness = 0.0
                for t in range(steps):
                    left = conv.compare.weight[theta] @ clip[t, v] + conv.compare.bias[theta]
                    right = conv.compare.weight[phi] @ clip[t, w] + conv.compare.bias[phi]
                    likeness += float(left @ right) / (inner * steps)
                edge = float(conv.parts[k, v, w]) + float(conv.strength) * math.tanh(likeness)
                for t in range(steps):
                    out[t, w] += edge * (weight @ clip[t, v])
    return torch.relu(norm(out, conv.norm) + shortcut(clip, conv.shortcut))


@torch.no_grad()
def dynamic_graph_convolution(clip: Tensor, conv: nn.Module) -> Tensor:
    """DG-GCN: every group, channel and pair of joints by itself."""
    steps, joints, _ = clip.shape
    groups = len(conv.parts)
    before = torch.relu(normed_linear(clip, conv.before))
    width = before.shape[-1]
    size = width // groups
    sides = _mean(clip) @ conv.compare.weight.T + conv.compare.bias
    q, p = sides[:, :width], sides[:, width:]
    out = torch.zeros_like(before)
    for k in range(groups):
        own = slice(k * size, (k + 1) * size)
        for w in range(joints):
            scores = [math.exp(float(q[v, own] @ p[w, own])) for v in range(joints)]
            for v in range(joints):
                shared = float(conv.parts[k, v, w]) + float(conv.beta[0]) * scores[v] / sum(scores)
                for c in range(k * size, (k + 1) * size):
                    edge = shared + float(conv.alpha[0]) * math.tanh(float(q[v, c] - p[w, c]))
                    for t in range(steps):
                        out[t, w, c] += edge * before[t, v, c]
    return torch.relu(normed_linear(out, conv.after) + shortcut(clip, conv.shortcut))


@torch.no_grad()
def branches(clip: Tensor, module: nn.Module, kernel: int, dilations: Sequence[int]) -> Tensor:
    """Every branch, joint and step by itself; beyond the ends of the clip lie zeros."""
    steps, joints, width = clip.shape
    stride = module.stride
    squeezed = torch.relu(normed_linear(clip, module.squeeze))
    out = torch.zeros(len(range(0, steps, stride)), joints, width, dtype=clip.dtype)
    for row, t in enumerate(range(0, steps, stride)):
        for j in range(joints):
            first = 0
            for conv, dilation, share in zip(module.convs, dilations, module.shares, strict=False):
                own = slice(first, first + share)
                total = conv.bias.clone()
                for k in range(kernel):
                    source = t + (k - kernel // 2) * dilation
                    if 0 <= source < steps:
                        total += conv.weight[:, :, k, 0] @ squeezed[source, j, own]
                out[row, j, own] = total
                first += share
            own = slice(first, first + module.shares[-1])
            near = [squeezed[source, j, own] for source in (t - 1, t, t + 1) if 0 <= source < steps]
            out[row, j, own] = torch.stack(near).amax(0)
            out[row, j, own.stop :] = module.skip.weight @ clip[t, j] + module.skip.bias
    return out


@torch.no_grad()
def temporal_branches(clip: Tensor, module: nn.Module, plus: Tensor) -> Tensor:
    """CTR-GCN's temporal unit."""
    out = norm(branches(clip, module.branches, 5, (1, 2)), module.norm)
    return torch.relu((torch.relu(out) if module.activated else out) + plus)


@torch.no_grad()
def mixed_branches(clip: Tensor, module: nn.Module, plus: Tensor) -> Tensor:
    """The temporal unit of ST-GCN++ and, with the mean of all joints as one more, of DG-STGCN."""
    if module.share is None:
        out = branches(clip, module.branches, 3, (1, 2, 3, 4))
    else:
        everyone = torch.cat([clip, clip.mean(1, keepdim=True)], 1)
        out = branches(everyone, module.branches, 3, (1, 2, 3, 4))
        out = torch.stack([out[:, j] + module.share[j] * out[:, -1] for j in range(clip.shape[1])], 1)
    return torch.relu(normed_linear(torch.relu(norm(out, module.norm)), module.mix) + plus)
