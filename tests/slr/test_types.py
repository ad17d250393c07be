from __future__ import annotations

from unittest import mock

import pytest
import torch

from slr.types import Padded, moved


@pytest.mark.parametrize(("device", "goes_on"), [("cpu", False), (torch.device("cpu"), False), ("cuda:0", True)])
def test_what_goes_to_memory_is_waited_for(device: str | torch.device, goes_on: bool) -> None:
    """A copy from a GPU that nobody waits for is read before it is there: zeros, or what lay there before."""
    values = mock.Mock()
    assert moved(values, device) is values.to.return_value
    values.to.assert_called_once_with(device, non_blocking=goes_on)


def test_a_sequence_that_stays_where_it_is_stays_what_it_is() -> None:
    sequence = Padded(torch.ones(2, 3, 1), torch.tensor([3, 2])).to("cpu")
    assert torch.equal(sequence.values, torch.ones(2, 3, 1))
    assert sequence.lengths.tolist() == [3, 2]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_what_comes_from_a_gpu_is_what_was_there() -> None:
    values = torch.arange(10_000_000, device="cuda").reshape(2, -1)
    for _ in range(20):
        came = Padded(values * 1, torch.tensor([5_000_000, 7], device="cuda")).to("cpu")
        assert came.values[1, -1] == 9_999_999


def test_the_mean_is_that_of_the_real_steps():
    values = torch.arange(24, dtype=torch.float32).reshape(2, 4, 3)
    values[1, 2:] = float("nan")  # padding
    mean = Padded(values, torch.tensor([4, 2])).mean()
    for row, length in ((0, 4), (1, 2)):
        for feature in range(3):
            slow = sum(float(values[row, step, feature]) for step in range(length)) / length
            assert float(mean[row, feature]) == pytest.approx(slow)
    joints = Padded(values[..., None].expand(-1, -1, -1, 5), torch.tensor([4, 2])).mean()
    assert torch.equal(joints, mean[..., None].expand(-1, -1, 5))


def test_the_mean_of_no_step_is_zero_whatever_the_padding():
    values = torch.tensor([[[1.0], [3.0]], [[5.0], [torch.nan]], [[torch.inf], [torch.nan]]])
    assert Padded(values, torch.tensor([2, 1, 0])).mean().tolist() == [[2.0], [5.0], [0.0]]


def test_a_mean_in_half_precision_is_summed_in_more():
    values = torch.full((1, 4096, 1), 1.0, dtype=torch.bfloat16)  # a sum in bfloat16 would stop at 256
    assert float(Padded(values, torch.tensor([4096])).mean()) == 1
