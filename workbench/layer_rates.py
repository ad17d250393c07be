"""Layers near the input that learn more slowly than those near the output."""

from __future__ import annotations

import itertools

from torch import nn

_LISTS = ("blocks", "layers")  # what networks call their layers; other lists hold what stands side by side


def layers_of(network: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters that learn, layer by layer from the input to the output.

    Layers are the entries of every list of modules called ``blocks`` or ``layers``, and else the parts of the network,
    all in the order in which they were made. Parameters of the network itself belong to the last one.
    """
    layers: dict[str, list[nn.Parameter]] = {}
    own: list[nn.Parameter] = []
    for name, weight in network.named_parameters():
        if not weight.requires_grad:
            continue
        if "." in name:
            layers.setdefault(_layer(name), []).append(weight)
        else:
            own.append(weight)
    found = list(layers.values()) or [[]]
    found[-1] = [*found[-1], *own]
    return [layer for layer in found if layer]


def _layer(name: str) -> str:
    """The layer that a parameter belongs to, by its name."""
    parts = name.split(".")
    for place, (one, after) in enumerate(itertools.pairwise(parts)):
        if one in _LISTS and after.isdigit():
            return ".".join(parts[: place + 2])
    return parts[0]
