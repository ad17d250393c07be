from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from slr.layers import RotaryAttention, RotaryBlock, RotaryContext
from slr.layers.rotary import allowed_steps
from slr.types import Padded
from tests.slr.layers.clips import random_clips, with_rubbish


@torch.no_grad()
def slow_attention(x: Tensor, source: Tensor, layer: RotaryAttention, allowed: Tensor) -> Tensor:
    """Query by query, head by head; features are turned in pairs, one in each half of a head."""
    length, width = x.shape
    size = width // layer.heads
    queries = x @ layer.query.weight.T + layer.query.bias
    both = source @ layer.key_value.weight.T + layer.key_value.bias
    keys, values = both[:, :width], both[:, width:]

    def turned(vector: Tensor, place: int) -> Tensor:
        out = vector.clone()
        for i in range(size // 2):
            angle = place * 10_000 ** (-i / (size // 2))
            one, other = float(vector[i]), float(vector[i + size // 2])
            out[i] = one * math.cos(angle) - other * math.sin(angle)
            out[i + size // 2] = other * math.cos(angle) + one * math.sin(angle)
        return out

    out = torch.zeros_like(x)
    for head in range(layer.heads):
        part = slice(head * size, (head + 1) * size)
        for i in range(length):
            seen = [j for j in range(length) if allowed[i, j]]
            scores = [float(turned(queries[i, part], i) @ turned(keys[j, part], j)) / math.sqrt(size) for j in seen]
            total = sum(math.exp(score) for score in scores)
            for j, score in zip(seen, scores, strict=True):
                out[i, part] += math.exp(score) / total * values[j, part]
    return out @ layer.out.weight.T + layer.out.bias


def test_attention_equals_the_loop_over_heads_queries_and_keys() -> None:
    layer = RotaryAttention(8, 2).double()
    x, source = torch.randn(2, 5, 8).double(), torch.randn(2, 5, 8).double()
    allowed = torch.rand(2, 5, 5) > 0.5
    allowed |= torch.eye(5, dtype=torch.bool)
    for got, *given in zip(layer(x, source, allowed), x, source, allowed, strict=True):
        torch.testing.assert_close(got, slow_attention(given[0], given[1], layer, given[2]), rtol=1e-5, atol=1e-6)


def test_only_time_differences_count() -> None:
    layer = RotaryAttention(8, 2).double()
    x = torch.randn(1, 6, 8).double()
    alone = torch.eye(9, dtype=torch.bool)[None]
    alone[0, 3:, 3:] = True
    later = torch.cat([torch.randn(1, 3, 8).double(), x], 1)
    torch.testing.assert_close(layer(later, later, alone)[:, 3:], layer(x, x), rtol=1e-5, atol=1e-6)


def test_a_block_adds_attention_and_gated_features_to_what_the_shares_say() -> None:
    block = RotaryBlock(8, 2).double()
    nn.init.normal_(block.shares)
    x = torch.randn(1, 4, 8).double()

    def rms(values: Tensor, weight: Tensor) -> Tensor:
        return values / (values.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * weight

    normed = rms(x, block.attention_norm.weight)
    y = x + block.shares[0] * block.attention(normed, normed)
    both = rms(y, block.gate_norm.weight) @ block.gate.weight.T + block.gate.bias
    gate, value = both[..., :8], both[..., 8:]
    gated = gate / (1 + torch.exp(-gate)) * value
    torch.testing.assert_close(block(x), y + block.shares[1] * (gated @ block.gate_out.weight.T + block.gate_out.bias))


def test_a_window_reaches_that_far_and_no_farther() -> None:
    net = RotaryContext(8, 2, layers=1, window=2).double().eval()
    x = torch.randn(1, 9, 8).double()
    other = x.clone()
    other[0, 4] += 1
    one, two = (net(Padded(values, torch.tensor([9]))).values[0] for values in (x, other))
    assert (one != two).any(-1).tolist() == [False, False, True, True, True, True, True, False, False]
    whole = RotaryContext(8, 2, layers=1).double().eval()
    one, two = (whole(Padded(values, torch.tensor([9]))).values[0] for values in (x, other))
    assert (one != two).any(-1).all()


def test_allowed_steps_are_real_ones_near_by() -> None:
    padded = Padded(torch.zeros(2, 4, 1), torch.tensor([4, 2]))
    assert allowed_steps(padded)[1].tolist() == [[True, True, False, False]]
    assert allowed_steps(padded, 1)[1].int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_padding_changes_nothing_and_comes_out_as_zero() -> None:
    net = RotaryContext(8, 2, layers=2, window=3).double().eval()
    clips = random_clips([7, 1, 4], 8)
    together = net(with_rubbish(clips, extra=4))
    for got, clip in zip(together.unpad(), clips, strict=True):
        torch.testing.assert_close(got, net(Padded(clip[None], torch.tensor([len(clip)]))).values[0])
    assert not together.values[~together.mask].any()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="4 attention heads cannot share 12 features"):
        RotaryAttention(12, 4)
    with pytest.raises(ValueError, match="attention window -1"):
        RotaryContext(8, 2, window=-1)


def test_a_clip_goes_without_what_a_block_adds_and_the_others_get_more() -> None:
    torch.manual_seed(0)
    block = RotaryBlock(8, 2, depth_drop=0.5)
    with torch.no_grad():
        block.shares[1] = 0  # attention alone
        x = torch.randn(400, 3, 8)
        added = block.eval()(x) - x
        found = block.train()(x) - x
    without = found.flatten(1).abs().sum(dim=1) < 1e-6
    assert without.float().mean().item() == pytest.approx(0.5, abs=0.08)
    torch.testing.assert_close(found[~without], 2 * added[~without], rtol=1e-4, atol=1e-5)


def test_a_block_is_left_out_for_the_whole_batch_in_training_alone() -> None:
    torch.manual_seed(0)
    context = RotaryContext(8, 2, layers=1, dropout=0.0, layer_drop=0.5)
    clips = Padded(torch.randn(2, 4, 8), torch.tensor([4, 3]))
    whole = context.eval()(clips).values
    plain = Padded(context.norm(clips.values), clips.lengths).zeroed().values
    assert not torch.allclose(whole, plain)
    seen = [context.train()(clips).values for _ in range(200)]
    left_out = [torch.allclose(values, plain) for values in seen]
    assert all(out or torch.allclose(values, whole) for out, values in zip(left_out, seen, strict=True))
    assert sum(left_out) / 200 == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"depth_drops": [0.1]}, "1 depth_drops for 2 blocks"), ({"layer_drop": 1.0}, "1 left out")],
)
def test_probabilities_of_leaving_out_have_to_fit(arguments: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RotaryContext(8, 2, layers=2, **arguments)
