from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from kd.losses import CRD
from kd.losses.infonce import Steps, symmetric_info_nce
from tests.losses import STUDENT_WIDTH, TEACHER_WIDTH, Example, example
from tests.reference import infonce as reference
from tests.reference import losses as reference_losses


def crd(**arguments: object) -> CRD:
    torch.manual_seed(1)
    return CRD(student_width=STUDENT_WIDTH, teacher_width=TEACHER_WIDTH, width=4, **arguments)


def rows(given: Example) -> list[tuple[int, int, int]]:
    """(clip, step, pseudo-label) of every valid step, from the teacher's logits."""
    out = []
    for clip, scores in enumerate(given.teacher.logits.unpad()):
        out += [(clip, step, reference_losses.pseudo_label(row)) for step, row in enumerate(scores.tolist())]
    return out


def embedded(loss: CRD, given: Example) -> tuple[list, list]:
    """Unit embeddings of both sides, in plain loops."""
    sides = []
    for network, projection in ((given.student, loss.student_projection), (given.teacher, loss.teacher_projection)):
        weight, bias = projection.weight.tolist(), projection.bias.tolist()
        steps = [step for clip in network.taps["conv"].unpad() for step in clip.tolist()]
        sides.append([reference.unit(reference_losses.linear(step, weight, bias)) for step in steps])
    return sides[0], sides[1]


@pytest.mark.parametrize("temperature", [0.1, 0.5])
@pytest.mark.parametrize("positives", ["step", "gloss"])
@pytest.mark.parametrize(("same_gloss", "neighbours"), [(True, 1), (False, 1), (True, 0), (False, 3)])
def test_it_is_the_contrast_of_the_loop(temperature: float, positives: str, same_gloss: bool, neighbours: int):
    given = example()
    loss = crd(
        temperature=temperature, positives=positives, exclude_same_gloss=same_gloss, exclude_neighbours=neighbours
    )
    expected = reference.symmetric(
        *embedded(loss, given),
        rows(given),
        temperature,
        same_gloss=same_gloss,
        neighbours=neighbours,
        by_gloss=positives == "gloss",
    )
    torch.testing.assert_close(given.loss(loss).item(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [2, 3])
def test_a_stride_leaves_out_the_steps_between(stride: int):
    given = example()
    loss = crd(stride=stride)
    kept = [row for row, (_, step, _) in enumerate(rows(given)) if step % stride == 0]
    ours, theirs = ([side[row] for row in kept] for side in embedded(loss, given))
    places = [(clip, step // stride, label) for clip, step, label in (rows(given)[row] for row in kept)]
    torch.testing.assert_close(
        given.loss(loss).item(), reference.symmetric(ours, theirs, places, 0.1), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("positives", ["step", "gloss"])
@pytest.mark.parametrize("queue", [False, True])
def test_the_contrast_accuracy_is_that_of_the_loop(positives: str, queue: bool):
    given, past = example(), example(steps=(3, 2))
    loss = crd(positives=positives, exclude_neighbours=0, negatives="queue" if queue else "batch", queue_length=32)
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.02)
    loss.eval()  # which leaves the queue as it is
    for _ in range(20):  # untrained, it would be right by chance alone
        given.loss(loss).backward()
        optimiser.step()
    loss.train()
    stored = []
    if queue:
        stored = [(*pair, row[2]) for *pair, row in zip(*embedded(loss, past), rows(past), strict=True)]
        past.loss(loss)
    expected = reference.accuracy(
        *embedded(loss, given), rows(given), neighbours=0, by_gloss=positives == "gloss", queue=stored
    )
    assert 0 < expected < 1
    found = loss.meters(given.student, given.teacher, given.batch)
    assert found == {"contrast_accuracy": pytest.approx(expected)}


def test_without_exclusions_it_is_the_plain_contrast_with_every_other_step_of_the_batch():
    given, loss = example(), crd(exclude_same_gloss=False, exclude_neighbours=0)
    ours, theirs = (torch.tensor(side) for side in embedded(loss, given))
    scores, own = ours @ theirs.T / 0.1, torch.arange(len(ours))
    expected = (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
    torch.testing.assert_close(given.loss(loss), expected, rtol=1e-4, atol=1e-5)


def test_the_library_and_our_own_contrast_agree():
    given, loss = example(), crd()
    ours = F.normalize(loss.student_projection(given.student.taps["conv"].valid()), dim=-1)
    theirs = F.normalize(loss.teacher_projection(given.teacher.taps["conv"].valid()), dim=-1)
    negatives = Steps.of(given.student.taps["conv"], given.teacher, given.batch).negatives(
        exclude_same_gloss=True, exclude_neighbours=1
    )
    torch.testing.assert_close(given.loss(loss), symmetric_info_nce(ours, theirs, negatives, 0.1))


@pytest.mark.parametrize("positives", ["step", "gloss"])
def test_the_queue_adds_the_steps_of_past_batches(positives: str):
    first, second = example(), example(steps=(3, 5))
    loss = crd(negatives="queue", queue_length=100, positives=positives)
    first.loss(loss)
    past = [(*vectors, row[2]) for *vectors, row in zip(*embedded(loss, first), rows(first), strict=True)]
    expected = reference.symmetric(
        *embedded(loss, second), rows(second), 0.1, by_gloss=positives == "gloss", queue=past
    )
    torch.testing.assert_close(second.loss(loss).item(), expected, rtol=1e-4, atol=1e-5)


def test_a_short_queue_keeps_the_newest_steps():
    first, second, third = example(), example(steps=(3, 5)), example(steps=(4,))
    loss = crd(negatives="queue", queue_length=10)
    first.loss(loss)
    second.loss(loss)
    past = []
    for given in (first, second):
        past += [(*vectors, row[2]) for *vectors, row in zip(*embedded(loss, given), rows(given), strict=True)]
    expected = reference.symmetric(*embedded(loss, third), rows(third), 0.1, queue=past[-10:])
    torch.testing.assert_close(third.loss(loss).item(), expected, rtol=1e-4, atol=1e-5)
    assert len(loss.queue) == 10


def test_evaluation_leaves_the_queue_alone():
    loss = crd(negatives="queue", queue_length=10).eval()
    example().loss(loss)
    assert len(loss.queue) == 0


@pytest.mark.parametrize("positives", ["step", "gloss"])
def test_a_single_step_has_nothing_to_be_contrasted_with(positives: str):
    given, loss = example(steps=(1,)), crd(positives=positives)
    value = given.loss(loss)
    value.backward()
    assert value.item() == 0


def test_a_single_step_against_a_single_remembered_step():
    given, loss = example(steps=(1,)), crd(negatives="queue", queue_length=1, exclude_same_gloss=False)
    given.loss(loss)
    # The remembered step is the same one: positive and negative score alike.
    torch.testing.assert_close(given.loss(loss).item(), math.log(2), rtol=1e-5, atol=1e-6)


def test_a_loss_names_the_taps_whose_widths_it_wants():
    assert CRD.wanted_widths({}) == {"student_width": "conv", "teacher_width": "conv"}
    assert CRD.wanted_widths({"tap": "frame"}) == {"student_width": "frame", "teacher_width": "frame"}
    assert CRD.wanted_widths({"teacher_tap": "context"}) == {"student_width": "conv", "teacher_width": "context"}
    loss = crd(tap="frame", teacher_tap="context")
    assert loss.student_taps == ("frame",)
    assert loss.teacher_taps == ("context", "logits")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"temperature": 0}, "temperature is 0"),
        ({"negatives": "bank"}, "negatives is 'bank'.*'batch'.*'queue'"),
        ({"positives": "clip"}, "positives is 'clip'"),
        ({"negatives": "queue", "queue_length": 0}, "queue_length is 0"),
        ({"stride": 0}, "stride is 0"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        crd(**arguments)
