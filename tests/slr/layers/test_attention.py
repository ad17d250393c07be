from __future__ import annotations

import pytest
import torch

from slr.layers import AttentionBlock, RelativeBias, SelfAttention
from tests.reference import layers


def test_attention_equals_the_loop_over_queries_and_keys() -> None:
    attention = SelfAttention(6, 2).double()
    x, bias = torch.randn(3, 4, 6).double(), torch.randn(2, 4, 4).double()
    for got, clip in zip(attention(x, bias), x, strict=True):
        torch.testing.assert_close(got, layers.attention(clip, attention, 2, bias))


def test_attention_equals_torchs_fused_one() -> None:
    attention = SelfAttention(8, 2).double()
    x, bias = torch.randn(3, 5, 8).double(), torch.randn(3, 2, 5, 5).double()
    query, key, value = (
        part.unflatten(-1, (2, 4)).transpose(1, 2) for part in attention.query_key_value(x).chunk(3, dim=-1)
    )
    mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    torch.testing.assert_close(attention(x, bias), attention.out(mixed.transpose(1, 2).flatten(2)))


def test_a_hopeless_bias_hides_a_key() -> None:
    attention = SelfAttention(6, 2).double()
    x, bias = torch.randn(1, 4, 6).double(), torch.zeros(1, 4, 4).double()
    bias[..., 3] = torch.finfo(torch.float64).min
    shown = attention(x[:, :3], bias[..., :3, :3])
    torch.testing.assert_close(attention(x, bias)[:, :3], shown)


def test_a_block_adds_to_its_input() -> None:
    block = AttentionBlock(6, 2).double()
    x, bias = torch.randn(2, 4, 6).double(), torch.zeros(1, 4, 4).double()
    for layer in (block.attention.out, block.feed_forward[-1]):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    assert torch.equal(block(x, bias), x)


def test_relative_bias_is_a_clipped_toeplitz_matrix() -> None:
    bias = RelativeBias(1, reach=2)
    bias.table.data = torch.tensor([[-2.0, -1.0, 0.0, 1.0, 2.0]])
    expected = [[max(-2, min(2, j - i)) for j in range(5)] for i in range(5)]
    assert bias(5)[0].tolist() == expected


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="4 attention heads cannot share 6 features"):
        SelfAttention(6, 4)
