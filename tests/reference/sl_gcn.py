"""SL-GCN as its publication computes it: channels first, every channel with its own copy of its group's graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.reference.dsta_slr import batch_norm, dropped, pointwise, shortcut, stc

F = nn.functional


def plain_network(network: nn.Module, clips: Tensor) -> Tensor:
    """Clips ``[B, C, T, J, P]`` without padding -> scores ``[B, V]``, by the weights of ours."""
    batch, channels, steps, joints, persons = clips.shape
    x = clips.permute(0, 4, 3, 1, 2).reshape(batch, -1, steps)
    x = batch_norm(x, network.data_norm.norm).view(batch * persons, joints, channels, steps)
    x = x.permute(0, 2, 3, 1).contiguous()
    for block in network.trunk.blocks:
        x = plain_block(block, x)
    pooled = x.mean((2, 3)).view(batch, persons, -1).mean(1)
    return network.head.classify(network.head.dropout(pooled))


def plain_block(block: nn.Module, x: Tensor) -> Tensor:
    """Graphs, attention, time, the input."""
    conv = block.time
    y = stc(block.attention, plain_graphs(block.graph, x))
    y = batch_norm(F.conv2d(y, conv.weight, conv.bias, conv.stride, conv.padding), block.norm.norm)
    y = dropped(y, block.drop, block.skeleton)
    if block.shortcut is None:
        return torch.relu(y)
    return torch.relu(y + dropped(shortcut(block.shortcut, x), block.shortcut_drop, block.skeleton))


def plain_graphs(conv: nn.Module, x: Tensor) -> Tensor:
    """A graph per channel, divided by its columns through a product with a diagonal matrix."""
    count, groups, joints, _ = conv.graphs.shape
    width = conv.norm.norm.weight.shape[0]
    graphs = conv.graphs.repeat_interleave(width // groups, dim=1)  # [K, C, J, J]
    scale = torch.diag_embed(1 / (graphs.abs().sum(2) + 0.001))
    z = batch_norm(pointwise(x, conv.value.linear), conv.value.norm.norm)
    z = z.view(len(x), count, width, x.shape[2], joints)
    y = batch_norm(torch.einsum("nkctv,kcvw->nctw", z, graphs @ scale), conv.norm.norm)
    return torch.relu(y + shortcut(conv.shortcut, x))
