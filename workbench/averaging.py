"""A running average of the weights of a network while it learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def make_average(network: nn.Module, decay: float) -> AveragedModel:
    """The network's weights and buffers, averaged from now on.

    After step ``n``, counted from 1, the average keeps ``min(decay, n / (9 + n))`` of itself and takes the rest from
    the network (Polyak and Juditsky 1992 with exponential forgetting; the rise, so that the weights of the first steps
    are soon forgotten, as in Abadi et al. 2016, "TensorFlow", ``ExponentialMovingAverage``). Buffers that count are
    copied.

    Args:
        network: as it is before the first step.
        decay: between 0 and 1; 0.999 looks back over some thousand steps.
    """

    def towards(average: Tensors, current: Tensors, count: Tensor | int) -> None:
        steps = int(count)
        if average[0].is_floating_point():
            torch._foreach_lerp_(average, current, 1 - min(decay, steps / (9 + steps)))
        else:
            for own, new in zip(average, current, strict=True):
                own.copy_(new)

    average = AveragedModel(network, multi_avg_fn=towards, use_buffers=True)
    average.requires_grad_(False).eval()
    average.n_averaged += 1  # what was copied just now is the first
    return average
