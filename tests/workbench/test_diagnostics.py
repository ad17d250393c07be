from __future__ import annotations

import io
import math
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from kd.losses import CRD, CTC, CRDBank, FrameKL, TemporalRelation
from kd.losses.base import Loss
from kd.objective import Objective, Term
from slr.types import Batch, NetOutput, Padded
from tests.workbench.tiny import CLASSES, TinyBatches, TinyNetwork, seed_everything
from workbench.diagnostics import add_up, diagnosed_batches, pulls, shares, understanding
from workbench.interrupts import Interrupted
from workbench.precision import Precision
from workbench.progress import PlainProgress
from workbench.record import MetricsFile
from workbench.rng import rng_state
from workbench.schedule import constant
from workbench.trainer import parameter_groups, train_stage
from workbench.training_types import StageOptions

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Report:
    terms: dict[str, Tensor]
    weights: dict[str, float]


class Weights(nn.Module):
    """Three weights that learn, and one that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.other = nn.Parameter(torch.tensor(3.0))
        self.frozen = nn.Parameter(torch.tensor(5.0), requires_grad=False)


@pytest.mark.parametrize("scale", [1.0, 1024.0])
def test_gradients_are_measured_with_their_weight_and_held_against_those_of_ctc(scale: float) -> None:
    network = Weights()
    terms = {
        "ctc": network.one @ torch.tensor([3.0, 0.0]),  # gradient (3, 0, 0)
        "kd": network.one @ torch.tensor([1.0, 1.0]) * network.frozen,  # (5, 5, 0), halved
        "away": -network.one[0] + 2 * network.other,  # (-1, 0, 2), doubled
        "elsewhere": nn.Parameter(torch.ones(())) * 2,  # of a projection: nothing of the network
        "constant": torch.tensor(7.0),
    }
    report = Report(terms, {"ctc": 1.0, "kd": 0.5, "away": 2.0, "elsewhere": 1.0, "constant": 1.0})
    found = shares(pulls(report, {"ctc", "of another epoch"}, network, scale))["terms"]
    assert found["ctc"] == {"weight": 1.0, "gradient": 3.0, "cosine": pytest.approx(1.0)}
    assert found["kd"] == {
        "weight": 0.5, "gradient": pytest.approx(math.hypot(2.5, 2.5)), "cosine": pytest.approx(math.sqrt(0.5))
    }  # fmt: skip
    assert found["away"] == {
        "weight": 2.0, "gradient": pytest.approx(math.hypot(2, 4)), "cosine": pytest.approx(-1 / math.sqrt(5))
    }  # fmt: skip
    assert found["elsewhere"] == found["constant"] == {"weight": 1.0, "gradient": 0.0}
    sum(terms.values()).backward()  # the graph is still there
    assert all(weight.grad is not None for weight in (network.one, network.other))


def test_several_supervised_terms_are_held_against_by_their_sum() -> None:
    network = Weights()
    terms = {"ctc": network.one[0] * 3, "ctc_conv": network.one[1] * 4, "kd": network.one[1] * 2}
    found = shares(pulls(Report(terms, dict.fromkeys(terms, 1.0)), {"ctc", "ctc_conv"}, network))["terms"]
    assert [found[name]["cosine"] for name in terms] == [pytest.approx(each) for each in (3 / 5, 4 / 5, 4 / 5)]


def test_without_a_supervised_term_there_is_nothing_to_hold_against() -> None:
    network = Weights()
    found = shares(pulls(Report({"kd": network.other * 2}, {"kd": 1.0}), {"ctc"}, network))
    assert found == {"terms": {"kd": {"weight": 1.0, "gradient": 2.0}}}


def test_a_gradient_that_is_not_finite_is_left_out() -> None:
    network = Weights()
    terms = {"ctc": network.other * 1, "root": (network.one * 0).sum().sqrt()}
    found = shares(pulls(Report(terms, dict.fromkeys(terms, 1.0)), {"ctc"}, network))["terms"]
    assert found == {"ctc": {"weight": 1.0, "gradient": 1.0, "cosine": 1.0}, "root": {"weight": 1.0}}


def written(*clips: str, sure: float = 9.0, classes: int = 4) -> NetOutput:
    """Logits that write a class a step, such as ``"0112"``."""
    rows = [torch.zeros(len(clip), classes) for clip in clips]
    for row, clip in zip(rows, clips, strict=True):
        for step, label in enumerate(clip):
            row[step, int(label)] = sure
    logits = Padded.from_list(rows)
    return NetOutput(Padded(torch.where(logits.expanded_mask(), logits.values, torch.nan), logits.lengths))


def spoken(*clips: str) -> Batch:
    glosses = Padded.from_list([torch.tensor([int(gloss) for gloss in clip], dtype=torch.int64) for clip in clips])
    frames = Padded.from_list([torch.arange(8) for _ in clips])
    return Batch(tuple(f"clip-{row}" for row in range(len(clips))), glosses, frames)


def test_what_student_and_teacher_read_is_held_against_the_transcripts() -> None:
    batch = spoken("12", "3", "11")
    teacher, student = written("0112", "033", "10100"), written("0100", "0333", "220")
    found = understanding(student, teacher, batch)
    assert found["teacher.wer"] == (0, 5)
    assert found["student.wer"] == (1 + 0 + 2, 5)
    # Where the teacher is sure, its alignment is what it writes; the student sees 4, 4 and 3 steps of it.
    labels = ["0112", "0333", "110"]  # the third from 10100, of which the first, the third and the last step are taken
    said = ["0100", "0333", "220"]
    pairs = [pair for label, own in zip(labels, said, strict=True) for pair in zip(label, own, strict=True)]
    assert found["pseudo_labels.all"] == (sum(a == b for a, b in pairs), len(pairs))
    assert shares(found)["pseudo_labels"]["non_blank"] == found["pseudo_labels.non_blank"][0] / 8


def test_the_entropy_is_that_of_a_step_in_nats() -> None:
    unsure = NetOutput(Padded.from_list([torch.zeros(3, 4), torch.zeros(1, 4)]))
    found = shares(understanding(unsure, unsure, spoken("1", "2")))
    assert found["teacher"]["entropy"] == pytest.approx(math.log(4))
    certain = NetOutput(Padded(torch.tensor([[[0.0, -math.inf, -math.inf]]]), torch.tensor([1])))
    assert understanding(certain, certain, spoken(""))["teacher.entropy"] == (0.0, 1)


def test_clips_that_the_teacher_cannot_align_are_left_out() -> None:
    never = written("00")
    never.logits.values[..., 1] = -math.inf
    student = written("00")
    for teacher, transcript in (
        (written("1"), "11"),
        (never, "1"),
        (NetOutput(Padded(torch.zeros(1, 0, 4), torch.tensor([0]))), ""),
    ):
        found = shares(understanding(student, teacher, spoken(transcript)))
        assert "pseudo_labels" not in found


def test_a_teacher_of_other_classes_is_asked_for_its_entropy_alone() -> None:
    found = shares(understanding(written("01"), written("01", classes=3, sure=0.0), spoken("1")))
    assert set(found) == {"teacher", "student"}
    assert found["teacher"] == {"entropy": pytest.approx(math.log(3))}


def test_shares_of_several_batches_are_pooled_and_those_of_nothing_left_out() -> None:
    total: dict[str, list[float]] = {}
    add_up(total, {"teacher.wer": (1, 4), "a": (2, 0)})
    add_up(total, {"teacher.wer": (2, 2), "student.wer": (1, 1)})
    assert shares(total) == {"teacher": {"wer": 3 / 6}, "student": {"wer": 1.0}}


@pytest.mark.parametrize(
    ("every", "epochs", "diagnosed"),
    [(0, 7, []), (1, 3, [0, 1, 2]), (5, 7, [0, 5, 6]), (5, 11, [0, 5, 10]), (9, 1, [0])],
)
def test_the_first_epoch_every_few_and_the_last_are_diagnosed(every: int, epochs: int, diagnosed: list[int]) -> None:
    found = [diagnosed_batches(epoch=e, epochs=epochs, every=every, batches=1, count=9) for e in range(epochs)]
    assert [epoch for epoch, batches in enumerate(found) if batches] == diagnosed
    assert all(batches in (frozenset(), {4}) for batches in found)


@pytest.mark.parametrize(
    ("batches", "count", "chosen"), [(1, 1, {0}), (2, 8, {2, 6}), (3, 2, {0, 1}), (4, 4, {0, 1, 2, 3})]
)
def test_the_batches_to_diagnose_lie_evenly_in_the_epoch(batches: int, count: int, chosen: set[int]) -> None:
    assert diagnosed_batches(epoch=0, epochs=1, every=1, batches=batches, count=count) == chosen


class Against(Loss):
    """Minus CTC: whatever is learned of the transcripts, it undoes."""

    def __init__(self) -> None:
        super().__init__()
        self.student_taps = ("logits",)
        self.ctc = CTC()

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        return -self.ctc.compute(student, teacher, batch)


class Drawing(Loss):
    """A loss whose meters draw random numbers, as nobody should."""

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        return student.logits.values.sum() * 0

    def meters(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> dict[str, float]:
        return {"drawn": float(torch.rand(5).sum())}


WIDTHS = {"student_width": 8, "teacher_width": 8, "tap": "inner", "width": 4}


def every_kind() -> dict[str, Term]:
    return {
        "ctc": Term(CTC()),
        "kd": Term(FrameKL(), 2.0),
        "crd": Term(CRD(**WIDTHS, negatives="queue", queue_length=16)),
        "bank": Term(CRDBank(**WIDTHS, clips=40, num_negatives=4)),
        "trkd": Term(TemporalRelation(**WIDTHS, embedding_width=4)),
        "drawing": Term(Drawing()),
    }


class Distillation:
    """A stage with a teacher, on clips that a person can count; ``log`` and ``rows`` are what it said and wrote."""

    def __init__(self, terms: dict[str, Term], teacher: Any = None, folder: Path | None = None, **options: Any) -> None:
        self.network, self.objective = TinyNetwork(dropout=0.3), Objective(terms)
        self.optimizer = torch.optim.AdamW(parameter_groups(self.network, self.objective), lr=0.02)
        self.teacher = TinyNetwork().eval() if teacher is None else teacher
        self.log = io.StringIO()
        self.folder = folder
        self.options = {"name": "student", "epochs": 3, "diagnose_every": 1, **options}
        self.rows: list[dict[str, Any]] = []

    def train(self, batches: Any = None, precision: str = "float32") -> Distillation:
        result = train_stage(
            self.network,
            self.objective,
            batches or TinyBatches((3, 2), wild=True),
            self.optimizer,
            constant(),
            StageOptions(**self.options),
            precision=Precision(precision, CPU),
            teacher=self._answer,
            progress=PlainProgress(self.log),
            state_file=self.folder / "state.safetensors" if self.folder else None,
            rows=MetricsFile(self.folder / "metrics.jsonl") if self.folder else None,
        )
        self.rows = list(result.history)
        return self

    def _answer(self, batch: Batch) -> NetOutput:
        return self.teacher(batch.stream("pose")) if isinstance(self.teacher, nn.Module) else self.teacher(batch)

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.log.getvalue().splitlines() if line.startswith("WARNING")]


def distilled(**options: Any) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Everything that a training leaves: the state of all its parts, of the generators, and its rows."""
    seed_everything(1)
    done = Distillation(every_kind(), **options).train()
    state = {
        "network": done.network.state_dict(),
        "objective": done.objective.state_dict(),
        "optimizer": done.optimizer.state_dict()["state"],
    }
    return state, rng_state(), done.rows


def assert_same(one: Any, two: Any, place: str = "") -> None:
    assert type(one) is type(two), place
    if isinstance(one, dict):
        assert one.keys() == two.keys(), place
        for key in one:
            assert_same(one[key], two[key], f"{place}/{key}")
    else:
        assert torch.equal(one, two) if isinstance(one, Tensor) else one == two, place


@pytest.mark.parametrize("accumulate", [1, 2])
def test_diagnostics_change_no_bit_of_a_training(accumulate: int) -> None:
    state, chance, rows = distilled(accumulate=accumulate, diagnose_every=0)
    watched, same_chance, told = distilled(accumulate=accumulate, diagnose_every=1, diagnose_batches=9)
    assert_same(watched, state)
    assert_same(same_chance, chance)
    assert all("diagnostics" in row for row in told)
    timed = {"seconds", "waiting", "diagnostics", "alarms"}
    assert [{key: row[key] for key in row.keys() - timed} for row in told] == [
        {key: row[key] for key in row.keys() - timed} for row in rows
    ]


def test_a_distillation_is_diagnosed_in_full() -> None:
    _, _, rows = distilled(diagnose_batches=2)
    for row in rows:
        found = row["diagnostics"]
        assert set(found) == {"terms", "teacher", "student", "pseudo_labels"}
        assert set(found["terms"]) == {"ctc", "kd", "crd", "bank", "trkd", "drawing"}
        assert found["terms"]["ctc"]["cosine"] == pytest.approx(1.0)
        assert found["terms"]["kd"]["weight"] == 2.0
        assert all(0 <= found["terms"][name]["contrast_accuracy"] <= 1 for name in ("crd", "trkd"))
        assert set(found["teacher"]) == {"entropy", "wer"}
        assert set(found["pseudo_labels"]) == {"all", "non_blank", "dense"}
    assert "contrast_accuracy" in rows[-1]["diagnostics"]["terms"]["crd"]


def test_only_epochs_that_are_due_are_diagnosed() -> None:
    _, _, rows = distilled(epochs=4, diagnose_every=2)
    assert ["diagnostics" in row for row in rows] == [True, False, True, True]


def test_gradients_are_those_of_a_backward_pass_of_the_term_alone() -> None:
    seed_everything(1)
    lesson = Distillation({"ctc": Term(CTC()), "kd": Term(FrameKL(), 3.0)}, epochs=1)
    batch = TinyBatches((1,), wild=True).batch(0, 0)
    twin, judge = TinyNetwork(dropout=0.0), lesson.objective
    twin.load_state_dict(lesson.network.state_dict())
    lesson.network.dropout.p = 0.0
    vectors = {}
    for name in ("ctc", "kd"):
        twin.zero_grad()
        report = judge(twin.train()(batch.stream("pose")), lesson._answer(batch), batch)
        (report.weights[name] * report.terms[name]).backward()
        vectors[name] = torch.cat([weight.grad.flatten() for weight in twin.parameters()])
    found = lesson.train(TinyBatches((1,))).rows[0]["diagnostics"]["terms"]
    for name, vector in vectors.items():
        assert found[name]["gradient"] == pytest.approx(float(vector.norm()), rel=1e-4)
    cosine = torch.nn.functional.cosine_similarity(vectors["kd"], vectors["ctc"], dim=0)
    assert found["kd"]["cosine"] == pytest.approx(float(cosine), rel=1e-4)


def test_half_precision_is_diagnosed_too() -> None:
    done = Distillation(every_kind()).train(precision="bfloat16")
    assert all(term["gradient"] >= 0 for row in done.rows for term in row["diagnostics"]["terms"].values())


class Stopping(TinyBatches):
    """Sends the process a SIGTERM while a batch is being made."""

    def __init__(self, when: tuple[int, int]) -> None:
        super().__init__((3, 2), wild=True)
        self.when = when

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        for index, batch in enumerate(super().epoch(epoch, first), start=first):
            if (epoch, index) == self.when:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGTERM")
@pytest.mark.parametrize("when", [(0, 1), (0, 2), (1, 1), (2, 0)])
def test_a_training_that_was_stopped_is_diagnosed_like_one_that_was_not(tmp_path: Path, when: tuple[int, int]) -> None:
    state, _, rows = distilled(diagnose_batches=2)
    seed_everything(1)
    with pytest.raises(Interrupted):
        Distillation(every_kind(), folder=tmp_path, diagnose_batches=2).train(Stopping(when))
    seed_everything(1)
    done = Distillation(every_kind(), folder=tmp_path, diagnose_batches=2).train()
    assert_same(done.network.state_dict(), state["network"])
    assert [row["diagnostics"] for row in done.rows] == [row["diagnostics"] for row in rows]


def test_a_loss_that_is_minus_ctc_is_seen_to_fight_it() -> None:
    done = Distillation({"ctc": Term(CTC()), "against": Term(Against(), 0.5), "kd": Term(FrameKL())}, epochs=4).train()
    terms = done.rows[0]["diagnostics"]["terms"]
    assert terms["against"]["cosine"] == pytest.approx(-1.0)
    assert terms["against"]["gradient"] == pytest.approx(0.5 * terms["ctc"]["gradient"], rel=1e-4)
    (warning,) = [line for line in done.warnings if "against CTC" in line]
    assert "student: the loss 'against' pulls against CTC" in warning
    assert "-1.00, -1.00, -1.00 in the epochs 1, 2, 3" in warning
    assert ["alarms" in row for row in done.rows] == [False, False, True, False]


def test_a_loss_of_a_huge_weight_is_seen_to_drown_the_rest() -> None:
    done = Distillation({"ctc": Term(CTC()), "kd": Term(FrameKL(), 1e4)}).train()
    (warning,) = done.warnings
    assert "student: the loss 'kd' pulls at the student" in warning
    assert "times as hard as all others together (epochs 1, 2, 3)" in warning
    assert done.rows[-1]["alarms"] == [warning.removeprefix("WARNING: student: ")]


class SameClips(TinyBatches):
    """The same two clips over and over, which can be learned by heart."""

    def batch(self, epoch: int, index: int) -> Batch:
        batch = super().batch(0, 0)
        return replace(batch, glosses=Padded.from_list([torch.tensor([1, 2]), torch.tensor([2, 1])]))


def test_a_teacher_that_reads_worse_than_the_student_is_noticed() -> None:
    """The student knows the clips by heart; the teacher writes a gloss that nobody signed."""

    def teacher(batch: Batch) -> NetOutput:
        logits = torch.zeros(*batch.stream("pose").values.shape[:2], CLASSES)
        logits[..., 3] = 5.0
        return NetOutput(Padded(logits, batch.stream("pose").lengths))

    seed_everything(1)
    lesson = Distillation({"ctc": Term(CTC()), "kd": Term(FrameKL(), 1e-3)}, teacher, epochs=24)
    lesson.network.dropout.p = 0.0
    done = lesson.train(SameClips((4,)))
    read = done.rows[-1]["diagnostics"]
    assert read["student"]["wer"] < read["teacher"]["wer"] == 1.0
    (warning,) = [line for line in done.warnings if "the teacher reads" in line]
    assert (
        "the teacher reads the training clips worse than the student does (WER 100.0, 100.0, 100.0 % against" in warning
    )


def test_a_sound_distillation_gives_no_alarm() -> None:
    taught = Distillation({"ctc": Term(CTC())}, epochs=20, diagnose_every=0).train(SameClips((4,)))
    student = Distillation({"ctc": Term(CTC()), "kd": Term(FrameKL())}, taught.network.eval(), epochs=5)
    found = student.train(SameClips((4,))).rows[0]["diagnostics"]
    assert found["teacher"]["wer"] < found["student"]["wer"]
    assert student.warnings == []
