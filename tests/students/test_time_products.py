from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from students import time_products as module
from students.time_products import convolve_time

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


def test_clips_that_need_no_gradient_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_of_clips", None)  # not to be called for the keypoints themselves
    clips, weights, _ = example((3, 5))
    convolve_time(clips, [weight.requires_grad_() for weight in weights]).sum().backward()
    assert clips.grad is None
    assert all(weight.grad is not None for weight in weights)


def test_a_gradient_that_lies_in_another_order_is_read_as_well() -> None:
    clips, weights, _ = example((3, 5))
    learned = [nn.Parameter(weight) for weight in weights]
    torch.stack([*convolve_time(clips, learned).unbind(-1)]).square().sum().backward()
    plain = [nn.Parameter(weight) for weight in weights]
    module._convolved(clips, plain, 1, 1).square().sum().backward()
    for ours, torchs in zip(learned, plain, strict=True):
        torch.testing.assert_close(ours.grad, torchs.grad)


def test_half_precision_is_close() -> None:
    clips, weights, _ = example((3, 5))
    whole = [weight.float().requires_grad_() for weight in weights]
    expected = convolve_time(clips.float(), whole)
    with torch.autocast("cpu", torch.bfloat16):
        half = convolve_time(clips.float(), whole)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, rtol=0.1, atol=0.1)
