"""Clips that no camera gives: nothing but zeros, one frame, numbers of extreme size; in single precision."""

from __future__ import annotations

import pytest
import torch

import students
from slr.types import Padded
from tests import nets

CASES = [case for name in students.__all__ for case in nets.ROWS[name]]


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e4, 1e8])
@pytest.mark.parametrize("case", CASES, ids=[case.label for case in CASES])
def test_scores_and_gradients_are_finite(case: nets.Case, scale: float) -> None:
    for training in (True, False):
        for frames, lengths in ((9, (9, 4)), (1, (1, 1)), (1, (1,))):
            torch.manual_seed(0)
            net = case.build().train(training)
            clips = scale * torch.randn(len(lengths), frames, *case.step_shape)
            output = net(Padded(clips, torch.tensor(lengths)))
            for name, part in {"logits": output.logits, **output.taps}.items():
                assert part.valid().isfinite().all(), name
            output.logits.valid().log_softmax(-1)[..., 0].sum().backward()
            for name, parameter in net.named_parameters():
                assert parameter.grad is None or parameter.grad.isfinite().all(), name
            for name, buffer in net.named_buffers():
                assert not buffer.is_floating_point() or buffer.isfinite().all(), name
