from __future__ import annotations

from typing import Any

import pytest
import torch

from kd.losses import PairwiseMargin
from tests.kd.losses.classes import labels, scores, some
from tests.reference import classes as reference

EVERY = [(a, b) for a in range(5) for b in range(a)]


@pytest.mark.parametrize(("margin", "scale"), [(0.3, 1.0), (5.0, 2.0)])
@pytest.mark.parametrize("pairs", [[(0, 1)], [(2, 0), (1, 3), (0, 4)], None])
def test_it_is_what_lacks_to_the_margin_from_every_confused_class(margin: float, scale: float, pairs: Any) -> None:
    given = some()
    found = given.loss(PairwiseMargin(pairs, margin, scale))
    wanted = reference.pairwise_margin(scores(given), labels(given), EVERY if pairs is None else pairs, margin, scale)
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_classes_are_named() -> None:
    given, names = some(), ("all", "bed", "book", "can", "chair")
    by_name = PairwiseMargin([["bed", "all"], ["chair", "book"]], 5.0, class_names=names)
    torch.testing.assert_close(given.loss(by_name), given.loss(PairwiseMargin([(0, 1), (2, 4)], 5.0)))


def test_only_what_is_confused_and_too_near_learns() -> None:
    given = some(2)  # of the classes 0 and 1
    given.student.logits.values.data[:] = torch.tensor([[[1.0, 0.9, 0.9, 0, 0]], [[0.0, 5.0, 0, 4.9, 0]]])
    given.loss(PairwiseMargin([(0, 1), (1, 3), (0, 3)])).backward()
    gradient = given.student.logits.values.grad
    assert gradient is not None
    assert gradient[:, 0].tolist() == [[-0.5, 0.5, 0, 0, 0], [0, -0.5, 0, 0.5, 0]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"margin": 0}, "margin is 0"),
        ({"scale": -1}, "scale is -1"),
        ({"pairs": [["bed", "sofa"]], "class_names": ("bed",)}, "'sofa', which is none of the 1 classes"),
        ({"pairs": [[1, -1]]}, "the class -1"),
        ({"pairs": [[1, 2, 3]]}, "is no pair"),
        ({"pairs": [[1, 1]]}, "is no pair"),
        ({"pairs": ["ab"]}, "is no pair"),
        ({"pairs": []}, "pairs is empty"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        PairwiseMargin(**arguments)


def test_a_class_that_the_network_does_not_write_is_refused() -> None:
    with pytest.raises(ValueError, match="a pair names class 5, and the network writes 5 classes"):
        some().loss(PairwiseMargin([(0, 5)]))
