"""What networks with released weights make of the clips that their originals were given."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import ValidSteps
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
