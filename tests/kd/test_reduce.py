from __future__ import annotations

import torch

from kd.reduce import (
    masked_mean,
    mean_of_row_means,
    mean_over_clips,
    mean_over_steps,
    row_means,
    weighted_mean,
)


def test_the_masked_mean_counts_the_steps_of_the_whole_batch():
    values = torch.tensor([[1.0, 2.0, 3.0], [10.0, 99.0, 99.0]])
    mask = torch.tensor([[True, True, True], [True, False, False]])
    assert masked_mean(values, mask) == (1 + 2 + 3 + 10) / 4


def test_what_is_masked_may_be_anything():
    values = torch.tensor([[1.0, torch.nan], [torch.inf, 3.0]], requires_grad=True)
    mean = masked_mean(values, torch.tensor([[True, False], [False, True]]))
    mean.backward()
    assert mean.item() == 2
    assert values.grad.tolist() == [[0.5, 0], [0, 0.5]]


def test_the_mean_of_nothing_is_zero_with_a_gradient_of_zeros():
    values = torch.full((2, 3), torch.nan, requires_grad=True)
    mean = masked_mean(values, torch.zeros(2, 3, dtype=torch.bool))
    mean.backward()
    assert mean.item() == 0
    assert not values.grad.any()


def test_the_weighted_mean_divides_by_the_sum_of_weights():
    values = torch.tensor([1.0, 2.0, torch.nan])
    assert weighted_mean(values, torch.tensor([3.0, 1.0, 0.0])) == (3 * 1 + 1 * 2) / 4


def test_tiny_weights_weigh_like_large_ones():
    values = torch.tensor([1.0, 2.0])
    torch.testing.assert_close(weighted_mean(values, torch.tensor([3e-20, 1e-20])), torch.tensor(1.25))


def test_the_weighted_mean_without_weight_is_zero_with_a_gradient_of_zeros():
    values = torch.tensor([1.0, torch.nan], requires_grad=True)
    mean = weighted_mean(values, torch.zeros(2))
    mean.backward()
    assert mean.item() == 0
    assert not values.grad.any()


def test_means_over_lists_count_their_elements():
    assert mean_over_clips(torch.tensor([1.0, 5.0])) == 3
    assert mean_over_steps(torch.tensor([1.0, 2.0, 6.0])) == 3
    assert mean_over_clips(torch.empty(0)) == 0
    assert mean_over_steps(torch.empty(0)) == 0


def test_the_mean_of_row_means_weighs_rows_alike_and_leaves_out_empty_ones():
    values = torch.tensor([[1.0, 2.0, 3.0], [10.0, torch.nan, torch.inf], [torch.nan, torch.nan, torch.nan]])
    mask = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])
    assert row_means(values, mask).tolist() == [2, 10, 0]
    assert mean_of_row_means(values, mask) == (2 + 10) / 2


def test_a_row_may_have_several_axes_and_none_of_them_an_element():
    values = torch.arange(8.0).reshape(2, 2, 2)
    assert mean_of_row_means(values, values < 6) == ((0 + 1 + 2 + 3) / 4 + (4 + 5) / 2) / 2
    empty = torch.zeros(2, 0, 0, requires_grad=True)
    mean = mean_of_row_means(empty, torch.zeros(2, 0, 0, dtype=torch.bool))
    mean.backward()
    assert mean.item() == 0
