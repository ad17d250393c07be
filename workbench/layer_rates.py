"""Layers near the input that learn more slowly than those near the output."""

from __future__ import annotations

from torch import nn

_DEEP = 2  # levels of modules in which layers are looked for


def layers_of(network: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters that learn, layer by layer from the input to the output.

    Layers are the entries of the lists of blocks that the network, or a part of it, holds, and else its parts, all in
    the order in which they were made. Parameters of the network itself belong to the last one.
    """
    layers: dict[str, list[nn.Parameter]] = {}
    own: list[nn.Parameter] = []
    for name, weight in network.named_parameters():
        if not weight.requires_grad:
            continue
        if "." in name:
            layers.setdefault(_layer(network, name), []).append(weight)
        else:
            own.append(weight)
    found = list(layers.values()) or [[]]
    found[-1] = [*found[-1], *own]
    return [layer for layer in found if layer]


def _layer(network: nn.Module, name: str) -> str:
    """The layer that a parameter belongs to."""
    parts = name.split(".")
    module: nn.Module = network
    for level, part in enumerate(parts[: _DEEP + 1]):
        if isinstance(module, nn.ModuleList | nn.Sequential) and level:
            return ".".join(parts[: level + 1])
        child = module.get_submodule(part) if level + 1 < len(parts) else None
        if child is None:
            break
        module = child
    return parts[0]
