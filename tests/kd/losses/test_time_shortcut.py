"""Whether student and teacher can match their steps without looking at them, by counting steps or by the like.

Embeddings of one step on both sides are a pair of the contrast, so whatever lets both sides encode the time solves it
without content. A student of noise has no content: on clips it was not trained on, its contrast must stay at chance.

Chance of the value is what embeddings have that are all the same, the mean of ``log(1 + |N(i)|)``. Chance of finding
the right one among all ``N`` steps of the batch is ``1 / N``, whatever a student does that does not know which step it
is at. All steps are asked for here, not the negatives alone: the negatives of a step are those of other signs, and
somebody who always points at the same sign would be right at every step of it.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kd.losses import TemporalRelation
from kd.losses.infonce import Steps
from slr.types import Batch, NetOutput, Padded

WIDTH, GLOSSES = 48, 20
LOOKS = torch.randn(GLOSSES, WIDTH, generator=torch.Generator().manual_seed(1))  # of every gloss to the teacher


class Clips(NamedTuple):
    student: NetOutput
    teacher: NetOutput
    batch: Batch


def clips(known: str) -> Clips:
    """Four fresh clips of unequal length. The teacher's features hold the sign of the step and, as those of a recurrent
    network do, its place in the clip; the student's hold noise and what is ``known``.
    """
    lengths = torch.randint(8, 33, (4,)).tolist()
    signs = [torch.randint(1, GLOSSES, (length // 3 + 1,)).repeat_interleave(3)[:length] for length in lengths]
    places = [sinusoids(length) for length in lengths]
    content = [LOOKS[sign] + 0.3 * torch.randn(len(sign), WIDTH) for sign in signs]
    nothing = [torch.zeros(length, WIDTH) for length in lengths]
    seen = {"nothing": nothing, "place": places, "content": content}[known]
    logits = Padded.from_list([9 * F.one_hot(sign, GLOSSES).float() for sign in signs])
    ours = Padded.from_list([torch.randn_like(features) + features for features in seen])
    theirs = Padded.from_list([place + look for place, look in zip(places, content, strict=True)])
    return Clips(
        NetOutput(logits, {"context": ours}),
        NetOutput(logits, {"context": theirs}),
        Batch(tuple("abcd"), logits.map(lambda scores: scores.argmax(dim=-1)), logits),
    )


def sinusoids(length: int) -> Tensor:
    angles = torch.arange(length)[:, None] * 0.5 ** torch.arange(WIDTH // 2)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Contrast(NamedTuple):
    """Means over fresh batches; ``value`` and ``accuracy`` are divided by their chance."""

    value: float
    accuracy: float


def trained(known: str, seed: int, updates: int = 60) -> Contrast:
    """Both graphs with their default settings, trained on fresh clips and then asked about others."""
    torch.manual_seed(seed)
    loss = TemporalRelation(student_width=WIDTH, teacher_width=WIDTH)
    optimiser = torch.optim.AdamW(loss.parameters(), lr=1e-3)
    for _ in range(updates):
        optimiser.zero_grad()
        loss(*clips(known)).backward()
        optimiser.step()
    found = [measured(loss, clips(known)) for _ in range(40)]
    return Contrast(*(sum(column) / len(found) for column in zip(*found, strict=True)))


@torch.no_grad()
def measured(loss: TemporalRelation, given: Clips) -> Contrast:
    features = given.student.taps["context"]
    negatives = Steps.of(features, given.teacher, given.batch).negatives(exclude_same_gloss=True, exclude_neighbours=1)
    collapsed = (1 + negatives.sum(dim=1)).log().mean()
    ours, theirs = loss.graphs((features, given.teacher.taps["context"]))
    scores, steps = ours @ theirs.T, torch.arange(len(ours))
    right = torch.cat([scores.argmax(dim=1) == steps, scores.argmax(dim=0) == steps]).float().mean()
    return Contrast((loss(*given) / collapsed).item(), (right * len(steps)).item())


def test_a_student_of_noise_stays_at_chance():
    found = [trained("nothing", seed) for seed in range(3)]
    assert min(value for value, _ in found) > 0.99
    # About 9,500 steps, looked for from both sides, at a chance of 1 in 80: one standard deviation is 0.07 of it.
    assert 0.7 < sum(accuracy for _, accuracy in found) / len(found) < 1.3


@pytest.mark.parametrize(("known", "least"), [("place", 3), ("content", 15)])
def test_the_same_measure_finds_a_student_that_counts_its_steps_and_one_that_sees_them(known: str, least: float):
    value, accuracy = trained(known, seed=0)
    assert value < 0.97
    assert accuracy > least
