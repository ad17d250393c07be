"""The layers of networks, clip by clip and step by step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


@torch.no_grad()
def batch_norm(clips: list[Tensor], weight: Tensor, bias: Tensor, eps: float) -> list[Tensor]:
    """Every feature minus its mean over all steps of all clips, over its standard deviation. Clips are ``[T_i, D]``."""
    steps = [step for clip in clips for step in clip]
    count, width = len(steps), len(weight)
    mean = [sum(float(step[d]) for step in steps) / count for d in range(width)]
    variance = [sum((float(step[d]) - mean[d]) ** 2 for step in steps) / count for d in range(width)]
    out = []
    for clip in clips:
        rows = []
        for step in clip:
            rows.append(
                [
                    (float(step[d]) - mean[d]) / math.sqrt(variance[d] + eps) * float(weight[d]) + float(bias[d])
                    for d in range(width)
                ]
            )
        out.append(torch.tensor(rows, dtype=torch.float64))
    return out


@torch.no_grad()
def convolution(clip: Tensor, weight: Tensor) -> Tensor:
    """``[T, D_in]`` -> ``[T, D_out]`` with nothing beyond the ends of the clip; ``weight`` is ``[D_out, D_in, K]``."""
    steps, kernel = len(clip), weight.shape[2]
    out = torch.zeros(steps, len(weight), dtype=clip.dtype)
    for t in range(steps):
        for k in range(kernel):
            source = t + k - kernel // 2
            if 0 <= source < steps:
                out[t] += weight[:, :, k] @ clip[source]
    return out


@torch.no_grad()
def convolution_inside(clip: Tensor, weight: Tensor) -> Tensor:
    """``[T, D_in]`` -> ``[T - K + 1, D_out]``: only where the kernel fits into the clip."""
    kernel = weight.shape[2]
    rows = []
    for t in range(len(clip) - kernel + 1):
        rows.append(sum((weight[:, :, k] @ clip[t + k] for k in range(kernel)), torch.zeros(len(weight)).to(clip)))
    return torch.stack(rows)


@torch.no_grad()
def max_pool(clip: Tensor, size: int) -> Tensor:
    """The maximum of every ``size`` steps; what is left over at the end is pooled too."""
    return torch.stack([clip[t : t + size].max(0).values for t in range(0, len(clip), size)])


@torch.no_grad()
def attention(clip: Tensor, layer: nn.Module, heads: int, bias: Tensor) -> Tensor:
    """Self-attention of one clip ``[L, D]``: query by query, head by head; ``bias`` is ``[heads, L, L]``."""
    length, width = clip.shape
    size = width // heads
    projected = clip @ layer.query_key_value.weight.T + layer.query_key_value.bias
    queries, keys, values = projected[:, :width], projected[:, width : 2 * width], projected[:, 2 * width :]
    out = torch.zeros(length, width, dtype=clip.dtype)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for i in range(length):
            scores = [
                float(queries[i, part] @ keys[j, part]) / math.sqrt(size) + float(bias[head, i, j])
                for j in range(length)
            ]
            total = sum(math.exp(score) for score in scores)
            for j in range(length):
                out[i, part] += math.exp(scores[j]) / total * values[j, part]
    return out @ layer.out.weight.T + layer.out.bias


@torch.no_grad()
def lstm(clip: Tensor, weights: list[Tensor], backwards: bool) -> Tensor:
    """One direction of one LSTM layer over one clip ``[T, D]`` -> ``[T, H]``; gates in torch's order i, f, g, o."""
    w_in, w_hidden, b_in, b_hidden = weights
    hidden = cell = torch.zeros(w_hidden.shape[1], dtype=clip.dtype)
    out = [hidden] * len(clip)
    for t in reversed(range(len(clip))) if backwards else range(len(clip)):
        i, f, g, o = (w_in @ clip[t] + b_in + w_hidden @ hidden + b_hidden).chunk(4)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        out[t] = hidden
    return torch.stack(out)


@torch.no_grad()
def graph_convolution(frame: Tensor, parts: Tensor, weight: Tensor) -> Tensor:
    """One frame ``[J, D_in]`` -> ``[J, D_out]``; ``weight`` is ``[D_out, K D_in]``, the parts one after the other."""
    joints, width = frame.shape
    out = torch.zeros(joints, len(weight), dtype=frame.dtype)
    for k in range(len(parts)):
        for target in range(joints):
            for source in range(joints):
                share = parts[k, source, target]
                out[target] += share * (weight[:, k * width : (k + 1) * width] @ frame[source])
    return out


@torch.no_grad()
def stc_attention(clip: Tensor, module: nn.Module) -> Tensor:
    """The three gates of a clip ``[T, J, D]``, each computed from what the one before left."""
    steps, joints, width = clip.shape
    for axis, gate in ((0, module.joint_gate), (1, module.step_gate)):
        mean = clip.mean(axis)  # [J, D] or [T, D]
        reach = gate.weight.shape[2] // 2
        for place in range(len(mean)):
            total = float(gate.bias)
            for other in range(max(0, place - reach), min(len(mean), place + reach + 1)):
                total += float(gate.weight[0, :, other - place + reach] @ mean[other])
            share = 1 + 1 / (1 + math.exp(-total))
            if axis == 0:
                clip = torch.cat([clip[:, :place], clip[:, place : place + 1] * share, clip[:, place + 1 :]], 1)
            else:
                clip = torch.cat([clip[:place], clip[place : place + 1] * share, clip[place + 1 :]])
    mean = sum(clip[t, j] for t in range(steps) for j in range(joints)) / (steps * joints)
    hidden = (module.squeeze.weight @ mean + module.squeeze.bias).clamp(min=0)
    total = module.channel_gate.weight @ hidden + module.channel_gate.bias
    return torch.stack([clip[..., d] * (1 + 1 / (1 + math.exp(-float(total[d])))) for d in range(width)], -1)
