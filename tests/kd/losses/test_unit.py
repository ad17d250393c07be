from __future__ import annotations

import torch
import torch.nn.functional as F

from kd.losses.unit import unit


def test_values_and_gradients_are_those_of_torch():
    vectors = torch.randn(2, 7, 5, dtype=torch.float64, requires_grad=True)
    pull = torch.randn(2, 7, 5, dtype=torch.float64)
    torch.testing.assert_close(unit(vectors), F.normalize(vectors, dim=-1))
    found, expected = (
        torch.autograd.grad((f * pull).sum(), vectors)[0] for f in (unit(vectors), F.normalize(vectors, dim=-1))
    )
    torch.testing.assert_close(found, expected)
    assert torch.autograd.gradcheck(unit, (vectors,))


def test_a_vector_of_zeros_stays_one_and_has_a_finite_gradient():
    vectors = torch.zeros(3, 4, requires_grad=True)
    unit(vectors).sum().backward()
    assert not unit(vectors).any()
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


def test_no_vectors_have_no_units():
    vectors = torch.zeros(0, 4, requires_grad=True)
    unit(vectors).sum().backward()
    assert unit(vectors).shape == (0, 4)
