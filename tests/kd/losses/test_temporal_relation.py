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
    negatives = Steps.of(given.student.taps["context"], given.teacher, given.batch).negatives(
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


@pytest.mark.parametrize("adjacency", ["P+L", "I"])
def test_without_a_contrast_it_is_the_squared_distance_of_the_embeddings(adjacency: str):
    given, loss = example(), relation(comparison="mse", adjacency=adjacency)
    assert loss.teacher_taps == ("context",)
    pairs = zip(*loss.graphs((given.student.taps["context"], given.teacher.taps["context"])).tolist(), strict=True)
    distances = [sum((a - b) ** 2 for a, b in zip(ours, theirs, strict=True)) for ours, theirs in pairs]
    torch.testing.assert_close(given.loss(loss).item(), sum(distances) / len(distances), rtol=1e-4, atol=1e-5)


def test_a_collapsed_pair_of_graphs_is_the_best_there_is_without_a_contrast():
    given, loss = example(), relation(comparison="mse")
    torch.nn.init.zeros_(loss.graphs.output.weight)
    torch.nn.init.ones_(loss.graphs.output.bias)
    assert given.loss(loss).item() == 0


@pytest.mark.parametrize(("comparison", "collapses"), [("mse", True), ("contrast", False)])
def test_graphs_trained_on_the_squared_distance_collapse_and_on_the_contrast_do_not(comparison: str, collapses: bool):
    loss, given = relation(comparison=comparison, temperature=0.1), example(steps=(12, 12))
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.02)
    for _ in range(100):
        seen = given.teacher.taps["context"].map(torch.randn_like)
        given.teacher.taps["context"] = seen
        given.student.taps["context"] = seen.map(lambda values: values[..., :6] + 0.3 * torch.randn(2, 12, 6))
        optimiser.zero_grad()
        given.loss(loss).backward()
        optimiser.step()
    _, theirs = loss.graphs((given.student.taps["context"], given.teacher.taps["context"]))
    spread = (theirs - theirs.mean(dim=0)).square().sum(dim=-1).mean()  # from 0, all the same, to 1
    assert spread < 0.03 if collapses else spread > 0.5


def learns_from(loss: TemporalRelation, steps: int = 3) -> dict[str, bool]:
    """Which parameters move under an optimiser that lets weights decay."""
    given, before = example(), {name: weight.detach().clone() for name, weight in loss.named_parameters()}
    optimiser = torch.optim.AdamW([*loss.parameters(), given.student.taps["context"].values], lr=0.01, weight_decay=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        given.loss(loss).backward()
        assert given.student.taps["context"].values.grad.any()
        optimiser.step()
    assert all((weight.grad is not None) == weight.requires_grad for weight in loss.parameters())
    return {name: not torch.equal(weight, before[name]) for name, weight in loss.named_parameters()}


@pytest.mark.parametrize("comparison", ["contrast", "mse"])
def test_a_frozen_graph_of_the_teacher_does_not_move_and_that_of_the_student_does(comparison: str):
    moved = learns_from(relation(frozen="teacher", comparison=comparison))
    assert {name.split(".")[0] for name in moved} == {"graphs", "teacher_graph"}
    for name, has_moved in moved.items():
        assert has_moved == name.startswith("graphs."), name


def test_two_frozen_graphs_leave_the_learning_to_the_student():
    assert not any(learns_from(relation(frozen="both")).values())
    assert all(learns_from(relation()).values())


@pytest.mark.parametrize("frozen", ["teacher", "both"])
def test_a_loss_with_a_frozen_graph_is_that_of_its_embeddings(frozen: str):
    given, loss = example(), relation(frozen=frozen, exclude_same_gloss=False, exclude_neighbours=0, temperature=0.3)
    features, targets = given.student.taps["context"], given.teacher.taps["context"]
    if frozen == "teacher":
        (ours,), (theirs,) = loss.graphs((features,)).tolist(), loss.teacher_graph((targets,)).tolist()
    else:
        ours, theirs = loss.graphs((features, targets)).tolist()
    steps = [(clip, step, 0) for clip, length in enumerate((6, 4, 5)) for step in range(length)]
    expected = reference.symmetric(ours, theirs, steps, 0.3, same_gloss=False, neighbours=0)
    torch.testing.assert_close(given.loss(loss).item(), expected, rtol=1e-4, atol=1e-5)
    for relations, side in zip(loss.adjacency(given.student, given.teacher), (features, targets), strict=True):
        torch.testing.assert_close(relations.sum(dim=-1), side.mask.float())


def test_a_frozen_graph_is_kept_with_the_others():
    given, loss = example(), relation(frozen="teacher")
    other = TemporalRelation(STUDENT_WIDTH, TEACHER_WIDTH, width=8, embedding_width=4, frozen="teacher")
    assert given.loss(other) != given.loss(loss)
    other.load_state_dict(loss.state_dict())
    assert given.loss(other) == given.loss(loss)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": 0}, "temperature is 0"),
        ({"comparison": "cosine"}, "comparison is 'cosine'.*contrast, mse"),
        ({"frozen": "student"}, "frozen is 'student'.*none, teacher, both"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        relation(**arguments)
