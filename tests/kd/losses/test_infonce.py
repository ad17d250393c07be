from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from kd.losses.infonce import Steps, contrast_accuracy, symmetric_info_nce
from slr.types import Batch, NetOutput, Padded
from tests.reference import infonce as reference


def batch(clips: int, labels: torch.Tensor | None = None) -> Batch:
    nothing = Padded(torch.zeros(clips, 0, dtype=torch.int64), torch.zeros(clips, dtype=torch.int64))
    return Batch(tuple("ab"[:clips]), nothing, nothing, labels=labels)


def unit(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape), dim=-1)


def info_nce(anchors: torch.Tensor, candidates: torch.Tensor, negatives: torch.Tensor, temperature: float):
    """One direction, ``[N]``, as autograd can follow it."""
    kept = negatives | torch.eye(len(anchors), dtype=torch.bool)
    scores = (anchors @ candidates.T / temperature).masked_fill(~kept, -torch.inf)
    return -scores.log_softmax(dim=1).diagonal()


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_it_is_the_log_share_of_the_own_candidate(temperature: float):
    ours, theirs = unit(7, 5), unit(7, 5)
    negatives = torch.rand(7, 7) > 0.4
    negatives[3] = False  # an anchor with nothing to be pushed from
    negatives[:, 3] = False
    negatives = negatives & negatives.T
    both = []
    for anchors, candidates in ((ours, theirs), (theirs, ours)):
        values = info_nce(anchors, candidates, negatives, temperature)
        for i in range(7):
            others = [candidates[k].tolist() for k in range(7) if negatives[i, k] and k != i]
            expected = reference.contrast(anchors[i].tolist(), [candidates[i].tolist()], others, temperature)
            torch.testing.assert_close(values[i].item(), expected, rtol=1e-4, atol=1e-5)
            both.append(expected)
    found = symmetric_info_nce(ours, theirs, negatives, temperature)
    torch.testing.assert_close(found.item(), sum(both) / 14, rtol=1e-4, atol=1e-5)


def test_at_collapse_it_is_the_log_of_one_plus_the_number_of_negatives():
    same = F.normalize(torch.ones(6, 4), dim=-1)
    negatives = torch.tensor([[column < row for column in range(6)] for row in range(6)])
    expected = [math.log(1 + row) for row in range(6)]
    torch.testing.assert_close(info_nce(same, same, negatives, 0.07), torch.tensor(expected), rtol=1e-5, atol=1e-5)
    # Teacher to student uses the same sets, so both directions have this mean.
    torch.testing.assert_close(
        symmetric_info_nce(same, same, negatives, 0.07), torch.tensor(sum(expected) / 6), rtol=1e-5, atol=1e-5
    )


def test_the_contrast_accuracy_counts_anchors_whose_nearest_candidate_is_a_positive():
    scores = torch.tensor([[3.0, 2.0, 9.0], [1.0, 2.0, 5.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [9.0, 8.0, 7.0]])
    positive = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 1]]).bool()
    negative = torch.tensor([[0, 1, 0], [1, 0, 1], [1, 1, 0], [0, 0, 0], [0, 0, 0]]).bool()
    # Right, although one that is neither is nearer; wrong; a tie is wrong; and two without a positive or a negative.
    assert contrast_accuracy((scores, positive, negative)) == {"contrast_accuracy": pytest.approx(1 / 3)}
    sure = (torch.tensor([[1.0, 0.0]]), torch.tensor([[True, False]]), torch.tensor([[False, True]]))
    assert contrast_accuracy((scores, positive, negative), sure) == {"contrast_accuracy": pytest.approx(2 / 4)}


def test_there_is_no_contrast_accuracy_where_nothing_is_contrasted():
    nothing = torch.zeros(0, 0)
    assert contrast_accuracy((nothing, nothing.bool(), nothing.bool())) == {}
    alone = torch.ones(1, 1)
    assert contrast_accuracy((alone, alone.bool(), ~alone.bool())) == {}


def test_collapse_is_worse_than_a_match():
    matched = torch.eye(6)
    negatives = ~torch.eye(6, dtype=torch.bool)
    assert symmetric_info_nce(matched, matched, negatives, 0.07) < 1e-4 < math.log(6)


def test_both_sides_count_alike():
    ours, theirs = unit(5, 4), unit(5, 4)
    negatives = torch.rand(5, 5) > 0.5
    negatives = negatives | negatives.T
    there = symmetric_info_nce(ours, theirs, negatives, 0.1)
    torch.testing.assert_close(symmetric_info_nce(theirs, ours, negatives, 0.1), there)
    assert not torch.isclose(info_nce(ours, theirs, negatives, 0.1).mean(), there)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_gradient_written_down_is_that_of_autograd(temperature: float):
    negatives = torch.rand(6, 6) > 0.4
    negatives = negatives | negatives.T
    negatives[2], negatives[:, 2] = False, False  # a pair with nothing to be pushed from
    ours, theirs = (F.normalize(torch.randn(6, 4, dtype=torch.float64), dim=-1).requires_grad_() for _ in range(2))
    both = [info_nce(*pair, negatives, temperature).mean() for pair in ((ours, theirs), (theirs, ours))]
    expected = torch.autograd.grad(3 * sum(both) / 2, (ours, theirs))
    found = torch.autograd.grad(3 * symmetric_info_nce(ours, theirs, negatives, temperature), (ours, theirs))
    torch.testing.assert_close(found, expected)
    assert torch.autograd.gradcheck(lambda *pair: symmetric_info_nce(*pair, negatives, temperature), (ours, theirs))


def test_low_temperatures_neither_overflow_nor_vanish():
    ours = unit(4, 3).requires_grad_()
    value = symmetric_info_nce(ours, -ours.detach(), torch.ones(4, 4, dtype=torch.bool), 1e-3)
    value.backward()
    assert torch.isfinite(value)
    assert value > 100
    assert torch.isfinite(ours.grad).all()


def test_no_pair_has_no_loss():
    ours = torch.zeros(0, 4, requires_grad=True)
    value = symmetric_info_nce(ours, torch.zeros(0, 4), torch.zeros(0, 0, dtype=torch.bool), 0.1)
    value.backward()
    assert value.item() == 0


def test_steps_are_labelled_with_the_best_gloss_of_the_teacher_and_classes_know_no_blank():
    scores = torch.tensor(
        [[[9.0, 1.0, 2.0], [0.0, 5.0, 2.0], [9.0, 9.0, 9.5]], [[5.0, 1.0, 0.0], [0.0, 0.0, 9.0], [0, 0, 9]]]
    )
    teacher = NetOutput(Padded(scores, torch.tensor([3, 1])))
    features = Padded(torch.zeros(2, 3, 1), torch.tensor([3, 1]))
    steps = Steps.of(features, teacher, batch(2))
    assert steps.clips.tolist() == [0, 0, 0, 1]
    assert steps.times.tolist() == [0, 1, 2, 0]
    assert steps.labels.tolist() == [1, 0, 1, 0]  # of the glosses alone: gloss 2, 1, 2, and 1
    assert Steps.of(features, teacher, batch(2, labels=torch.tensor([0, 2]))).labels.tolist() == [0, 1, 2, 0]


def test_labels_of_a_teacher_of_another_length_are_the_nearest_ones():
    scores = torch.nn.functional.one_hot(torch.tensor([[1, 2, 3]]), 4).float()
    features = Padded(torch.zeros(1, 5, 1), torch.tensor([5]))
    steps = Steps.of(features, NetOutput(Padded(scores, torch.tensor([3]))), batch(1))
    assert steps.labels.tolist() == [0, 1, 1, 2, 2]


@pytest.mark.parametrize("exclude_same_gloss", [True, False])
@pytest.mark.parametrize("exclude_neighbours", [0, 1, 2])
def test_negatives_are_those_of_the_loop(exclude_same_gloss: bool, exclude_neighbours: int):
    rows = [(0, 0, 1), (0, 1, 1), (0, 2, 2), (0, 3, 3), (1, 0, 1), (1, 1, 2), (1, 2, 4)]
    steps = Steps(*torch.tensor(rows).T)
    allowed = steps.negatives(exclude_same_gloss=exclude_same_gloss, exclude_neighbours=exclude_neighbours)
    for i, one in enumerate(rows):
        for k, other in enumerate(rows):
            expected = reference.may_be_pushed_apart(one, other, exclude_same_gloss, exclude_neighbours)
            assert bool(allowed[i, k]) == expected, (one, other)
