from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from kd import LossReport, Objective, Schedule, Term, losses
from kd.losses import CRD, CTC, FrameKL, KeypointRegression, TemporalRelation
from kd.losses.base import Loss
from slr.types import Batch, NetOutput
from tests.losses import JOINTS, STUDENT_WIDTH, TEACHER_WIDTH, Example, example


class Fixed(Loss):
    """A loss of a known value, which counts its calls."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.calls = 0

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        self.calls += 1
        return self.value * 1


def report(objective: Objective, given: Example) -> LossReport:
    return objective(given.student, given.teacher, given.batch)


def trkd(**weights: float) -> Objective:
    widths = {"student_width": STUDENT_WIDTH, "teacher_width": TEACHER_WIDTH}
    losses = {
        "ctc": CTC(),
        "frame_kl": FrameKL(blank="drop"),
        "crd": CRD(**widths, width=4),
        "temporal_relation": TemporalRelation(**widths, width=4, embedding_width=4),
    }
    return Objective({name: Term(loss, weights.get(name, 1.0)) for name, loss in losses.items()})


def test_the_total_is_the_weighted_sum_of_the_unweighted_terms():
    found = report(Objective({"a": Term(Fixed(2.0), 3.0), "b": Term(Fixed(5.0), 0.5)}), example())
    assert found.total.item() == 3 * 2 + 0.5 * 5
    assert {name: term.item() for name, term in found.terms.items()} == {"a": 2, "b": 5}
    assert found.weights == {"a": 3, "b": 0.5}


def test_real_terms_add_up_and_can_be_differentiated_one_by_one():
    given, objective = example(), trkd(ctc=1.0, frame_kl=5.0, crd=3.0, temporal_relation=2.0)
    found = report(objective, given)
    assert list(found.terms) == ["ctc", "frame_kl", "crd", "temporal_relation"]
    expected = sum(found.weights[name] * term for name, term in found.terms.items())
    torch.testing.assert_close(found.total, expected)
    conv = given.student.taps["conv"].values
    (alone,) = torch.autograd.grad(found.terms["crd"], conv, retain_graph=True)
    (all_of_it,) = torch.autograd.grad(found.total, conv)
    torch.testing.assert_close(all_of_it, 3 * alone)


def test_a_term_of_weight_zero_is_never_computed():
    objective = Objective({"a": Term(Fixed(2.0)), "off": Term(Fixed(math.nan), 0.0)})
    found = report(objective, example())
    assert found.total.item() == 2
    assert set(found.terms) == {"a"}
    assert objective.losses["off"].calls == 0


def test_a_term_waits_for_its_start_and_is_then_computed():
    objective = Objective({"a": Term(Fixed(2.0)), "late": Term(Fixed(3.0), 2.0, Schedule(start_epoch=2))})
    totals = []
    for epoch in range(4):
        objective.set_epoch(epoch)
        totals.append(report(objective, example()).total.item())
    assert totals == [2, 2, 8, 8]
    assert objective.losses["late"].calls == 2


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Schedule(), [1, 1, 1, 1]),
        (Schedule(warmup_epochs=4), [0.25, 0.5, 0.75, 1, 1]),
        (Schedule(start_epoch=2, warmup_epochs=2), [0, 0, 0.5, 1, 1]),
        (Schedule(decay_start=1, decay_epochs=2), [1, 0.5, 0, 0]),
        (Schedule(decay_start=2, decay_epochs=4, final=0.2), [1, 1, 0.8, 0.6, 0.4, 0.2, 0.2]),
        (Schedule(warmup_epochs=2, decay_start=1, decay_epochs=2), [0.5, 0.5, 0]),
    ],
)
def test_schedules_rise_and_fall_in_straight_lines(schedule: Schedule, factors: list[float]):
    assert [schedule.factor(epoch) for epoch in range(len(factors))] == pytest.approx(factors)


def test_what_losses_learn_is_learned_by_the_objective_and_saved_with_it():
    objective = trkd()
    names = dict(objective.named_parameters())
    assert "losses.crd.student_projection.weight" in names
    assert "losses.temporal_relation.graphs.adjacencies.L.offsets" in names
    other = trkd()
    other.load_state_dict(objective.state_dict())
    given = example()
    assert torch.equal(report(other, given).total, report(objective, given).total)


def test_required_taps_are_those_of_the_terms_that_have_a_weight():
    objective = trkd()
    assert objective.required_taps().student == ("context", "conv", "logits")
    assert objective.required_taps().teacher == ("context", "conv", "logits")
    assert objective.needs_teacher
    without = trkd(crd=0.0, temporal_relation=0.0)
    assert without.required_taps().student == ("logits",)
    assert without.required_taps().teacher == ("logits",)
    baseline = trkd(frame_kl=0.0, crd=0.0, temporal_relation=0.0)
    assert not baseline.needs_teacher
    assert baseline.required_taps().teacher == ()


def test_a_term_that_starts_later_is_required_from_the_start():
    objective = Objective({"ctc": Term(CTC()), "kl": Term(FrameKL(), 1.0, Schedule(start_epoch=50))})
    objective.set_epoch(0)
    assert objective.needs_teacher
    assert objective.required_taps().teacher == ("logits",)


def test_streams_read_from_the_batch_are_named():
    assert trkd().required_streams() == ()
    warm = Objective({"keypoints": Term(KeypointRegression(student_width=STUDENT_WIDTH, joints=JOINTS))})
    assert warm.required_streams() == ("pose",)
    assert not warm.needs_teacher


def test_no_teacher_is_needed_where_no_term_compares():
    given = example()
    found = Objective({"ctc": Term(CTC())})(given.student, None, given.batch)
    assert found.total > 0


@pytest.mark.parametrize("name", ["a.b", "", "keys", "forward", "1st", "frame kl"])
def test_names_that_cannot_be_used_are_refused(name: str):
    with pytest.raises(ValueError, match="a loss cannot be called"):
        Objective({name: Term(Fixed(1.0))})


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_weights_are_zero_or_more(weight: float):
    with pytest.raises(ValueError, match="weight is"):
        Term(CTC(), weight)


@pytest.mark.parametrize("terms", [{}, {"a": Term(CTC(), 0.0)}])
def test_an_objective_without_weight_is_refused(terms: dict):
    with pytest.raises(ValueError, match="at least one loss"):
        Objective(terms)


def test_an_epoch_without_weight_is_refused():
    objective = Objective({"ctc": Term(CTC(), 1.0, Schedule(decay_start=3, decay_epochs=1))})
    objective.set_epoch(2)
    with pytest.raises(ValueError, match="in epoch 3 every loss has weight 0"):
        objective.set_epoch(3)


@pytest.mark.parametrize(
    ("arguments", "sentence"), [({"warmup_epochs": -1}, "warmup_epochs is -1"), ({"final": 1.5}, "final is 1.5")]
)
def test_senseless_schedules_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        Schedule(**arguments)


def test_the_terms_that_learn_from_transcripts_are_known():
    assert trkd().supervised == {"ctc"}
    assert Objective({"a": Term(CTC()), "b": Term(CTC(head="conv_logits")), "c": Term(Fixed(1.0))}).supervised == {
        "a",
        "b",
    }


def test_any_loss_can_say_that_it_learns_from_transcripts_or_labels():
    class Taught(Fixed):
        supervised = True

    assert Objective({"a": Term(Taught(1.0)), "b": Term(Fixed(1.0))}).supervised == {"a"}
    assert {loss for loss in vars(losses).values() if getattr(loss, "supervised", False)} == {
        losses.CTC, losses.CrossEntropy, losses.Focal, losses.PairwiseMargin
    }  # fmt: skip


def test_terms_with_a_weight_in_this_epoch_are_asked_what_they_measure():
    given, objective = example(), trkd(crd=0.0)
    assert set(objective.meters(given.student, given.teacher, given.batch)) == {"temporal_relation"}
    later = Objective({"ctc": Term(CTC()), "crd": Term(trkd().losses["crd"], 1.0, Schedule(start_epoch=1))})
    assert later.meters(given.student, given.teacher, given.batch) == {}
    later.set_epoch(1)
    found = later.meters(given.student, given.teacher, given.batch)
    assert set(found) == {"crd"}
    assert 0 <= found["crd"]["contrast_accuracy"] <= 1


def test_what_learned_relations_is_kept_and_nothing_else():
    objective = trkd()
    assert list(objective.kept) == ["temporal_relation"]
    assert objective.kept["temporal_relation"] is objective.losses["temporal_relation"]
    assert len(trkd(temporal_relation=0.0).kept) == 0
    assert set(objective.state_dict()) == {
        name for name in objective.state_dict() if name.startswith("losses.")
    }  # asking for it adds no second copy to what a training saves
