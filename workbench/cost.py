"""What a network costs: parameters and multiply-adds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils.flop_counter import FlopCounterMode

from slr.data import Sample, collate
from slr.types import Network


def count_parameters(network: nn.Module) -> int:
    """Numbers that a training can change; a shared tensor counts once."""
    return sum(weight.numel() for weight in network.parameters())


def count_macs(network: nn.Module, sample: Sample) -> int:
    """Multiply-adds of one forward pass over one clip, in matrix products, convolutions and recurrent layers."""
    batch = collate([sample])
    stream = batch.stream(cast(Network, network).input_stream)
    device = next(network.parameters()).device
    counter = FlopCounterMode(display=False)
    network.eval()
    with torch.no_grad(), counter, _recurrent_layers(network, counter) as correction:
        network(stream.to(device))
    return counter.get_total_flops() // 2 + sum(correction)


@contextlib.contextmanager
def _recurrent_layers(network: nn.Module, counter: FlopCounterMode) -> Iterator[list[int]]:
    """What has to be added because torch counts a recurrent layer as nothing where one operation does all of it."""
    correction: list[int] = []
    begun: list[int] = []

    def before(module: nn.Module, inputs: Any) -> None:
        begun.append(counter.get_total_flops())

    def after(module: nn.Module, inputs: Any, outputs: Any) -> None:
        counted = (counter.get_total_flops() - begun.pop()) // 2
        correction.append(_recurrent_macs(cast(nn.RNNBase, module), inputs[0]) - counted)

    layers = [module for module in network.modules() if isinstance(module, nn.RNNBase)]
    handles = [layer.register_forward_pre_hook(before) for layer in layers]
    handles += [layer.register_forward_hook(after) for layer in layers]
    try:
        yield correction
    finally:
        for handle in handles:
            handle.remove()


def _recurrent_macs(layer: nn.RNNBase, inputs: torch.Tensor | PackedSequence) -> int:
    """Every step multiplies every weight matrix once, in both directions."""
    steps = len(inputs.data) if isinstance(inputs, PackedSequence) else inputs.shape[:-1].numel()
    matrices = (weight for name, weight in layer.named_parameters() if name.startswith("weight"))
    return steps * sum(weight.numel() for weight in matrices)
