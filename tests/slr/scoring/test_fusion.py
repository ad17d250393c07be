from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slr.scoring import PRESETS, STREAMS, accuracy, fuse, search_weights, softmax
from tests.reference.fusion import every_combination, hits


def made_up(clips: int, classes: int, streams: int, seed: int = 0, signal: float = 2.0) -> tuple[list, np.ndarray]:
    chances = np.random.default_rng(seed)
    labels = chances.integers(0, classes, clips)
    scores = [chances.normal(0, 1, (clips, classes)).astype(np.float32) for _ in range(streams)]
    for stream in scores:
        stream[np.arange(clips), labels] += signal
    return scores, labels


def test_it_is_the_weighted_mean() -> None:
    one, other = np.asarray([[1.0, 3.0]]), np.asarray([[5.0, 0.0]])
    assert fuse([one, other], [3, 1]).tolist() == [[2.0, 2.25]]
    assert fuse([one, other], [0, 1]).tolist() == other.tolist()


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([1], "1 weights for 2 streams"),
        ([1, -1], "none may be negative"),
        ([0, 0], "one is above 0"),
        ([1, float("nan")], "none may be negative"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weights: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fuse([np.zeros((1, 2))] * 2, weights)


def test_streams_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be fused"):
        fuse([np.zeros((1, 2)), np.zeros((1, 3))], [1, 1])


def test_softmax_is_that_of_the_formula_and_bears_large_scores() -> None:
    found = softmax(np.asarray([[1000.0, 1001.0], [0.0, 0.0]], dtype=np.float32))
    assert found[0] == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    assert found[1].tolist() == [0.5, 0.5]


def test_presets_weigh_the_streams_there_are() -> None:
    assert {len(preset.weights) for preset in PRESETS.values()} == {2, 3, 4}
    assert all(len(preset.weights) <= len(STREAMS) for preset in PRESETS.values())
    assert {preset.quantity for preset in PRESETS.values()} == {"logits", "probabilities"}


def assert_searched_as_slowly(streams: list, labels: np.ndarray) -> None:
    slow = every_combination([stream.tolist() for stream in streams], labels.tolist())
    found = search_weights(streams, labels)
    fast = dict(zip(itertools.product(*found.axes), found.hits_by_weights.ravel().tolist(), strict=True))
    assert fast == slow
    assert (found.hits, found.clips, found.tried) == (max(slow.values()), len(labels), len(slow))
    best = [weights for weights, number in slow.items() if number == found.hits]
    assert found.tied == len(best)
    middle = [sum(column) / len(best) for column in zip(*best, strict=True)]
    distances = [sum((w - m) ** 2 for w, m in zip(weights, middle, strict=True)) for weights in best]
    assert sum((w - m) ** 2 for w, m in zip(found.weights, middle, strict=True)) == pytest.approx(min(distances))


@pytest.mark.parametrize(("clips", "classes", "streams", "signal"), [(5, 6, 4, 1.0), (9, 5, 3, 1.5), (20, 7, 2, 0.5)])
def test_the_search_counts_what_the_slow_loop_counts(clips: int, classes: int, streams: int, signal: float) -> None:
    assert_searched_as_slowly(*made_up(clips, classes, streams, signal=signal))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(2, 3), st.integers(0, 10_000))
def test_ties_are_no_hits(clips: int, classes: int, streams: int, seed: int) -> None:
    chances = np.random.default_rng(seed)
    scores = [chances.integers(-3, 4, (clips, classes)).astype(np.float32) for _ in range(streams)]
    assert_searched_as_slowly(scores, chances.integers(0, classes, clips))


def test_found_weights_give_the_hits_that_are_reported() -> None:
    streams, labels = made_up(400, 30, 4, signal=1.2)
    found = search_weights(streams, labels)
    assert accuracy(fuse(streams, found.weights), labels).hits() == found.hits
    assert found.hits >= hits([stream.tolist() for stream in streams], labels.tolist(), [1.5, 1.0, 0.5, 0.5])


def test_more_clips_than_are_looked_at_together_and_none_that_is_open() -> None:
    streams, labels = made_up(300, 3, 2, signal=50)
    assert search_weights(streams, labels).hits == 300
    for stream in streams:
        stream[np.arange(300), labels] -= 100
    assert search_weights(streams, labels).hits == 0
    mixed = [np.concatenate([stream, stream[:150] + 200 * np.eye(3)[labels[:150]]]) for stream in streams]
    assert search_weights(mixed, np.concatenate([labels, labels[:150]])).hits == 150


@pytest.mark.parametrize(
    ("streams", "labels", "says"),
    [
        ([np.zeros((2, 3))], [0, 1], "weights of 2 to 4 streams, and there are 1"),
        ([np.zeros((2, 3))] * 5, [0, 1], "and there are 5"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], [0, 1], "the same clips and classes"),
        ([np.zeros((2, 3))] * 2, [0], "every clip has a label"),
        ([np.zeros((0, 3))] * 2, [], "every clip has a label"),
        ([np.zeros((2, 3)), np.full((2, 3), np.nan)], [0, 1], "are finite"),
    ],
)
def test_what_cannot_be_searched_is_refused(streams: list, labels: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        search_weights(streams, np.asarray(labels, dtype=np.int64))
