from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from kd.losses import ClassDKD, FrameKL
from kd.score_teacher import ScoreTeacher
from tests.kd.losses.classes import some

IDS = ["clip-2", "clip-0", "clip-1", "clip-3"]


def test_it_answers_by_clip_with_what_was_said_of_it() -> None:
    given = some(4)
    said = given.teacher.logits.values[:, 0]
    teacher = ScoreTeacher(IDS, said[[2, 0, 1, 3]])
    answer = teacher(given.batch)
    torch.testing.assert_close(answer.logits.values[:, 0], said)
    assert answer.logits.lengths.tolist() == [1, 1, 1, 1]
    for loss in (FrameKL(temperature=3), ClassDKD()):
        torch.testing.assert_close(loss(given.student, answer, given.batch), given.loss(loss))


def test_probabilities_teach_as_the_logits_do_that_they_came_from() -> None:
    given = some(4)
    probabilities = given.teacher.logits.values[:, 0].softmax(-1)
    probabilities[0] = torch.tensor([1.0, 0, 0, 0, 0])
    answer = ScoreTeacher([f"clip-{row}" for row in range(4)], probabilities, "probabilities")(given.batch)
    torch.testing.assert_close(answer.logits.values[:, 0].softmax(-1), probabilities)
    assert bool(answer.logits.values.isfinite().all())


def test_a_clip_that_it_does_not_know_is_named() -> None:
    given = some(2)
    with pytest.raises(ValueError, match="clip 'clip-1' is none of the 1 clips that this teacher gave scores to"):
        ScoreTeacher(["clip-0"], torch.zeros(1, 5))(given.batch)
    assert ScoreTeacher(["clip-0"], torch.zeros(1, 5))(
        replace(given.batch, ids=("clip-0", "clip-0"))
    ).logits.values.shape == (2, 1, 5)


@pytest.mark.parametrize(
    ("ids", "scores", "kind", "says"),
    [
        (["a"], torch.zeros(2, 3), "logits", "for 1 clips"),
        (["a"], torch.full((1, 3), torch.nan), "logits", "no finite number"),
        (["a"], torch.zeros(1, 3), "probability", "kind is 'probability': scores are 'logits' or 'probabilities'"),
        (["a"], torch.tensor([[0.5, -0.1]]), "probabilities", "no probability"),
    ],
)
def test_scores_that_mean_nothing_are_refused(ids: list[str], scores: torch.Tensor, kind: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ScoreTeacher(ids, scores, kind)
