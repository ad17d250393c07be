"""What a network costs: parameters and multiply-adds."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from slr.data import Sample, collate
from slr.types import Network


def count_parameters(network: nn.Module) -> int:
    """Numbers that a training can change; a shared tensor counts once."""
    return sum(weight.numel() for weight in network.parameters())


def count_macs(network: nn.Module, sample: Sample) -> int:
    """Multiply-adds of one forward pass over one clip, as torch counts the operations that are matrix products."""
    batch = collate([sample])
    stream = batch.stream(cast(Network, network).input_stream)
    device = next(network.parameters()).device
    counter = FlopCounterMode(display=False)
    network.eval()
    with torch.no_grad(), counter:
        network(stream.to(device))
    return counter.get_total_flops() // 2
