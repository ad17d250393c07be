from __future__ import annotations

import pytest
import torch

from slr.ctc import PseudoLabelAccuracy, StepCount, dense_labels, pseudo_label_accuracy
from slr.types import Padded


def labels_of(*rows: list[int]) -> Padded:
    return Padded.from_list([torch.tensor(row, dtype=torch.int64) for row in rows])


def dense_by_hand(row: list[int]) -> list[int]:
    """The gloss of the nearest step with one, the earlier step on a tie."""
    spoken = [step for step, label in enumerate(row) if label]
    return [row[min(spoken, key=lambda other: (abs(other - step), other))] if spoken else 0 for step in range(len(row))]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0, 3, 0, 0, 0, 5, 0], [3, 3, 3, 3, 5, 5, 5]),  # five lies 2 from both spikes at step 3: the earlier one
        ([0, 3, 3, 0, 0, 3, 0], [3, 3, 3, 3, 3, 3, 3]),
        ([1, 0, 0, 2], [1, 1, 2, 2]),
        ([0, 0, 0], [0, 0, 0]),
        ([4], [4]),
    ],
)
def test_blanks_go_to_the_nearest_spike(row, expected):
    assert dense_labels(labels_of(row)).values[0].tolist() == expected == dense_by_hand(row)


def test_dense_labels_agree_with_a_slow_search_and_ignore_padding():
    rows = torch.randint(0, 3, (40, 12)) * (torch.rand(40, 12) < 0.3)
    lengths = torch.randint(0, 13, (40,))
    padded = Padded(rows, lengths)
    garbage = Padded(torch.where(padded.mask, rows, 9), lengths)
    dense = dense_labels(garbage)
    for row, length, found in zip(rows.tolist(), lengths.tolist(), dense.unpad(), strict=True):
        assert found.tolist() == dense_by_hand(row[:length])
    assert (dense.values[~dense.mask] == 0).all()


def test_the_three_accuracies_on_a_clip_to_follow_by_hand():
    labels = labels_of([0, 1, 0, 0, 2])
    best_class = torch.tensor([0, 1, 0, 2, 0])  # what the network would write
    best_gloss = torch.tensor([1, 1, 2, 2, 1])  # its second choice where the first is blank
    logits = torch.zeros(1, 5, 3)
    logits[0].scatter_(1, best_gloss[:, None], 1.0)
    logits[0].scatter_(1, best_class[:, None], 2.0)
    accuracy = pseudo_label_accuracy(Padded(logits, torch.tensor([5])), labels)
    assert accuracy.all == StepCount(3, 5)  # steps 0, 1, 2
    assert accuracy.non_blank == StepCount(1, 2)  # step 1, not step 4
    assert accuracy.dense == StepCount(3, 5)  # dense labels 1 1 1 2 2, best glosses 1 1 2 2 1
    assert accuracy.shares() == {"all": 0.6, "non_blank": 0.5, "dense": 0.6}


def test_padding_changes_no_accuracy_and_batches_add_up():
    clips = [torch.randn(steps, 4) for steps in (5, 2, 7)]
    rows = [torch.randint(0, 4, (steps,)) for steps in (5, 2, 7)]
    logits, labels = Padded.from_list(clips), Padded.from_list(rows)
    garbage = Padded(torch.where(logits.expanded_mask(), logits.values, torch.nan), logits.lengths)
    total = PseudoLabelAccuracy()
    for clip, row in zip(clips, rows, strict=True):
        total += pseudo_label_accuracy(Padded.from_list([clip]), Padded.from_list([row]))
    assert pseudo_label_accuracy(garbage, labels) == total
    assert total.all.steps == 14


def test_a_clip_without_gloss_is_no_measurement():
    accuracy = pseudo_label_accuracy(Padded(torch.zeros(1, 3, 4), torch.tensor([3])), labels_of([0, 0, 0]))
    assert accuracy.all.share == 1.0
    assert accuracy.non_blank.share is None
    assert accuracy.dense.share is None


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"\[4\] steps .* \[3\]"):
        pseudo_label_accuracy(Padded(torch.zeros(1, 4, 3), torch.tensor([4])), labels_of([0, 1, 0]))
