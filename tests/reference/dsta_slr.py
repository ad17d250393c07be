"""DSTA-SLR as its publication computes it: channels first, one step of the formula after the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
    """Spatial unit, three gates, three times two branches, the input."""
    y = stc(block.attention, spatial(block.spatial, x))
    for layer in block.times:
        width = layer.norm.norm.weight.shape[0] // 2
        branches = []
        for number, conv in enumerate(layer.convs):
            found = F.conv2d(y, conv.weight, conv.bias, conv.stride, conv.padding)
            normed = batch_norm(found, layer.norm.norm, slice(number * width, (number + 1) * width))
            branches.append(dropped(normed, layer.drop, block.graph))
        y = torch.cat(branches, 1)
    if block.shortcut is None:
        return torch.relu(y)
    cut = block.shortcut
    kept = F.conv2d(x, cut.scale, cut.offset, stride=(cut.stride, 1), groups=x.shape[1])
    kept = batch_norm(pointwise(kept, cut.linear), cut.norm.norm)
    return torch.relu(y + dropped(kept, cut.drop, block.graph))


def spatial(unit: nn.Module, x: Tensor) -> Tensor:
    """The six steps of the formula."""
    z = torch.einsum("nctv,dc->ndtv", x, unit.embed.linear.weight) + unit.embed.linear.bias[None, :, None, None]
    z = batch_norm(z, unit.embed.norm.norm)
    batch, width, steps, joints = z.shape
    words = dictionary(unit.dictionary, z)
    normed = channel_norm(z, unit.attend_norm)
    query, key = pointwise(normed, unit.query_key).view(batch, 2 * unit.graphs, -1, steps, joints).chunk(2, 1)
    graph = torch.einsum("nsctu,nsctv->nsuv", query, key) / (width // unit.graphs * steps)
    graph = torch.tanh(graph) * unit.strength[None, :, None, None]
    by_share = normed.view(batch, unit.graphs, -1, steps, joints)
    h = torch.einsum("nsctu,nsuv->nsctv", by_share, graph).reshape(batch, width, steps, joints) + z
    inner = channel_norm(h, unit.widen_norm).permute(0, 2, 3, 1)
    h = h + unit.narrow(F.gelu(unit.widen(inner))).permute(0, 3, 1, 2) + words
    channels = unit.channel_graph.view(unit.graphs, -1, joints, joints)
    by_share = h.view(batch, unit.graphs, -1, steps, joints)
    y = torch.einsum("nkctv,kcvw->nkctw", by_share, channels).reshape(batch, width, steps, joints)
    y = batch_norm(y, unit.norm.norm)
    return torch.relu(y + shortcut(unit.shortcut, x))


def shortcut(module: nn.Module, x: Tensor) -> Tensor:
    """The input as it is, or every stride-th step of it through a convolution and batch norm."""
    if module.change is None:
        return x
    linear = module.change.linear
    x = F.conv2d(x, linear.weight[:, :, None, None], linear.bias, (module.stride, 1))
    return batch_norm(x, module.change.norm.norm)


def dictionary(module: nn.Module, z: Tensor) -> Tensor:
    """A weighted sum of the learned vectors."""
    inner = pointwise(channel_norm(z, module.norm), module.linear)
    likeness = torch.einsum("nctv,ce->netv", inner, module.vectors)
    likeness = torch.tanh(likeness) * module.strength[None, :, None, None] / z.shape[1]
    return module.share * torch.einsum("netv,ce->nctv", likeness, module.vectors)


def stc(module: nn.Module, y: Tensor) -> Tensor:
    """Gates of joints, of steps, of channels, each on what the one before left."""
    joints, kernel = module.joint_gate, module.step_gate
    gate = torch.sigmoid(F.conv1d(y.mean(2), joints.weight, joints.bias, padding=joints.padding))
    y = y * gate.unsqueeze(2) + y
    gate = torch.sigmoid(F.conv1d(y.mean(3), kernel.weight, kernel.bias, padding=kernel.padding))
    y = y * gate.unsqueeze(3) + y
    gate = torch.sigmoid(module.channel_gate(torch.relu(module.squeeze(y.mean((2, 3))))))
    return y * gate[:, :, None, None] + y


def dropped(x: Tensor, masks: nn.Module | None, graph: Tensor) -> Tensor:
    """Joints with their neighbours, then spans of time, each where a seed falls."""
    if masks is None or not masks.drops:
        return x
    with torch.no_grad():
        size = x.abs().mean(2).mean(1)  # [B, J]
        chance = size / size.sum() * size.numel() * masks.drop / ((graph != 0).sum() / len(graph))
        lost = torch.bernoulli(chance.clamp(max=1)) @ graph > 0.001
        kept = 1 - lost.to(x.dtype)
    x = x * kept[:, None, None] * (kept.numel() / kept.sum())
    with torch.no_grad():
        size = x.abs().mean(3).mean(1)  # [B, T]
        seeds = torch.bernoulli((size / size.sum() * size.numel() * masks.drop / 41).clamp(max=1))
        kept = 1 - F.max_pool1d(seeds[:, None], 41, stride=1, padding=20)
    return x * kept[..., None] * (kept.numel() / kept.sum())


def pointwise(x: Tensor, linear: nn.Linear) -> Tensor:
    """A linear layer over the channels as a convolution over single places."""
    return F.conv2d(x, linear.weight[:, :, None, None], linear.bias)


def channel_norm(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Layer norm over the channels of every place."""
    return norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def batch_norm(x: Tensor, norm: nn.BatchNorm1d, part: slice = slice(None)) -> Tensor:
    """Batch norm over all but the channels; training or not as the module says, its statistics stay as they are."""
    mean, variance = (None, None) if norm.training else (norm.running_mean[part], norm.running_var[part])
    return F.batch_norm(x, mean, variance, norm.weight[part], norm.bias[part], norm.training, 0.0, norm.eps)
