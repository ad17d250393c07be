from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from slr.layers import BiLSTM, NoContext, TransformerContext
from slr.types import Padded
from tests.reference import layers
from tests.slr.layers.clips import random_clips, with_rubbish

CONTEXTS = {
    "bilstm": lambda: BiLSTM(4, 3, layers=2, dropout=0.0),
    "transformer": lambda: TransformerContext(4, heads=2, layers=2, dropout=0.0, reach=2),
    "none": lambda: NoContext(4),
}


def randomised(name: str) -> nn.Module:
    context = CONTEXTS[name]().double()
    for parameter in context.parameters():
        nn.init.normal_(parameter, std=0.5)
    return context


@pytest.mark.parametrize("name", CONTEXTS)
def test_every_clip_comes_out_as_if_it_were_alone(name: str) -> None:
    context = randomised(name)
    clips = random_clips([2, 7, 1, 5], 4)
    together = context(with_rubbish(clips, extra=3))
    assert together.values.shape[1] == 10
    for got, clip in zip(together.unpad(), clips, strict=True):
        assert got.shape == (len(clip), context.width)
        torch.testing.assert_close(got, context(Padded.from_list([clip])).values[0])


def test_bilstm_equals_the_loop_over_steps() -> None:
    context = randomised("bilstm")
    clips = random_clips([4, 1], 4)
    for got, clip in zip(context(with_rubbish(clips)).unpad(), clips, strict=True):
        x = clip
        for layer in (0, 1):
            forwards, backwards = context.lstm.all_weights[2 * layer : 2 * layer + 2]
            x = torch.cat([layers.lstm(x, forwards, False), layers.lstm(x, backwards, True)], 1)
        torch.testing.assert_close(got, x)


def test_transformer_equals_the_loop_over_heads_and_steps() -> None:
    context = randomised("transformer")
    clips = random_clips([5, 2], 4)
    for got, clip in zip(context(with_rubbish(clips)).unpad(), clips, strict=True):
        x, length = clip, len(clip)
        for block, bias in zip(context.blocks, context.biases, strict=True):
            relative = torch.zeros(2, length, length).double()
            for i in range(length):
                for j in range(length):
                    relative[:, i, j] = bias.table[:, max(-2, min(2, j - i)) + 2]
            x = x + layers.attention(block.attention_norm(x), block.attention, 2, relative)
            x = x + block.feed_forward(x)
        torch.testing.assert_close(got, context.norm(x))


def test_transformer_does_not_know_absolute_time() -> None:
    context = randomised("transformer")
    same = torch.randn(1, 4).double().expand(12, 4)
    out = context(Padded.from_list([same])).values[0]
    torch.testing.assert_close(out, out[:1].expand(12, 4))


@pytest.mark.parametrize("name", ["bilstm", "transformer"])
def test_padding_comes_out_as_zero_and_gets_no_gradient(name: str) -> None:
    padded = with_rubbish(random_clips([2, 5], 4))
    values = padded.values.requires_grad_()
    out = randomised(name)(Padded(values, padded.lengths))
    assert torch.equal(out.values[0, 2:], torch.zeros_like(out.values[0, 2:]))
    out.values.sum().backward()
    assert torch.equal(values.grad[0, 2:], torch.zeros(3, 4).double())
    assert values.grad[padded.mask].isfinite().all()


def test_a_bilstm_of_one_layer_takes_a_dropout_without_a_warning() -> None:
    BiLSTM(4, 3, layers=1, dropout=0.5)


def test_bilstm_equals_packed_sequences_in_single_precision() -> None:
    context = BiLSTM(4, 3, layers=2, dropout=0.0)
    padded = with_rubbish([clip.float() for clip in random_clips([4, 6, 1], 4)])
    packed = pack_padded_sequence(padded.values, padded.lengths, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(context.lstm(packed)[0], batch_first=True, total_length=6)
    got = context(padded).values
    torch.testing.assert_close(got, expected)
    weights = list(context.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(got.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_bilstm_drops_features_between_its_layers_in_training_only() -> None:
    torch.manual_seed(0)
    context = BiLSTM(4, 3, layers=2, dropout=0.5)
    clips = Padded.from_list([torch.randn(5, 4)])
    assert not torch.equal(context(clips).values, context(clips).values)
    context.eval()
    assert torch.equal(context(clips).values, context(clips).values)
