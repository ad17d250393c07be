"""What a network costs: parameters and multiply-adds."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from slr.data import Sample, collate
from slr.types import Batch, Network


def count_parameters(network: nn.Module) -> int:
    """All parameters; a shared tensor counts once."""
    return sum(weight.numel() for weight in network.parameters())


def count_trainable(network: nn.Module) -> int:
    """Those of the parameters that a training changes: the frozen ones left out."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def count_macs(network: nn.Module, sample: Sample) -> int:
    """Multiply-adds of one forward pass over one clip, in matrix products, convolutions and recurrent layers."""
    return batch_macs(network, collate([sample]))


def batch_macs(network: nn.Module, batch: Batch) -> int:
    """The same over a batch."""
    stream = batch.stream(cast(Network, network).input_stream)
    device = next(network.parameters()).device
    counter = FlopCounterMode(display=False, custom_mapping=RECURRENT_FLOPS)
    network.eval()
    with torch.no_grad(), counter:
        network(stream.to(device))
    return counter.get_total_flops() // 2


def _onednn_layer_flops(inputs: torch.Size, *arguments: Any, out_shape: Any = None, **options: Any) -> int:
    """One direction of one layer over ``[steps, clips, features]``: every step multiplies both matrices once."""
    return 2 * inputs[:-1].numel() * sum(matrix.numel() for matrix in arguments[:2])


def _cudnn_flops(
    inputs: torch.Size, weights: list[torch.Size], *arguments: Any, out_shape: Any = None, **_: Any
) -> int:
    """All layers and directions at once; what has one axis among the weights is a bias."""
    return 2 * inputs[:-1].numel() * sum(weight.numel() for weight in weights if len(weight) == 2)


# torch counts these as nothing: one operation does what would else be many products.
RECURRENT_FLOPS = {
    torch.ops.aten.mkldnn_rnn_layer: _onednn_layer_flops,
    torch.ops.aten._cudnn_rnn: _cudnn_flops,
}
