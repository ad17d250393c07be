from __future__ import annotations

import pytest
import torch
from torch import nn

from slr.layers import STCAttention
from tests.reference import layers as reference
from tests.slr.layers.clips import random_clips, with_rubbish


def grown(width: int, joints: int, kernel: int = 9) -> STCAttention:
    module = STCAttention(width, joints, kernel).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


@pytest.mark.parametrize(("joints", "kernel"), [(5, 9), (4, 3), (1, 1)])
def test_it_equals_the_three_gates_one_after_the_other(joints: int, kernel: int) -> None:
    module, clips = grown(6, joints, kernel), random_clips([7, 1, 4], joints, 6)
    got = module(with_rubbish(clips, extra=3))
    for ours, clip in zip(got.unpad(), clips, strict=True):
        torch.testing.assert_close(ours, reference.stc_attention(clip, module))
    assert not got.values[~got.mask].any()


def test_a_new_module_gates_steps_and_channels_alike() -> None:
    module, clips = STCAttention(4, 3).double(), random_clips([5], 3, 4)
    per_joint = module(with_rubbish(clips)).values[0] / clips[0]
    torch.testing.assert_close(per_joint, per_joint[:1, :, :1].expand_as(per_joint))


def test_gradients_are_those_of_the_formula() -> None:
    module = grown(4, 3, 3)
    stream = with_rubbish(random_clips([5, 2], 3, 4)).zeroed()
    values = stream.values.requires_grad_()
    assert torch.autograd.gradcheck(lambda given: module(type(stream)(given, stream.lengths)).values, (values,))


def test_a_clip_of_zeros_has_finite_gradients() -> None:
    module = grown(4, 3)
    stream = with_rubbish([torch.zeros(5, 3, 4).double()]).zeroed()
    module(stream).values.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel 2 is even"):
        STCAttention(4, 3, 2)
