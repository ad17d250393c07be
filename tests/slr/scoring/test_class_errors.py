"""Accuracies as error rates of sentences of one gloss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import accuracy, class_errors, compare_classifiers, compare_recipes, recipe_rate, score

CLASSES = ("RAIN", "SUN", "WIND")


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20))
def test_the_error_rate_is_what_top_1_leaves(clips: list[tuple[int, int]]) -> None:
    labels = np.asarray([label for label, _ in clips])
    report = accuracy(np.eye(3)[[best for _, best in clips]], labels)
    ids = [f"clip-{number}" for number in range(len(clips))]
    errors = class_errors(report, ids, CLASSES)
    assert errors.wer == pytest.approx(1 - report.per_instance())
    sides = [{clip: [CLASSES[side[index]]] for clip, side in zip(ids, clips, strict=True)} for index in (0, 1)]
    slow = score(*sides, "raw")
    assert [(one.clip, one.operations) for one in errors.clips] == [(one.clip, one.operations) for one in slow.clips]


def test_a_tie_is_an_error_as_accuracy_counts_it() -> None:
    report = accuracy(np.ones((2, 3)), [0, 1])
    assert report.per_instance() == 0
    assert class_errors(report, ["one", "other"], CLASSES).wer == 1


def test_recipes_of_one_seed_are_compared_as_classifiers_are() -> None:
    chances = np.random.default_rng(0)
    labels = chances.integers(0, 3, 200)
    reports = [accuracy(chances.normal(0, 1, (200, 3)) + lead * np.eye(3)[labels], labels) for lead in (0.5, 1.5)]
    ids = [str(number) for number in range(200)]
    errors = [class_errors(report, ids, CLASSES) for report in reports]
    found, known = compare_recipes([[errors[0]]], [[errors[1]]]), compare_classifiers(*reports)
    assert found.difference.value == pytest.approx(-known.difference.value)
    assert (-found.difference.high, -found.difference.low) == pytest.approx(
        (known.difference.low, known.difference.high)
    )
    assert recipe_rate([[errors[0]]]).rate.value == pytest.approx(1 - reports[0].per_instance())


@pytest.mark.parametrize(("clips", "classes"), [(["one"], CLASSES), (["one", "other"], CLASSES[:2])])
def test_names_that_do_not_fit_are_refused(clips: list[str], classes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit 2 clips of 3 classes"):
        class_errors(accuracy(np.eye(3)[:2], [0, 1]), clips, classes)
