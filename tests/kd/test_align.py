from __future__ import annotations

import pytest
import torch

from kd.align import align_linear, align_nearest
from slr.types import Padded
from tests.reference import losses as reference


def padded(*lengths: int, width: int = 2, more: int = 0, dtype: torch.dtype = torch.float64) -> Padded:
    values = torch.full((len(lengths), max(lengths) + more, width), torch.nan, dtype=dtype)
    for row, length in enumerate(lengths):
        values[row, :length] = torch.randn(length, width, dtype=dtype)
    return Padded(values, torch.tensor(lengths))


@pytest.mark.parametrize(("source", "target"), [((5, 3, 7), (9, 3, 4)), ((1, 2, 6), (4, 1, 1)), ((8,), (2,))])
def test_linear_alignment_is_interpolation_clip_by_clip(source: tuple[int, ...], target: tuple[int, ...]):
    features, steps = padded(*source, more=2), padded(*target, more=1)
    aligned = align_linear(features, steps)
    assert aligned.values.shape == (len(target), max(target) + 1, 2)
    assert torch.equal(aligned.lengths, steps.lengths)
    for ours, clip, length in zip(aligned.unpad(), features.unpad(), target, strict=True):
        expected = torch.tensor(reference.resampled(clip.tolist(), length), dtype=torch.float64)
        torch.testing.assert_close(ours, expected)


def test_padding_is_not_read_and_is_zero_afterwards():
    aligned = align_linear(padded(5, 3, more=3), padded(4, 2, more=1))
    assert torch.isfinite(aligned.values).all()
    assert not aligned.values[~aligned.mask].any()


def test_equal_lengths_are_returned_untouched():
    features = padded(5, 3)
    assert align_linear(features, padded(5, 3, width=9)) is features
    assert align_nearest(features, padded(5, 3, width=9)) is features


def test_a_clip_that_fits_keeps_its_very_values_beside_one_that_does_not():
    features = padded(7, 5, more=1)
    aligned = align_linear(features, padded(7, 3))
    assert torch.equal(aligned.unpad()[0], features.unpad()[0])


def test_ends_meet_ends():
    features, aligned = padded(7), None
    aligned = align_linear(features, padded(4))
    assert torch.equal(aligned.values[0, [0, -1]], features.values[0, [0, -1]])


def test_a_single_step_lies_in_the_middle():
    source = Padded(torch.tensor([[[0.0], [1.0], [5.0]], [[2.0], [4.0], [99.0]]]), torch.tensor([3, 2]))
    assert align_linear(source, padded(1, 1)).values.flatten().tolist() == [1.0, 3.0]


def test_nearest_takes_steps_as_they_are():
    labels = Padded(torch.tensor([[3, 7, 9, -1], [4, 5, -1, -1]]), torch.tensor([3, 2]))
    aligned = align_nearest(labels, padded(5, 4))
    # Positions of the five steps on three: 0, .5, 1, 1.5, 2; of the four on two: 0, 1/3, 2/3, 1.
    assert aligned.unpad()[0].tolist() == [3, 7, 7, 9, 9]
    assert aligned.unpad()[1].tolist() == [4, 4, 5, 5]


def test_nearest_keeps_trailing_axes_and_a_missing_joint_stays_missing():
    pose = Padded(torch.arange(2 * 6 * 4 * 3).reshape(2, 6, 4, 3), torch.tensor([6, 5]))
    aligned = align_nearest(pose, padded(3, 2))
    assert aligned.values.shape == (2, 3, 4, 3)
    # Halves go to the later step: positions 0, 2.5, 5 of six steps.
    assert torch.equal(aligned.values[0], pose.values[0, [0, 3, 5]])
    assert torch.equal(aligned.values[1, :2], pose.values[1, [0, 4]])


def test_gradients_flow_to_the_valid_steps():
    source = padded(5, 3, more=1)
    source.values.requires_grad_()
    align_linear(source, padded(9, 7)).values.sum().backward()
    gradient = source.values.grad
    assert (gradient[source.mask] > 0).all()
    assert not gradient[~source.mask].any()
    torch.testing.assert_close(gradient.sum(), torch.tensor((9 + 7) * 2, dtype=torch.float64))


def test_nothing_aligned_on_nothing_is_nothing():
    empty = Padded(torch.zeros(2, 0, 3), torch.tensor([0, 0]))
    assert align_linear(padded(3, 2, width=3), Padded(torch.zeros(2, 4, 1), torch.tensor([0, 0]))).values.shape == (
        2,
        4,
        3,
    )
    assert align_linear(empty, Padded(torch.zeros(2, 4, 1), torch.tensor([0, 0]))).values.shape == (2, 4, 3)


def test_a_clip_without_source_steps_is_an_error():
    with pytest.raises(ValueError, match="row 1 of the batch has no step"):
        align_linear(Padded(torch.zeros(2, 3, 1), torch.tensor([3, 0])), padded(2, 2))
