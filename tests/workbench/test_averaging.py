from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from workbench.averaging import make_average


def test_the_average_forgets_the_first_weights_quickly_and_the_last_ones_slowly() -> None:
    network = nn.Linear(1, 1)
    average = make_average(network, decay=0.5)
    wanted = network.weight.item()
    for step in range(1, 40):
        network.weight.data += 1
        average.update_parameters(network)
        decay = min(0.5, step / (9 + step))
        wanted = decay * wanted + (1 - decay) * network.weight.item()
        assert average.module.weight.item() == pytest.approx(wanted, rel=1e-5)


def test_statistics_are_averaged_and_counters_copied() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    average = make_average(network, decay=0.9)
    before = copy.deepcopy(network[1].running_mean)
    network.train()(torch.randn(8, 2))
    average.update_parameters(network)
    norm = average.module[1]
    torch.testing.assert_close(norm.running_mean, before + 0.9 * (network[1].running_mean - before))
    assert norm.num_batches_tracked == network[1].num_batches_tracked == 1


def test_the_average_learns_nothing_by_itself() -> None:
    network = nn.Linear(1, 1)
    average = make_average(network, decay=0.9)
    assert not any(weight.requires_grad for weight in average.parameters())
    assert all(weight.requires_grad for weight in network.parameters())
    assert not average.module.training
