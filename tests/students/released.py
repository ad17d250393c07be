"""The network that CTR-GCN's weights were trained in, made of our blocks: two persons and classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from slr.layers import ValidSteps
from slr.released import ReleasedLayout, joined, stacked
from slr.skeleton import adjacency, skeleton_layout
from students.ctr_gcn_blocks import CTRGCNBlocks


class ActionNetwork(nn.Module):
    """The published network: two persons normalised together, blocks, mean over time, joints and persons, classes."""

    def __init__(self, channels: Sequence[int], strides: Sequence[int], classes: int) -> None:
        super().__init__()
        layout = skeleton_layout("ntu-25")
        self.norm = nn.BatchNorm1d(2 * len(layout) * 3)
        self.blocks = CTRGCNBlocks(3, channels, strides, adjacency(layout, "directed"), conv_bias=True)
        self.classify = nn.Linear(channels[-1], classes)

    def forward(self, clips: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``[N, C, T, V, M]`` -> scores, and what every block gave as ``[N M, D, T', V]``."""
        count, channels, steps, joints, persons = clips.shape
        x = self.norm(clips.permute(0, 4, 3, 1, 2).reshape(count, -1, steps))
        x = x.view(count * persons, joints, channels, steps).permute(0, 3, 1, 2)
        valid = ValidSteps.of(torch.full((count * persons,), steps), steps)
        rows, seen = valid.gather(x), []
        for layer in self.blocks.layers:
            rows, valid = layer(rows, valid)
            seen.append(valid.scatter(rows).values.permute(0, 3, 1, 2))
        pooled = seen[-1].unflatten(0, (count, persons)).mean((1, 3, 4))
        return self.classify(pooled), seen


# Several tensors on the right lie one behind the other in ours: the three parts of a graph, the branches of a temporal
# module.
CTR_GCN = ReleasedLayout(
    about="a network of the CTR-GCN family",
    class_tensors=("classify.weight", "classify.bias"),
    places={
        "norm.{kind}": "data_bn.{kind}",
        "classify.{kind}": "fc.{kind}",
        "blocks.layers.{n}.graph.parts": "l{n+1}.gcn1.PA",
        "blocks.layers.{n}.graph.strength": "l{n+1}.gcn1.alpha",
        "blocks.layers.{n}.graph.receive.{kind}": joined(f"l{{n+1}}.gcn1.convs.{k}.conv1.{{kind}}" for k in range(3)),
        "blocks.layers.{n}.graph.give.{kind}": joined(f"l{{n+1}}.gcn1.convs.{k}.conv2.{{kind}}" for k in range(3)),
        "blocks.layers.{n}.graph.value": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv3.weight" for k in range(3)),
        "blocks.layers.{n}.graph.value_bias": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv3.bias" for k in range(3)),
        "blocks.layers.{n}.graph.spread": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv4.weight" for k in range(3)),
        "blocks.layers.{n}.graph.spread_bias": stacked(f"l{{n+1}}.gcn1.convs.{k}.conv4.bias" for k in range(3)),
        "blocks.layers.{n}.graph.norm.norm.{kind}": "l{n+1}.gcn1.bn.{kind}",
        "blocks.layers.{n}.graph.shortcut.{kind}": "l{n+1}.gcn1.down.0.{kind}",
        "blocks.layers.{n}.graph.shortcut_norm.norm.{kind}": "l{n+1}.gcn1.down.1.{kind}",
        "blocks.layers.{n}.time.squeeze.{kind}": joined(f"l{{n+1}}.tcn1.branches.{b}.0.{{kind}}" for b in range(3)),
        "blocks.layers.{n}.time.squeeze_norm.norm.{kind}": joined(
            f"l{{n+1}}.tcn1.branches.{b}.1.{{kind}}" for b in range(3)
        ),
        "blocks.layers.{n}.time.convs.{b}.{kind}": "l{n+1}.tcn1.branches.{b}.3.conv.{kind}",
        "blocks.layers.{n}.time.skip.{kind}": "l{n+1}.tcn1.branches.3.0.{kind}",
        "blocks.layers.{n}.time.norm.norm.{kind}": joined(
            f"l{{n+1}}.tcn1.branches.{b}.{{kind}}" for b in ("0.3.bn", "1.3.bn", "2.4", "3.1")
        ),
        "blocks.layers.{n}.shortcut.{kind}": "l{n+1}.residual.conv.{kind}",
        "blocks.layers.{n}.shortcut_norm.norm.{kind}": "l{n+1}.residual.bn.{kind}",
    },
)
