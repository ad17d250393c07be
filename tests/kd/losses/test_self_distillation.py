from __future__ import annotations

import math

import pytest
import torch

from kd.losses import SelfDistillation
from slr.layers import RecogniserTail, TransformerContext
from slr.types import NetOutput, Padded
from tests.kd.losses.scored import batch, lists, random
from tests.reference import losses as reference


def value(loss: SelfDistillation, conv: Padded, sequence: Padded) -> torch.Tensor:
    return loss(NetOutput(sequence, {"conv_logits": conv}), None, batch([[1]] * len(conv.lengths)))


@pytest.mark.parametrize("temperature", [1.0, 8.0])
def test_it_is_the_divergence_of_one_head_from_the_other_without_the_blank(temperature: float):
    conv, sequence = random((6, 3, 5)), random((6, 3, 5), spread=3.0)
    expected = reference.frame_kl(lists(conv), lists(sequence), temperature, "drop")
    found = value(SelfDistillation(temperature=temperature), conv, sequence)
    torch.testing.assert_close(found.item(), expected, rtol=1e-4, atol=1e-6)


def test_the_head_that_teaches_learns_nothing():
    conv, sequence = random((6, 3)), random((6, 3))
    for scores in (conv, sequence):
        scores.values.requires_grad_()
    value(SelfDistillation(), conv, sequence).backward()
    assert sequence.values.grad is None
    assert conv.values.grad[..., 1:].any()
    assert not conv.values.grad[..., 0].any()


def test_heads_that_agree_on_the_glosses_have_nothing_to_learn():
    conv, sequence = random((6, 3)), random((6, 3))
    conv.values[..., 1:] = sequence.values[..., 1:]
    assert value(SelfDistillation(), conv, sequence) == 0


def test_padding_weighs_nothing():
    conv, sequence = random((6,)), random((6,))
    long = [Padded(torch.cat([one.values, torch.zeros(1, 94, 4)], dim=1), one.lengths) for one in (conv, sequence)]
    torch.testing.assert_close(value(SelfDistillation(), *long), value(SelfDistillation(), conv, sequence))


def test_scores_of_any_size_stay_finite():
    conv, sequence = random((6,), spread=1e5), random((6,), spread=1e5)
    conv.values.requires_grad_()
    found = value(SelfDistillation(), conv, sequence)
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(conv.values.grad).all()


@pytest.mark.parametrize("shared", [False, True])
def test_it_trains_a_network_below_its_context_as_vac_and_smkd_do(shared: bool):
    context = TransformerContext(8, heads=2, layers=1, dropout=0.0)
    tail = RecogniserTail(6, 4, context=context, width=8, head="normalised", shared_head=shared)
    output = tail(Padded(torch.randn(2, 24, 6), torch.tensor([24, 16])))
    SelfDistillation()(output, None, batch([[1], [2]])).backward()
    assert tail.conv_head.weight.grad.any()
    assert any(weight.grad.any() for weight in tail.temporal_conv.parameters())
    assert all(weight.grad is None for weight in context.parameters())
    assert (tail.head.weight.grad is not None) == shared


def test_other_heads_can_be_read():
    conv, sequence = random((6,)), random((6,))
    loss = SelfDistillation(head="early", sequence_head="late")
    assert loss.student_taps == ("early", "late")
    assert not loss.needs_teacher
    nonsense = conv.map(lambda values: values * math.nan)
    found = loss(NetOutput(nonsense, {"early": conv, "late": sequence}), None, batch([[1]]))
    assert torch.equal(found, value(SelfDistillation(), conv, sequence))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": 0}, "temperature is 0"),
        ({"head": "logits"}, "head and sequence_head are both 'logits'"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        SelfDistillation(**arguments)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_first_class_can_be_one_like_the_others(temperature: float):
    conv, sequence = random((1, 1, 1)), random((1, 1, 1), spread=3.0)
    expected = reference.frame_kl(lists(conv), lists(sequence), temperature, "keep")
    found = value(SelfDistillation(temperature=temperature, blank="keep"), conv, sequence)
    torch.testing.assert_close(found.item(), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="blank is 'maybe'"):
        SelfDistillation(blank="maybe")  # type: ignore[arg-type]
