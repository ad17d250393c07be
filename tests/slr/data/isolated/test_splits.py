from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.data.isolated import held_out, stratified_folds

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60).map(lambda few: few + few)  # two clips of each at least


@given(LABELS, st.integers(2, 6))
def test_folds_are_even_in_size_and_in_every_class(labels: list[int], count: int) -> None:
    ids = [f"clip-{number}" for number in range(len(labels))]
    folds = stratified_folds(ids, labels, count)
    assert sorted(clip for fold in folds for clip in fold) == sorted(ids)
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    label_of = dict(zip(ids, labels, strict=True))
    for label in set(labels):
        counts = [sum(label_of[clip] == label for clip in fold) for fold in folds]
        assert max(counts) - min(counts) <= 1
        assert max(counts) < labels.count(label)  # so every class is trained whatever fold is the test


def test_folds_do_not_depend_on_the_order_of_the_clips() -> None:
    ids = [f"clip-{number}" for number in range(20)]
    labels = [number % 3 for number in range(20)]
    forth = stratified_folds(ids, labels)
    back = stratified_folds(ids[::-1], labels[::-1])
    assert [sorted(fold) for fold in forth] == [sorted(fold) for fold in back]
    assert [sorted(fold) for fold in forth] != [sorted(ids[number::5]) for number in range(5)]


def test_folds_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="two at least"):
        stratified_folds(["a", "b"], [0, 0], 1)
    with pytest.raises(ValueError, match="class 1 has one clip"):
        stratified_folds(["a", "b", "c"], [0, 0, 1], 2)


def test_whole_signers_are_held_out_and_no_class_is_lost() -> None:
    groups = [f"s{number % 10}" for number in range(200)]
    labels = [number % 7 for number in range(200)]
    ids = [str(number) for number in range(200)]
    out = held_out(groups, labels, ids, 0.2)
    assert out == held_out(groups, labels, ids, 0.2)
    inside, outside = ({g for g, o in zip(groups, out, strict=True) if o is wanted} for wanted in (True, False))
    assert len(inside) == 2
    assert not inside & outside


def test_the_only_signer_of_a_class_stays_in_train() -> None:
    groups = ["a", "a", "b", "b", "c", "c"]
    labels = [0, 1, 0, 1, 0, 2]
    for share in (0.2, 0.34, 0.6):
        out = held_out(groups, labels, list("uvwxyz"), share)
        assert out[4:] == [False, False]
        assert {label for label, o in zip(labels, out, strict=True) if not o} == {0, 1, 2}
        assert any(out)


def test_one_signer_cannot_be_held_out() -> None:
    with pytest.raises(ValueError, match="hold out by class"):
        held_out(["a"] * 4, [0, 0, 1, 1], list("wxyz"), 0.5)


def test_half_known_signers_are_refused() -> None:
    with pytest.raises(ValueError, match="clip 'x' belongs to no group"):
        held_out(["a", "", "b"], [0, 0, 0], list("wxy"), 0.5)


@given(LABELS, st.floats(0.05, 0.6))
def test_without_signers_every_class_gives_its_share(labels: list[int], share: float) -> None:
    ids = [f"clip-{number}" for number in range(len(labels))]
    out = held_out([""] * len(ids), labels, ids, share)
    taken = Counter(label for label, o in zip(labels, out, strict=True) if o)
    for label, count in Counter(labels).items():
        assert taken[label] < count
        assert abs(taken[label] - share * count) < 2
    assert abs(sum(out) - share * len(ids)) <= len(set(labels))


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 2.0])
def test_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        held_out(["a", "b"], [0, 0], ["x", "y"], share)
