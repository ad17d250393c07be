from __future__ import annotations

import pytest
import torch
from torch import Tensor

from students import time_convolution as module
from students.time_convolution import convolve_time
from students.time_frequencies import Spans

# Kernels, stride, dilation.
CASES = [((1,), 1, 1), ((3,), 1, 2), ((3,), 2, 1), ((5, 7), 1, 1), ((7, 3, 5), 2, 1), ((3, 5), 3, 2)]


def example(kernels: tuple[int, ...], steps: int = 6) -> tuple[Tensor, list[Tensor], Tensor]:
    """Two clips of three joints with two features; two, three ... features from the kernels."""
    torch.manual_seed(0)
    weights = [torch.randn(2 + number, 2, kernel, 1).double() for number, kernel in enumerate(kernels)]
    return torch.randn(2, steps, 3, 2).double(), weights, torch.randn(sum(len(weight) for weight in weights)).double()


def by_hand(clips: Tensor, weights: list[Tensor], bias: Tensor, stride: int, dilation: int) -> Tensor:
    found = []
    for weight in weights:
        for row in weight[..., 0]:  # [C, K]
            taken = torch.zeros(2, -(-clips.shape[1] // stride), 3).double()
            for step in range(taken.shape[1]):
                for tap in range(row.shape[1]):
                    source = stride * step + dilation * (tap - row.shape[1] // 2)
                    if 0 <= source < clips.shape[1]:
                        taken[:, step] += clips[:, source] @ row[:, tap]
            found.append(taken + bias[len(found)])
    return torch.stack(found, dim=-1)


@pytest.mark.parametrize(("kernels", "stride", "dilation"), CASES)
@pytest.mark.parametrize("steps", [6, 2, 1])
def test_it_is_the_sum_over_taps(kernels: tuple[int, ...], stride: int, dilation: int, steps: int) -> None:
    clips, weights, bias = example(kernels, steps)
    expected = by_hand(clips, weights, bias, stride, dilation)
    torch.testing.assert_close(convolve_time(clips, weights, bias, stride, dilation), expected)
    learned = [weight.requires_grad_() for weight in weights]
    torch.testing.assert_close(convolve_time(clips, learned, bias, stride, dilation), expected)


@pytest.mark.parametrize(("kernels", "stride", "dilation"), CASES)
@pytest.mark.parametrize("steps", [4, 1])
def test_gradients_are_those_of_the_sum(kernels: tuple[int, ...], stride: int, dilation: int, steps: int) -> None:
    clips, weights, bias = example(kernels, steps)
    parts = [part.requires_grad_() for part in (clips, bias, *weights)]
    assert torch.autograd.gradcheck(
        lambda clips, bias, *weights: convolve_time(clips, weights, bias, stride, dilation), parts
    )


def wide() -> tuple[Tensor, list[Tensor]]:
    """Two clips and two kernels, for which frequencies pay."""
    torch.manual_seed(0)
    weights = [(torch.randn(64, 128, kernel, 1) / 32).requires_grad_() for kernel in (5, 9)]
    assert Spans(40, 9, 1).pay(128, 128)
    assert Spans(40, 9, 2).pay(128, 128)
    return torch.randn(2, 40, 2, 128), weights


@pytest.mark.parametrize("stride", [1, 2])
def test_long_kernels_between_many_features_learn_by_frequencies(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clips, weights = wide()
    expected = module._convolved(clips, weights, stride, 1)
    gradients = torch.autograd.grad(expected.square().sum(), weights)
    monkeypatch.setattr(module, "_convolved", None)
    found = convolve_time(clips, weights, stride=stride)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    for ours, torchs in zip(torch.autograd.grad(found.square().sum(), weights), gradients, strict=True):
        assert (ours - torchs).abs().max() < 1e-5 * torchs.abs().max()


def test_everything_else_is_a_convolution_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FrequencyProducts", None)
    clips, weights = wide()
    assert convolve_time(clips, [weight.detach() for weight in weights]).grad_fn is None
    assert convolve_time(clips, weights, dilation=2).requires_grad
    assert convolve_time(clips.to("meta"), [weight.detach().to("meta").requires_grad_() for weight in weights]).is_meta
    with torch.no_grad():
        assert convolve_time(clips, weights).grad_fn is None
    with torch.autocast("cpu", torch.bfloat16):
        half = convolve_time(clips, weights)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), module._convolved(clips, weights, 1, 1), rtol=0.1, atol=0.1)
