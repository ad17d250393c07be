from __future__ import annotations

import pytest
import torch

from kd.losses.relations import cosines, directions, distinct_pairs, inner_products, sets, squared_distances
from slr.types import Padded
from tests.losses import published
from tests.reference import relations as reference


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
def test_sets_are_those_of_the_loop(over: str):
    given = published([[[1], [2], [3]], [[4]], [[5], [6]]], [[[1, 0], [3, 0]], [[5, 1]], [[7, 2], [8, 2], [9, 2]]])
    found = sets(given.student.read("conv"), given.teacher.read("conv"), over)
    expected = reference.sets_of(*given.features("conv"), over=over)
    for side, padded in enumerate(found):
        assert [clip.tolist() for clip in padded.unpad()] == [list(map(list, pair[side])) for pair in expected]


def test_clips_without_steps_are_left_out():
    given = published([[[1]], [], [[3]]], [[[1]], [], [[2]]])
    ours, theirs = sets(given.student.read("conv"), given.teacher.read("conv"), "clips")
    assert ours.values.tolist() == [[[1], [3]]]
    assert theirs.values.tolist() == [[[1], [2]]]
    assert ours.lengths.tolist() == theirs.lengths.tolist() == [2]


def test_padding_is_zero_in_every_set():
    spoiled = Padded(torch.tensor([[[1.0], [2.0]], [[3.0], [torch.nan]]]), torch.tensor([2, 1]))
    for over in ("steps", "clips", "batch"):
        for padded in sets(spoiled, spoiled, over):
            assert torch.isfinite(padded.values).all()


def test_pairs_are_of_two_different_real_elements():
    pairs = distinct_pairs(torch.tensor([[True, True, True], [True, True, False]]))
    assert [tuple(pair) for pair in pairs[1].nonzero().tolist()] == [(0, 1), (1, 0)]
    assert pairs[0].sum() == 6
    assert not pairs.diagonal(dim1=1, dim2=2).any()


def test_directions_have_unit_length_and_a_vector_of_zeros_has_none():
    vectors = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e-6, 0.0]], requires_grad=True)
    unit = directions(vectors)
    unit.sum().backward()
    torch.testing.assert_close(unit, torch.tensor([[0.6, 0.8], [0, 0], [1, 0]]))
    torch.testing.assert_close(vectors.grad[0], torch.tensor([0.032, -0.024]))  # ((1, 1) - 1.4 (0.6, 0.8)) / 5
    assert not vectors.grad[1].any()


def test_cosines_are_those_of_the_loop():
    vectors = torch.randn(4, 3)
    vectors[2] = 0
    expected = [[reference.cosine(one, other) for other in vectors.tolist()] for one in vectors.tolist()]
    torch.testing.assert_close(cosines(vectors), torch.tensor(expected), rtol=1e-4, atol=1e-6)


def test_squared_distances_are_those_of_the_loop_however_far_from_zero():
    vectors = torch.tensor([[1000.0, 2.0], [1000.25, 2.0], [1000.0, 2.5]])
    expected = [
        [reference.norm(reference.minus(one, other)) ** 2 for other in vectors.tolist()] for one in vectors.tolist()
    ]
    found = squared_distances(inner_products(vectors[None]))[0]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=0)


def test_vectors_that_differ_by_rounding_are_the_same_and_pull_at_nothing():
    vectors = torch.randn(1, 6, 50).expand(3, 6, 50) * (1 + 1e-7 * torch.randn(3, 6, 50))
    vectors = vectors.transpose(0, 1).contiguous().requires_grad_()  # six sets of three copies
    squares = squared_distances(inner_products(vectors))
    squares.sum().backward()
    assert not squares.any()
    assert not vectors.grad.any()
