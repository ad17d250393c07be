from __future__ import annotations

import math

import pytest
import torch

from slr.layers import BiLSTM, GlossHead, JointPooling, NoContext, RecogniserTail
from tests.slr.layers.clips import random_clips, with_rubbish


@torch.no_grad()
def length(vector: torch.Tensor) -> float:
    return math.sqrt(sum(float(x) ** 2 for x in vector))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["linear", "normalised", "cosine"])
def test_scores_equal_the_loop_over_classes(kind: str) -> None:
    head = GlossHead(3, 4, kind, scale=5.0).double()
    x = torch.randn(2, 3).double()
    for got, features in zip(head(x), x, strict=True):
        for score, weight in zip(got, head.weight, strict=True):
            product = sum(float(w * f) for w, f in zip(weight, features, strict=True))
            if kind == "normalised":
                product *= 5 / length(weight)
            elif kind == "cosine":
                product *= 5 / length(weight) / length(features)
            assert float(score) == pytest.approx(product)


def test_a_linear_head_adds_its_bias() -> None:
    head = GlossHead(2, 3)
    head.bias.data = torch.tensor([1.0, 2.0, 3.0])
    assert head(torch.zeros(1, 2)).tolist() == [[1.0, 2.0, 3.0]]


def test_a_cosine_head_survives_features_of_zero() -> None:
    head, x = GlossHead(2, 3, "cosine", 32.0), torch.zeros(1, 2, requires_grad=True)
    head(x).sum().backward()
    assert x.grad.isfinite().all()


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of head 'cosin'"):
        GlossHead(2, 3, "cosin")


def test_joint_pooling_is_the_mean_of_each_group() -> None:
    joints = torch.tensor([[1.0, 10.0], [3.0, 30.0], [5.0, 50.0]])
    assert JointPooling([[0, 1], [2]], 3)(joints).tolist() == [2.0, 20.0, 5.0, 50.0]


def test_the_tail_publishes_its_steps_at_the_declared_widths() -> None:
    tail = RecogniserTail(3, 7, context=BiLSTM(6, 4), width=6).double()
    frame = with_rubbish(random_clips([9, 4], 3))
    out = tail(frame)
    assert out.logits.values.shape == (2, 3, 7)
    assert out.logits.lengths.tolist() == tail.output_lengths(frame.lengths).tolist() == [3, 1]
    assert {name: tap.values.shape[-1] for name, tap in out.taps.items()} == tail.tap_widths
    assert tail.tap_widths == {"conv": 6, "context": 8, "conv_logits": 7}
    torch.testing.assert_close(out.taps["conv_logits"].values, tail.conv_head(out.taps["conv"].values))
    torch.testing.assert_close(out.logits.values, tail.head(out.taps["context"].values))


def test_a_shared_head_is_one_classifier() -> None:
    tail = RecogniserTail(3, 7, context=NoContext(6), width=6, shared_head=True)
    assert tail.head is tail.conv_head
    with pytest.raises(ValueError, match="the convolution gives 6 features and the context 8"):
        RecogniserTail(3, 7, context=BiLSTM(6, 4), width=6, shared_head=True)
