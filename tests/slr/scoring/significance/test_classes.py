from __future__ import annotations

import itertools

import numpy as np
import pytest

from slr.scoring import AccuracyReport, accuracy, compare_classifiers, gap_closed_of_classes


def right(*hits: int, classes: int = 3) -> AccuracyReport:
    """A classifier that is right where there is a 1, on clips of the classes 0, 1, 2, 0, ..."""
    labels = np.arange(len(hits)) % classes
    best = np.where(np.asarray(hits) == 1, labels, (labels + 1) % classes)
    return accuracy(np.eye(classes)[best], labels)


def by_tossing_every_coin(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """The share of exchanges of the two on the clips where they differ that come out at least as one-sided."""
    differ = [one - other for one, other in zip(first, second, strict=True) if one != other]
    sums = [
        abs(sum(sign * d for sign, d in zip(signs, differ, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differ))
    ]
    return sum(found >= abs(sum(differ)) for found in sums) / len(sums)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((1, 1, 1, 0, 0, 0), (1, 0, 0, 1, 0, 0)),
        ((0, 0, 0, 0, 0, 0, 1), (1, 1, 1, 1, 1, 1, 0)),
        ((1, 0, 1), (1, 0, 1)),
        ((0, 1, 0, 1), (1, 0, 1, 0)),
    ],
)
def test_the_p_value_is_that_of_all_exchanges(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    found = compare_classifiers(right(*first), right(*second))
    assert found.p_value == pytest.approx(by_tossing_every_coin(first, second))
    assert found.difference.value == pytest.approx((sum(second) - sum(first)) / len(first))
    assert found.difference.low <= found.difference.value <= found.difference.high
    assert found.only_second - found.only_first == sum(second) - sum(first)


def test_a_difference_on_many_clips_is_found_and_its_interval_is_that_of_paired_clips() -> None:
    chances = np.random.default_rng(0)
    first = chances.random(400) < 0.6
    second = first | (chances.random(400) < 0.2)
    found = compare_classifiers(right(*first.astype(int)), right(*second.astype(int)))
    assert found.p_value < 0.001
    assert found.only_first == 0
    gained = second.mean() - first.mean()
    spread = 1.96 * np.sqrt(gained * (1 - gained) / 400)
    assert found.difference.low == pytest.approx(gained - spread, abs=0.006)
    assert found.difference.high == pytest.approx(gained + spread, abs=0.006)


def test_the_share_of_the_gap() -> None:
    closed = gap_closed_of_classes(
        right(*[0, 0, 0, 1] * 30), right(*[0, 1, 0, 1] * 30), right(*[1, 1, 0, 1] * 30)
    )  # errors 3, 2, 1 of 4
    assert closed.value == pytest.approx(0.5)
    assert closed.ci95 is not None
    assert closed.ci95[0] < 0.5 < closed.ci95[1]
    assert closed.p_value < 0.001
    assert gap_closed_of_classes(right(1, 1), right(1, 0), right(0, 0)).value is None


def test_other_clips_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="only classifiers of the same clips"):
        compare_classifiers(right(1, 1, 0), right(1, 1))
    with pytest.raises(ValueError, match="these have other labels"):
        compare_classifiers(accuracy(np.eye(2), [0, 1]), accuracy(np.eye(2), [1, 0]))
