"""The last joint, added to the others by shares."""

from __future__ import annotations

import pytest
import torch

from students.shared_mean import share_last_joint


@pytest.mark.parametrize("learns", [False, True])
def test_every_joint_takes_its_share(learns: bool) -> None:
    x = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]]], requires_grad=learns)
    share = torch.tensor([0.5, -1.0], requires_grad=learns)
    assert share_last_joint(x, share).tolist() == [[[6, 12], [-7, -16]]]


@pytest.mark.parametrize("frames", [0, 3])
def test_gradients_are_those_of_the_formula(frames: int) -> None:
    x = torch.randn(frames, 4, 2, dtype=torch.float64, requires_grad=True)
    share = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(share_last_joint, (x, share))
