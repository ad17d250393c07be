from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.scoring import accuracy

SCORES = np.asarray(
    [
        [3.0, 1.0, 2.0, 0.0],  # 0 is best
        [3.0, 1.0, 2.0, 0.0],  # 2 is second
        [0.0, 0.0, 0.0, 0.0],  # nothing is said
        [1.0, 5.0, 5.0, 0.0],  # two are best
    ]
)


def test_counts_ranks_and_shares() -> None:
    report = accuracy(SCORES, [0, 2, 1, 1])
    assert report.ranks.tolist() == [0, 1, 3, 1]
    assert report.best.tolist() == [0, 0, 0, 1]
    assert report.hits(1) == 1
    assert report.per_instance(1) == 0.25
    assert report.per_instance(2) == 0.75
    assert report.per_instance(4) == 1
    assert report.per_class(1) == pytest.approx((1 + 0 + 0) / 3)  # class 3 has no clip
    assert report.per_class(2) == pytest.approx((1 + 0.5 + 1) / 3)
    assert report.confusion().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert report.as_dict()["clips"] == 4


@given(st.integers(1, 12), st.integers(1, 7), st.integers(0, 10_000))
def test_any_scores_agree_with_counting_by_hand(clips: int, classes: int, seed: int) -> None:
    chances = np.random.default_rng(seed)
    scores = chances.integers(0, 4, (clips, classes)).astype(np.float32)  # with many ties
    labels = chances.integers(0, classes, clips)
    report = accuracy(scores, labels)
    for k in (1, 2, 5):
        hits = []
        for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
            above = [score for index, score in enumerate(row) if index != label and score >= row[label]]
            hits.append(len(above) < k)
        assert report.per_instance(k) == pytest.approx(sum(hits) / clips)
        by_class = [
            [hit for hit, own in zip(hits, labels, strict=True) if own == label] for label in set(labels.tolist())
        ]
        assert report.per_class(k) == pytest.approx(sum(sum(own) / len(own) for own in by_class) / len(by_class))
    matrix = report.confusion()
    assert matrix.sum() == clips
    assert matrix.sum(axis=1).tolist() == np.bincount(labels, minlength=classes).tolist()
    low, high = report.interval()
    assert 0 <= low <= report.per_instance() <= high <= 1


def test_the_interval_is_wilsons() -> None:
    report = accuracy(np.eye(2)[[0] * 81 + [1] * 19], [0] * 100)
    assert report.interval() == pytest.approx((0.7222, 0.8749), abs=1e-4)  # 81 of 100
    assert accuracy(np.eye(2), [0, 1]).interval()[1] == 1


@pytest.mark.parametrize(
    ("scores", "labels", "sentence"),
    [
        (np.zeros((0, 3)), [], "one at least"),
        (np.zeros((2, 3)), [0], "a row per clip"),
        (np.zeros(3), [0, 1, 2], "a row per clip"),
        (np.zeros((1, 3)), [3], "label 3 is none of the 3 classes"),
        (np.zeros((1, 3)), [-1], "label -1"),
        (np.asarray([[0.0, 1.0], [np.nan, 0.0]]), [0, 1], "row 1 of the scores holds what is not a number"),
    ],
)
def test_what_cannot_be_judged_is_refused(scores: np.ndarray, labels: list[int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        accuracy(scores, labels)
