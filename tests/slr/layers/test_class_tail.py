from __future__ import annotations

import torch

from slr.layers import BiLSTM, ClassTail, NoContext
from slr.types import Padded


def test_a_class_is_read_off_the_mean_over_time() -> None:
    torch.manual_seed(0)
    tail = ClassTail(5, 3, context=BiLSTM(8, 4, 1, 0.0), width=8, temporal_layers="K3-P2").eval()
    clips = Padded(torch.randn(2, 7, 5), torch.tensor([7, 4]))
    output = tail(clips)
    assert output.logits.values.shape == (2, 1, 3)
    assert output.logits.lengths.tolist() == tail.output_lengths(clips.lengths).tolist() == [1, 1]
    for row, steps in ((0, 4), (1, 2)):
        mean = output.taps["context"].values[row, :steps].mean(0)
        assert torch.allclose(output.taps["pooled"].values[row, 0], mean, atol=1e-6)
        assert torch.allclose(output.logits.values[row, 0], tail.classify(mean), atol=1e-6)
    assert {name: tap.values.shape[-1] for name, tap in output.taps.items()} == tail.tap_widths


def test_without_a_context_the_convolution_is_averaged() -> None:
    tail = ClassTail(5, 3, context=NoContext(8), width=8, temporal_layers="K3").eval()
    output = tail(Padded(torch.randn(1, 6, 5), torch.tensor([6])))
    assert torch.allclose(output.taps["pooled"].values[0, 0], output.taps["conv"].values[0].mean(0), atol=1e-6)
