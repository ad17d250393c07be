"""Convolutions at the frequencies of spans: against the sum over taps, one after the other."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from students.time_frequencies import LONGEST, FrequencyProducts, Spans, transforms

# Steps of a clip: of one span and of several, of equal spans and with a shorter last one, shorter than the kernel.
STEPS = [1, 2, 5, 12, LONGEST, LONGEST + 1, 3 * LONGEST - 1]


def by_hand(clips: Tensor, weight: Tensor, stride: int) -> Tensor:
    """``y[t] = sum_k W[:, :, k] x[stride t + k - K // 2]`` with zeros beyond the ends."""
    steps, kernel = clips.shape[1], weight.shape[2]
    results = torch.zeros(len(clips), -(-steps // stride), clips.shape[2], len(weight)).to(clips)
    for step, tap in itertools.product(range(results.shape[1]), range(kernel)):
        source = stride * step + tap - kernel // 2
        if 0 <= source < steps:
            results[:, step] += clips[:, source] @ weight[:, :, tap].T
    return results


def example(steps: int, kernel: int) -> tuple[Tensor, Tensor]:
    """Two clips of two joints with three features, and weights to two."""
    torch.manual_seed(0)
    return torch.randn(2, steps, 2, 3).double(), torch.randn(2, 3, kernel).double()


@pytest.mark.parametrize(("results", "taps"), [(1, 1), (1, 2), (2, 1), (3, 2), (4, 3), (5, 9), (32, 9)])
def test_the_transforms_of_a_span(results: int, taps: int) -> None:
    forth, of_taps, back = transforms(results, taps, torch.float64)
    steps, weights = torch.randn(results + taps - 1).double(), torch.randn(taps).double()
    expected = torch.stack([(weights * steps[first : first + taps]).sum() for first in range(results)])
    torch.testing.assert_close(back @ ((forth @ steps) * (of_taps @ weights)), expected)


@pytest.mark.parametrize(("steps", "products"), [(1, 1), (2, 2), (3, 1 + 3), (4, 2 + 3), (40, 2 + 3 * 19)])
def test_a_frequency_takes_three_products_and_those_without_imaginary_part_one(steps: int, products: int) -> None:
    assert len(transforms(steps, 1, torch.float32).forth) == products


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 3, 7, 9])
@pytest.mark.parametrize("steps", STEPS)
def test_it_is_the_sum_over_taps(steps: int, kernel: int, stride: int) -> None:
    clips, weight = example(steps, kernel)
    torch.testing.assert_close(FrequencyProducts.apply(clips, weight, stride), by_hand(clips, weight, stride))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("steps", [1, 4, LONGEST + 1])
def test_gradients_are_those_of_the_sum(steps: int, stride: int) -> None:
    clips, weight = (part.requires_grad_() for part in example(steps, 5))
    assert torch.autograd.gradcheck(lambda *parts: FrequencyProducts.apply(*parts, stride), (clips, weight))


def test_clips_and_gradients_may_lie_in_any_order() -> None:
    clips, weight = example(7, 3)
    turned = clips.transpose(1, 3).contiguous().transpose(1, 3).requires_grad_()
    learned = weight.clone().requires_grad_()
    torch.stack([*FrequencyProducts.apply(turned, learned, 1).unbind(1)]).square().sum().backward()
    clips.requires_grad_()
    weight.requires_grad_()
    by_hand(clips, weight, 1).square().sum().backward()
    torch.testing.assert_close(turned.grad, clips.grad)
    torch.testing.assert_close(learned.grad, weight.grad)


def test_clips_that_need_no_gradient_get_none() -> None:
    clips, weight = example(7, 3)
    FrequencyProducts.apply(clips, weight.requires_grad_(), 1).sum().backward()
    assert clips.grad is None
    assert weight.grad is not None


@pytest.mark.parametrize(("steps", "kernel", "stride"), [(64, 9, 1), (65, 9, 2), (5, 9, 2), (33, 5, 3), (2, 3, 2)])
def test_spans_read_all_that_their_results_need(steps: int, kernel: int, stride: int) -> None:
    spans = Spans(steps, kernel, stride)
    assert spans.products == len(spans.transforms(torch.float32).forth)
    assert [result for made in spans.made() for result in range(spans.results)[made]] == list(range(spans.results))
    for phase in range(stride):
        for made, (read, window) in zip(spans.made(), spans.read(phase), strict=True):
            places = range(spans.length + spans.taps - 1)[window]
            assert [stride * (made.start + place) + phase - kernel // 2 for place in places] == list(range(steps)[read])
            needed = {
                stride * result + tap - kernel // 2
                for result in range(spans.results)[made]
                for tap in range(phase, kernel, stride)
            }
            assert needed & set(range(steps)) <= set(range(steps)[read])


def test_it_is_for_long_kernels_between_many_features() -> None:
    assert Spans(64, 9, 1).pay(64, 64)
    assert Spans(64, 9, 2).pay(64, 128)
    assert Spans(64, 7, 1).pay(256, 256)
    assert not Spans(64, 9, 1).pay(16, 16)
    assert not Spans(64, 3, 1).pay(64, 64)
    assert not Spans(1, 9, 1).pay(256, 256)  # eight of nine taps read beyond the ends
    assert not Spans(4, 9, 1).pay(256, 256)
    assert not Spans(0, 9, 1).pay(256, 256)
