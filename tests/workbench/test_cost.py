from __future__ import annotations

import pytest
import torch
from torch import nn

from slr.data import Sample
from slr.layers import BiLSTM
from slr.types import Padded
from workbench.cost import RECURRENT_FLOPS, count_macs, count_parameters


class Counted(nn.Module):
    """Two joints of three numbers -> 5 features -> two bidirectional LSTM layers of 4 -> 3 classes."""

    input_stream = "pose"

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.first = nn.Linear(6, 5)
        self.context = BiLSTM(5, 4)
        self.last = nn.Linear(8, 3)
        self.kind = kind

    def forward(self, stream: Padded) -> torch.Tensor:
        values = self.first(stream.values.flatten(2))
        if self.kind == "ours":
            return self.last(self.context(Padded(values, stream.lengths)).values)
        if self.kind == "plain":
            return self.last(self.context.lstm(values)[0])
        packed = nn.utils.rnn.pack_padded_sequence(values, stream.lengths, batch_first=True)
        return self.last(nn.utils.rnn.pad_packed_sequence(self.context.lstm(packed)[0], batch_first=True)[0])


@pytest.mark.parametrize("kind", ["ours", "plain", "packed"])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_recurrent_layers_are_counted_like_matrix_products(kind: str, precision: torch.dtype) -> None:
    sample = Sample("clip", torch.tensor([1]), torch.arange(7), None, torch.rand(7, 2, 3, dtype=precision), 1, False)
    # Per step: 6 x 5, then two directions of 4 gates x 4 cells fed by 5 (later 8) inputs and 4 states, then 8 x 3.
    per_step = 6 * 5 + 2 * 16 * (5 + 4) + 2 * 16 * (8 + 4) + 8 * 3
    assert count_macs(Counted(kind).to(precision), sample) == 7 * per_step


def test_the_recurrent_layer_of_cudnn_is_counted_by_its_weights() -> None:
    weights = [
        torch.Size(shape) for shape in [(16, 5), (16, 4), (16,), (16,)] * 2 + [(16, 8), (16, 4), (16,), (16,)] * 2
    ]
    counted = RECURRENT_FLOPS[torch.ops.aten._cudnn_rnn](torch.Size([7, 1, 5]), weights, 4, out_shape=None)
    assert counted == 2 * 7 * (2 * 16 * (5 + 4) + 2 * 16 * (8 + 4))


def test_a_shared_weight_is_one_parameter() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    assert count_parameters(network) == 24
    network[1].weight = network[0].weight
    assert count_parameters(network) == 15
