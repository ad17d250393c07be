from __future__ import annotations

import pytest
import torch

from kd.losses import FitNet
from tests.losses import STUDENT_WIDTH, TEACHER_WIDTH, example, published
from tests.reference import losses as reference_losses
from tests.reference import relations as reference


def fitnet() -> FitNet:
    torch.manual_seed(1)
    return FitNet(student_width=STUDENT_WIDTH, teacher_width=TEACHER_WIDTH)


@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 2)])
def test_it_is_the_error_of_the_regressed_features_of_the_loop(teacher_steps: tuple[int, ...] | None):
    given, loss = example(teacher_steps=teacher_steps), fitnet()
    weight, bias = loss.regressor.weight.tolist(), loss.regressor.bias.tolist()
    ours, theirs = reference.sets_of(*given.features("conv"), over="batch")[0]
    expected = reference.hint([reference_losses.linear(step, weight, bias) for step in ours], theirs)
    torch.testing.assert_close(given.loss(loss).item(), expected, rtol=1e-4, atol=1e-6)


def test_every_step_of_the_batch_weighs_alike():
    given, loss = published([[[1], [2]], [[0]]], [[[3, 0], [4, 0]], [[1, 2]]]), FitNet(1, 2)
    with torch.no_grad():
        loss.regressor.weight.copy_(torch.tensor([[2.0], [0.0]]))
        loss.regressor.bias.copy_(torch.tensor([1.0, 0.0]))
    # Regressed to (3, 0), (5, 0) and (1, 0): errors of 0, 1 and 4, over two features.
    torch.testing.assert_close(given.loss(loss).item(), (0 + 1 + 4) / 2 / 3)


def test_the_regressor_reaches_a_teacher_that_is_a_linear_view_of_the_student():
    given = example()
    view = torch.randn(STUDENT_WIDTH, TEACHER_WIDTH)
    given.teacher.taps["conv"] = given.student.taps["conv"].detach().map(lambda values: values @ view + 1)
    loss = fitnet()
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        given.loss(loss).backward()
        optimiser.step()
    assert given.loss(loss) < 1e-2


def test_it_names_the_taps_whose_widths_it_wants():
    assert FitNet.wanted_widths({"teacher_tap": "frame"}) == {"student_width": "conv", "teacher_width": "frame"}
    loss = FitNet(student_width=3, teacher_width=4, tap="frame", teacher_tap="context")
    assert (loss.student_taps, loss.teacher_taps) == (("frame",), ("context",))
    assert loss.regressor.weight.shape == (4, 3)
