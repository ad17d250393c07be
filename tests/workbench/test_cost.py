from __future__ import annotations

import torch
from torch import nn

from slr.data import Sample
from slr.types import Padded
from workbench.cost import count_macs, count_parameters


class Counted(nn.Module):
    """Two joints of three numbers -> 5 features -> two bidirectional LSTM layers of 4 -> 3 classes."""

    input_stream = "pose"

    def __init__(self, packed: bool) -> None:
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.lstm = nn.LSTM(5, 4, 2, bidirectional=True, batch_first=True)
        self.last = nn.Linear(8, 3)
        self.packed = packed

    def forward(self, stream: Padded) -> torch.Tensor:
        values = self.first(stream.values.flatten(2))
        if not self.packed:
            return self.last(self.lstm(values)[0])
        packed = nn.utils.rnn.pack_padded_sequence(values, stream.lengths, batch_first=True)
        return self.last(nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0])


def test_recurrent_layers_are_counted_like_matrix_products() -> None:
    sample = Sample("clip", torch.tensor([1]), torch.arange(7), None, torch.rand(7, 2, 3), 1, False)
    # Per step: 6 x 5, then two directions of 4 gates x 4 cells fed by 5 (later 8) inputs and 4 states, then 8 x 3.
    per_step = 6 * 5 + 2 * 16 * (5 + 4) + 2 * 16 * (8 + 4) + 8 * 3
    for packed in (False, True):
        network = Counted(packed).train()
        assert count_macs(network, sample) == 7 * per_step
        assert not network.lstm._forward_hooks
        assert not network.lstm._forward_pre_hooks


def test_a_shared_weight_is_one_parameter() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    assert count_parameters(network) == 24
    network[1].weight = network[0].weight
    assert count_parameters(network) == 15
