from __future__ import annotations

import torch
from torch import nn

from slr.layers import MaskedBatchNorm, RMSNorm, gather_valid, scatter_valid
from tests.reference import layers
from tests.slr.layers.clips import random_clips, with_rubbish


def test_gathered_steps_are_the_real_ones_and_go_back_to_their_places() -> None:
    clips = random_clips([3, 1, 2], 4)
    padded = with_rubbish(clips, extra=2)
    rows = gather_valid(padded)
    assert torch.equal(rows, torch.cat(clips))
    back = scatter_valid(rows, padded)
    assert torch.equal(back.values, padded.zeroed().values)
    assert all(torch.equal(one, other) for one, other in zip(back.unpad(), clips, strict=True))


def test_normalisation_equals_the_loop_over_steps() -> None:
    clips = random_clips([3, 5, 1], 2)
    norm = MaskedBatchNorm(2).double()
    nn.init.normal_(norm.norm.weight)
    nn.init.normal_(norm.norm.bias)
    expected = layers.batch_norm(clips, norm.norm.weight, norm.norm.bias, norm.norm.eps)
    for got, wanted in zip(norm(with_rubbish(clips)).unpad(), expected, strict=True):
        torch.testing.assert_close(got, wanted)


def test_it_equals_torchs_batch_norm_on_the_real_steps_in_output_gradient_and_statistics() -> None:
    clips = random_clips([4, 7, 2], 3)
    ours, theirs = MaskedBatchNorm(3).double(), nn.BatchNorm1d(3).double()
    padded = with_rubbish(clips, extra=1)
    flat = torch.cat(clips).requires_grad_()
    padded.values.requires_grad_()
    weights = torch.randn(13, 3, dtype=torch.float64)
    out = ours(padded)
    (out.valid() * weights).sum().backward()
    (theirs(flat) * weights).sum().backward()
    torch.testing.assert_close(out.valid(), theirs(flat))
    torch.testing.assert_close(padded.values.grad[padded.mask], flat.grad)
    assert torch.equal(padded.values.grad[~padded.mask], torch.zeros_like(padded.values.grad[~padded.mask]))
    theirs_once = nn.BatchNorm1d(3).double()
    theirs_once(torch.cat(clips))
    torch.testing.assert_close(ours.norm.running_mean, theirs_once.running_mean)
    torch.testing.assert_close(ours.norm.running_var, theirs_once.running_var)


def test_padding_comes_out_as_zero_even_where_it_was_nan() -> None:
    norm = MaskedBatchNorm(2).double()
    nn.init.ones_(norm.norm.bias)
    for training in (True, False):
        out = norm.train(training)(with_rubbish(random_clips([1, 4], 2), extra=1))
        assert torch.equal(out.values[~out.mask], torch.zeros(5, 2, dtype=torch.float64))


def test_every_joint_of_a_step_is_a_sample() -> None:
    clips = random_clips([2, 3], 4, 3)
    norm = MaskedBatchNorm(3).double()
    out = norm(with_rubbish(clips))
    expected = nn.BatchNorm1d(3).double()(torch.cat(clips).reshape(20, 3)).view(5, 4, 3)
    torch.testing.assert_close(out.valid(), expected)


def test_one_step_alone_is_normalised_by_the_running_statistics_which_stay() -> None:
    norm = MaskedBatchNorm(2).double()
    norm.norm.running_mean.fill_(1.0)
    norm.norm.running_var.fill_(4.0)
    out = norm(with_rubbish([torch.tensor([[3.0, 5.0]], dtype=torch.float64)]))
    torch.testing.assert_close(out.values, torch.tensor([[[1.0, 2.0]]], dtype=torch.float64), atol=1e-4, rtol=0)
    assert norm.norm.running_mean.tolist() == [1.0, 1.0]
    assert norm.norm.running_var.tolist() == [4.0, 4.0]


def test_the_norm_of_transformers_is_its_formula_and_keeps_the_precision_of_what_it_is_given() -> None:
    norm = RMSNorm(6, eps=1e-3)
    nn.init.normal_(norm.weight)
    x = torch.randn(4, 5, 6)
    wanted = x / (x.square().mean(-1, keepdim=True) + 1e-3).sqrt() * norm.weight
    torch.testing.assert_close(norm(x), wanted)
    assert norm(x.bfloat16()).dtype == torch.bfloat16  # warnings of torch are errors here
    torch.testing.assert_close(norm(x.bfloat16()).float(), wanted, rtol=0.03, atol=0.03)
