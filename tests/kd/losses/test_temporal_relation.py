from __future__ import annotations

import math

import pytest
import torch

from kd.losses import TemporalRelation
from kd.losses.infonce import Steps
from slr.types import NetOutput, Padded
from tests.losses import STUDENT_WIDTH, TEACHER_WIDTH, Example, example
from tests.reference import infonce as reference
from tests.reference import losses as reference_losses


def relation(**arguments: object) -> TemporalRelation:
    torch.manual_seed(1)
    return TemporalRelation(
        student_width=STUDENT_WIDTH, teacher_width=TEACHER_WIDTH, width=8, embedding_width=4, **arguments
    )


@pytest.mark.parametrize(("same_gloss", "neighbours"), [(True, 1), (False, 0)])
def test_it_is_the_contrast_of_the_embeddings_of_both_graphs(same_gloss: bool, neighbours: int):
    given = example()
    loss = relation(temperature=0.2, exclude_same_gloss=same_gloss, exclude_neighbours=neighbours)
    ours, theirs = loss.graphs((given.student.taps["context"], given.teacher.taps["context"])).tolist()
    expected = reference.symmetric(ours, theirs, rows(given), 0.2, same_gloss=same_gloss, neighbours=neighbours)
    torch.testing.assert_close(given.loss(loss).item(), expected, rtol=1e-4, atol=1e-5)


def rows(given: Example) -> list[tuple[int, int, int]]:
    """(clip, step, pseudo-label) of every valid step, from the teacher's logits."""
    out = []
    for clip, scores in enumerate(given.teacher.logits.unpad()):
        out += [(clip, step, reference_losses.pseudo_label(row)) for step, row in enumerate(scores.tolist())]
    return out


def test_the_contrast_accuracy_is_that_of_the_embeddings_of_both_graphs():
    given, loss = example(), relation()
    ours, theirs = loss.graphs((given.student.taps["context"], given.teacher.taps["context"])).tolist()
    expected = reference.accuracy(ours, theirs, rows(given))
    assert 0 < expected < 1
    found = loss.meters(given.student, given.teacher, given.batch)
    assert found == {"contrast_accuracy": pytest.approx(expected)}


def test_the_contrast_accuracy_of_a_collapse_is_zero():
    given, loss = example(), relation()
    torch.nn.init.zeros_(loss.graphs.output.weight)
    torch.nn.init.ones_(loss.graphs.output.bias)
    assert loss.meters(given.student, given.teacher, given.batch) == {"contrast_accuracy": 0.0}


def test_a_collapsed_pair_of_graphs_is_penalised_with_the_log_of_its_negatives():
    given, loss = example(), relation()
    torch.nn.init.zeros_(loss.graphs.output.weight)
    torch.nn.init.ones_(loss.graphs.output.bias)
    negatives = Steps.of(given.student.taps["context"], given.teacher).negatives(
        exclude_same_gloss=True, exclude_neighbours=1
    )
    expected = sum(math.log(1 + count) for count in negatives.sum(dim=1).tolist()) / len(negatives)
    assert expected > 1
    torch.testing.assert_close(given.loss(loss).item(), expected, rtol=1e-4, atol=1e-5)


def test_training_the_graphs_and_the_student_lowers_the_contrast_below_collapse():
    given, loss = example(), relation(temperature=0.1)
    optimiser = torch.optim.Adam([*loss.parameters(), given.student.taps["context"].values], lr=0.04)
    teacher_before = given.teacher.taps["context"].values.clone()
    graph_before = loss.graphs.output.weight[1].detach().clone()
    for _ in range(30):
        optimiser.zero_grad()
        given.loss(loss).backward()
        optimiser.step()
    assert given.loss(loss) < 0.3
    assert torch.equal(given.teacher.taps["context"].values, teacher_before)
    assert not torch.equal(loss.graphs.output.weight[1], graph_before)


def test_the_relations_of_both_sides_can_be_drawn():
    given, loss = example(), relation()
    features = given.student.taps["context"]
    spoiled = Padded(torch.where(features.expanded_mask(), features.values.detach(), torch.nan), features.lengths)
    student = NetOutput(given.student.logits, {"context": spoiled})
    for relations in loss.adjacency(student, given.teacher):
        assert relations.shape == (3, 6, 6)
        assert not relations.requires_grad
        torch.testing.assert_close(relations.sum(dim=-1), features.mask.float())
