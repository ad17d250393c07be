from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from kd.losses import CrossEntropy, Focal
from kd.objective import Objective, Term
from slr.types import NetOutput, Padded
from tests.kd.losses.classes import labels, scores, some
from tests.reference import classes as reference


@pytest.mark.parametrize("focus", ["label", "every"])
@pytest.mark.parametrize(("gamma", "alpha", "smoothing"), [(2.0, 1.0, 0.1), (0.5, 0.25, 0.3), (0.0, 1.0, 0.0)])
def test_it_is_the_formula_class_by_class(focus: Any, gamma: float, alpha: float, smoothing: float) -> None:
    given = some()
    found = given.loss(Focal(gamma, alpha, smoothing, focus))
    wanted = reference.focal(scores(given), labels(given), gamma, alpha, smoothing, of_every_class=focus == "every")
    assert found.item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("focus", ["label", "every"])
def test_without_gamma_it_is_cross_entropy(focus: Any) -> None:
    given = some()
    torch.testing.assert_close(given.loss(Focal(0, focus=focus)), given.loss(CrossEntropy(label_smoothing=0.1)))


def sure_clip(lead: float) -> tuple[Padded, Any]:
    values = torch.zeros(1, 1, 5)
    values[0, 0, 1] = lead
    given = some(1)
    return Padded(values.requires_grad_(), torch.ones(1, dtype=torch.int64)), replace(
        given.batch, labels=torch.tensor([1])
    )


def test_smoothed_classes_keep_their_weight_only_where_each_class_has_its_own() -> None:
    scored, batch = sure_clip(6.0)
    of_label = Focal(label_smoothing=0.1)(NetOutput(scored), None, batch)
    of_every = Focal(label_smoothing=0.1, focus="every")(NetOutput(scored), None, batch)
    assert of_label < 1e-3
    assert of_every > 0.4


@pytest.mark.parametrize("focus", ["label", "every"])
@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("lead", [30.0, 1e4, -1e4])
def test_its_gradient_is_finite_however_sure_the_network_is(focus: Any, gamma: float, lead: float) -> None:
    scored, batch = sure_clip(lead)
    Focal(gamma, focus=focus)(NetOutput(scored), None, batch).backward()
    assert scored.values.grad is not None
    assert bool(scored.values.grad.isfinite().all())


def test_the_curriculum_begins_with_cross_entropy_and_ends_with_gamma() -> None:
    given, loss = some(), Focal(2.0, curriculum_epochs=4)
    objective = Objective({"focal": Term(loss)})
    for epoch, gamma in [(0, 0.0), (1, 0.5), (3, 1.5), (4, 2.0), (9, 2.0), (2, 1.0)]:
        objective.set_epoch(epoch)
        torch.testing.assert_close(given.loss(loss), given.loss(Focal(gamma)))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"gamma": -1}, "gamma is -1"),
        ({"alpha": 0}, "alpha greater than 0"),
        ({"label_smoothing": 1.1}, "between 0 and 1"),
        ({"focus": "target"}, "none of label, every"),
        ({"curriculum_epochs": -1}, "counts epochs"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Focal(**arguments)
