from __future__ import annotations

import math

import pytest
import torch

from kd.losses import Complementary
from slr.types import Batch, NetOutput, Padded


def two_views(first: list[list[list[float]]], second: list[list[list[float]]]) -> tuple[NetOutput, Batch]:
    def sequences(clips: list[list[list[float]]]) -> Padded:
        return Padded.from_list([torch.tensor(clip, requires_grad=True) for clip in clips])

    output = NetOutput(sequences(first), {"view_logits": sequences(second)})
    glosses = Padded(torch.ones(len(first), 1, dtype=torch.int64), torch.ones(len(first), dtype=torch.int64))
    return output, Batch(tuple(f"clip-{row}" for row in range(len(first))), glosses, glosses)


def posteriors(scores: list[float]) -> list[float]:
    total = sum(math.exp(score) for score in scores)
    return [math.exp(score) / total for score in scores]


def test_it_is_half_the_sum_of_both_divergences_averaged_over_steps() -> None:
    first = [[[0.0, 1.0, -1.0], [2.0, 0.5, 0.0]], [[-0.5, 0.0, 3.0]]]
    second = [[[1.0, 0.0, 0.5], [2.0, 0.0, -1.0]], [[0.0, 0.0, 0.0]]]
    steps = []
    for clip, view in zip(first, second, strict=True):
        for one, other in zip(clip, view, strict=True):
            p, q = posteriors(one), posteriors(other)
            there = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
            back = sum(b * math.log(b / a) for a, b in zip(p, q, strict=True))
            steps.append((there + back) / 2)
    student, batch = two_views(first, second)
    assert Complementary()(student, None, batch).item() == pytest.approx(sum(steps) / 3, rel=1e-5)


def test_views_that_are_read_alike_cost_nothing_and_may_change_places() -> None:
    first, second = [[[0.3, 2.0, -1.0]]], [[[1.0, -2.0, 0.0]]]
    student, batch = two_views(first, first)
    assert Complementary()(student, None, batch).item() == 0
    there, back = (Complementary()(two_views(*pair)[0], None, batch) for pair in ((first, second), (second, first)))
    torch.testing.assert_close(there, back)
    assert there > 0


def test_both_views_are_pulled() -> None:
    student, batch = two_views([[[0.3, 2.0, -1.0]]], [[[1.0, -2.0, 0.0]]])
    heads = [student.logits.values, student.taps["view_logits"].values]
    for head in heads:
        head.retain_grad()
    Complementary()(student, None, batch).backward()
    assert all(head.grad is not None and head.grad.any() for head in heads)


def test_views_of_other_classes_are_refused() -> None:
    student, batch = two_views([[[0.0, 1.0]]], [[[0.0, 1.0, 2.0]]])
    with pytest.raises(ValueError, match=r"'logits' is \[1, 1, 2\] and 'view_logits' is \[1, 1, 3\]"):
        Complementary()(student, None, batch)
