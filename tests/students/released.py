"""Released CTR-GCN weights in our networks of two persons and classes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from slr.layers import ValidSteps
from slr.types import Padded
from students.skeleton_network import SkeletonNetwork


@dataclass(frozen=True)
class Layout:
    """The tensors of a released checkpoint by name, its classes and its number of parameters."""

    shapes: dict[str, tuple[int, ...]]
    classes: int
    parameters: int

    @classmethod
    def read(cls, path: Path) -> Layout:
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        words = head.split()
        shapes = {}
        for line in lines:
            name, shape, _ = line.split("\t")
            shapes[name] = () if shape == "scalar" else tuple(map(int, shape.split("x")))
        return cls(shapes, int(words[words.index("classes") + 1]), int(words[words.index("parameters") + 1]))

    def weights(self) -> dict[str, Tensor]:
        """Every tensor made by the rule that the expected answers were made by."""
        return {name: torch.from_numpy(_by_rule(name, shape)) for name, shape in self.shapes.items()}


def _by_rule(name: str, shape: tuple[int, ...]) -> np.ndarray:
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        values = random.uniform(0.5, 1.5, shape)
    elif len(shape) > 1:
        values = random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    else:
        values = 0.1 * random.standard_normal(shape) + name.endswith("weight")
    return values.astype(np.float32)


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


def load(network: SkeletonNetwork, weights: Mapping[str, Tensor]) -> set[str]:
    """Put released weights in their places; returns the names that have one."""
    used: set[str] = set()

    def take(*names: str) -> Tensor:
        used.update(names)
        return torch.cat([weights[name] for name in names])

    with torch.no_grad():
        state = network.state_dict()
        for name, target in state.items():
            if not name.endswith("num_batches_tracked"):
                target.copy_(take(*sources(name)).reshape(target.shape))
    return used | {name for name in weights if name.endswith("num_batches_tracked")}


# Ours on the left; {kind} is weight, bias, running_mean or running_var. Several tensors on the right lie one below the
# other in ours: the three parts of a graph, the branches of a temporal module.
PLACES = {
    "graph.parts": ["gcn1.PA"],
    "graph.strength": ["gcn1.alpha"],
    "graph.receive.{kind}": [f"gcn1.convs.{k}.conv1.{{kind}}" for k in range(3)],
    "graph.give.{kind}": [f"gcn1.convs.{k}.conv2.{{kind}}" for k in range(3)],
    "graph.value": [f"gcn1.convs.{k}.conv3.weight" for k in range(3)],
    "graph.value_bias": [f"gcn1.convs.{k}.conv3.bias" for k in range(3)],
    "graph.spread": [f"gcn1.convs.{k}.conv4.weight" for k in range(3)],
    "graph.spread_bias": [f"gcn1.convs.{k}.conv4.bias" for k in range(3)],
    "graph.norm.{kind}": ["gcn1.bn.{kind}"],
    "graph.shortcut.{kind}": ["gcn1.down.0.{kind}"],
    "graph.shortcut_norm.{kind}": ["gcn1.down.1.{kind}"],
    "time.squeeze.{kind}": [f"tcn1.branches.{b}.0.{{kind}}" for b in range(3)],
    "time.squeeze_norm.{kind}": [f"tcn1.branches.{b}.1.{{kind}}" for b in range(3)],
    "time.convs.0.{kind}": ["tcn1.branches.0.3.conv.{kind}"],
    "time.convs.1.{kind}": ["tcn1.branches.1.3.conv.{kind}"],
    "time.skip.{kind}": ["tcn1.branches.3.0.{kind}"],
    "time.norm.{kind}": [f"tcn1.branches.{b}.{{kind}}" for b in ("0.3.bn", "1.3.bn", "2.4", "3.1")],
    "shortcut.{kind}": ["residual.conv.{kind}"],
    "shortcut_norm.{kind}": ["residual.bn.{kind}"],
}


def sources(name: str) -> list[str]:
    """The released tensors that one of ours is made of, in order."""
    kind = name.rpartition(".")[2]
    if not name.startswith("trunk."):
        return [("data_bn" if name.startswith("data_norm") else "fc") + f".{kind}"]
    _, _, index, part = name.split(".", 3)
    part = part.replace("norm.norm.", "norm.")
    place = part if part in PLACES else part.removesuffix(kind) + "{kind}"
    return [f"l{int(index) + 1}.{source.format(kind=kind)}" for source in PLACES[place]]
