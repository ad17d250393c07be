"""MS-G3D as its publication computes it: channels first, one branch after the other, windows unfolded."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.reference.dsta_slr import batch_norm, pointwise

F = nn.functional


def plain_network(network: nn.Module, clips: Tensor) -> Tensor:
    """Clips ``[B, C, T, J, P]`` without padding -> scores ``[B, V]``, by the weights of ours."""
    batch, channels, steps, joints, persons = clips.shape
    x = clips.permute(0, 4, 3, 1, 2).reshape(batch, -1, steps)
    x = batch_norm(x, network.data_norm.norm).view(batch * persons, joints, channels, steps)
    x = x.permute(0, 2, 3, 1).contiguous()
    for stage in network.trunk.blocks:
        x = plain_stage(stage, x)
    pooled = x.view(batch, persons, x.shape[1], -1).mean(3).mean(1)
    return network.head.classify(network.head.dropout(pooled))


def plain_stage(stage: nn.Module, x: Tensor) -> Tensor:
    """Two ways, their sum, a last unit over time."""
    way = torch.relu(aggregated(stage.scales, x))
    for layer in stage.times:
        way = plain_time(layer, way)
    other = 0
    for conv in stage.windows:
        other = other + plain_windows(conv, x)
    return plain_time(stage.last, torch.relu(way + other))


def aggregated(conv: nn.Module, x: Tensor) -> Tensor:
    """What every joint receives at every scale, side by side, through one layer and batch norm."""
    batch, channels, steps, joints = x.shape
    graph = conv.graph.graph + conv.graph.residual
    graph = graph.transpose(1, 2).flatten(0, 1)  # [K J, J], the joint of a row receives
    support = torch.einsum("vu,nctu->nctv", graph, x)
    support = support.view(batch, channels, steps, -1, joints).permute(0, 3, 1, 2, 4).reshape(batch, -1, steps, joints)
    return batch_norm(pointwise(support, conv.linear), conv.norm.norm)


def plain_windows(conv: nn.Module, x: Tensor) -> Tensor:
    """Unfolded windows, the same over their joint graph, and a convolution that makes one frame of each."""
    batch, channels, _, joints = x.shape
    window = conv.window
    unfolded = F.unfold(x, (window, 1), padding=(window // 2, 0), stride=(conv.stride, 1))
    unfolded = unfolded.view(batch, channels, window, -1, joints).permute(0, 1, 3, 2, 4)
    inner = torch.relu(aggregated(conv.inner, unfolded.reshape(batch, channels, -1, window * joints)))
    inner = inner.view(batch, inner.shape[1], -1, window, joints)
    weight = conv.collapse.weight.view(conv.collapse.out_features, window, -1).transpose(1, 2)
    found = F.conv3d(inner, weight[:, :, None, :, None], conv.collapse.bias).squeeze(3)
    return batch_norm(found, conv.norm.norm)


def plain_time(unit: nn.Module, x: Tensor) -> Tensor:
    """Six branches, one after the other."""
    share, branches = unit.share, []
    for number in range(5):
        own = slice(number * share, (number + 1) * share)
        found = F.conv2d(x, unit.squeeze.linear.weight[own, :, None, None], unit.squeeze.linear.bias[own])
        found = torch.relu(batch_norm(found, unit.squeeze.norm.norm, own))
        if number < 4:
            conv = unit.convs[number]
            found = F.conv2d(found, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation)
        else:
            found = F.max_pool2d(found, (3, 1), (unit.stride, 1), (1, 0))
        branches.append(batch_norm(found, unit.norm.norm, own))
    found = F.conv2d(x, unit.skip.weight[:, :, None, None], unit.skip.bias, (unit.stride, 1))
    branches.append(batch_norm(found, unit.norm.norm, slice(5 * share, 6 * share)))
    y = torch.cat(branches, 1)
    if unit.shortcut is not None:
        x = F.conv2d(x, unit.shortcut.linear.weight[:, :, None, None], unit.shortcut.linear.bias, (unit.stride, 1))
        x = batch_norm(x, unit.shortcut.norm.norm)
    y = y + x
    return torch.relu(y) if unit.relu else y
