"""Released CTR-GCN weights in our networks of two persons and classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import ValidSteps
from slr.released import ReleasedLayout, joined, stacked
from slr.types import Padded
from students.skeleton_network import SkeletonNetwork


def answer(network: SkeletonNetwork, clips: Tensor) -> tuple[Tensor, list[Tensor]]:
    """``[N, C, T, V, M]`` -> scores, and what every block gave as ``[N M, D, T', V]``."""
    seen: list[Tensor] = []

    def note(module: nn.Module, given: object, result: tuple[Tensor, ValidSteps]) -> None:
        rows, valid = result
        seen.append(valid.scatter(rows).values.permute(0, 3, 1, 2))

    handles = [block.register_forward_hook(note) for block in network.trunk.blocks]
    stream = clips.permute(0, 2, 4, 3, 1)  # [B, T, P, J, C]
    output = network(Padded(stream, torch.full((len(stream),), stream.shape[1])))
    for handle in handles:
        handle.remove()
    return output.logits.values[:, 0], seen


# Several tensors on the right lie one behind the other in ours: the three parts of a graph, the branches of a temporal
# module.
CTR_GCN = ReleasedLayout(
    about="a network of the CTR-GCN family",
    class_tensors=("head.classify.weight", "head.classify.bias"),
    places={
        "data_norm.norm.{kind}": "data_bn.{kind}",
        "head.classify.{kind}": "fc.{kind}",
        "trunk.blocks.{n}.graph.parts": "l{n+1}.gcn1.PA",
        "trunk.blocks.{n}.graph.strength": "l{n+1}.gcn1.alpha",
        "trunk.blocks.{n}.graph.receive.{kind}": joined(f"l{{n+1}}.gcn1.convs.{k}.conv1.{{kind}}" for k in range(3)),
        "trunk.blocks.{n}.graph.give.{kind}": joined(f"l{{n+1}}.gcn1.convs.{k}.conv2.{{kind}}" for k in range(3)),
        "trunk.blocks.{n}.graph.value": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv3.weight" for k in range(3)),
        "trunk.blocks.{n}.graph.value_bias": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv3.bias" for k in range(3)),
        "trunk.blocks.{n}.graph.spread": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv4.weight" for k in range(3)),
        "trunk.blocks.{n}.graph.spread_bias": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv4.bias" for k in range(3)),
        "trunk.blocks.{n}.graph.norm.norm.{kind}": "l{n+1}.gcn1.bn.{kind}",
        "trunk.blocks.{n}.graph.shortcut.{kind}": "l{n+1}.gcn1.down.0.{kind}",
        "trunk.blocks.{n}.graph.shortcut_norm.norm.{kind}": "l{n+1}.gcn1.down.1.{kind}",
        "trunk.blocks.{n}.time.squeeze.{kind}": joined(f"l{{n+1}}.tcn1.branches.{b}.0.{{kind}}" for b in range(3)),
        "trunk.blocks.{n}.time.squeeze_norm.norm.{kind}": joined(
            f"l{{n+1}}.tcn1.branches.{b}.1.{{kind}}" for b in range(3)
        ),
        "trunk.blocks.{n}.time.convs.{b}.{kind}": "l{n+1}.tcn1.branches.{b}.3.conv.{kind}",
        "trunk.blocks.{n}.time.skip.{kind}": "l{n+1}.tcn1.branches.3.0.{kind}",
        "trunk.blocks.{n}.time.norm.norm.{kind}": joined(
            f"l{{n+1}}.tcn1.branches.{b}.{{kind}}" for b in ("0.3.bn", "1.3.bn", "2.4", "3.1")
        ),
        "trunk.blocks.{n}.shortcut.{kind}": "l{n+1}.residual.conv.{kind}",
        "trunk.blocks.{n}.shortcut_norm.norm.{kind}": "l{n+1}.residual.bn.{kind}",
    },
)
