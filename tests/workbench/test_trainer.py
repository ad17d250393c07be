from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from kd.losses import CTC, FrameKL
from kd.objective import Objective, Schedule, Term
from kd.teacher import FrozenTeacher
from slr.types import Batch, NetOutput, Padded
from tests.workbench.tiny import TinyBatches, TinyNetwork, TinyObjective, TinyReport
from workbench import trainer
from workbench.precision import Precision, choose_precision
from workbench.progress import PlainProgress
from workbench.record import MetricsFile
from workbench.schedule import constant, cosine
from workbench.tensor_file import read_tree
from workbench.trainer import parameter_groups, train_stage
from workbench.training_types import DevScore, NonFiniteError, StageOptions, StageResult
from workbench.watch import PlateauWatch

CPU = torch.device("cpu")


def train(
    network: nn.Module,
    objective: nn.Module,
    batches: Any,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    schedule: Callable[[float], float] | None = None,
    precision: Precision | None = None,
    teacher: Any = None,
    evaluate: Any = None,
    state_file: Path | None = None,
    rows: Any = None,
    log: io.StringIO | None = None,
    watch: PlateauWatch | None = None,
    **options: Any,
) -> StageResult:
    return train_stage(
        network,
        objective,
        batches,
        optimizer or torch.optim.SGD(parameter_groups(network, objective), lr=0.1),
        schedule or constant(),
        StageOptions(**{"name": "student", "epochs": 1, **options}),
        precision=precision or choose_precision("auto", CPU),
        teacher=teacher,
        evaluate=evaluate,
        state_file=state_file,
        rows=rows,
        progress=PlainProgress(log or io.StringIO()),
        watch=watch,
    )


def by_hand(
    network: nn.Module,
    objective: nn.Module,
    batches: TinyBatches,
    *,
    epochs: int,
    accumulate: int,
    clip: float,
    schedule: Any,
) -> None:
    """Plain gradient descent, written out with gradients of one batch at a time."""
    weights = [*network.parameters(), *objective.parameters()]
    for epoch in range(epochs):
        objective.set_epoch(epoch)  # type: ignore[operator]
        count = batches.count(epoch)
        groups = [range(start, min(start + accumulate, count)) for start in range(0, count, accumulate)]
        for number, group in enumerate(groups):
            gradient: list[Tensor] = [torch.zeros_like(weight) for weight in weights]
            for index in group:
                batch = batches.batch(epoch, index)
                total = objective(network(batch.stream("pose")), None, batch).total
                for sum_so_far, part in zip(gradient, torch.autograd.grad(total, weights), strict=True):
                    sum_so_far += part / len(group)
            length = math.sqrt(sum(float(part.double().square().sum()) for part in gradient))
            rate = 0.1 * schedule((epoch + number / len(groups)) / epochs)
            with torch.no_grad():
                for weight, part in zip(weights, gradient, strict=True):
                    weight.sub_(rate * part * min(1.0, clip / length))


def close(one: nn.Module, two: nn.Module, tolerance: float = 1e-5) -> None:
    for (name, a), b in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance), name


@pytest.mark.parametrize("clip", [0.5, None])
@pytest.mark.parametrize("accumulate", [1, 3, 7])
def test_training_is_gradient_descent_written_out_by_hand(accumulate: int, clip: float | None) -> None:
    network, objective = TinyNetwork(), TinyObjective()
    expected, judge = copy.deepcopy(network), copy.deepcopy(objective)
    batches, schedule = TinyBatches((5, 4)), cosine(warmup=0.3)
    train(network, objective, batches, schedule=schedule, epochs=2, accumulate=accumulate, clip_grad_norm=clip)
    by_hand(expected, judge, batches, epochs=2, accumulate=accumulate, clip=clip or math.inf, schedule=schedule)
    close(network, expected)
    close(objective, judge)


def test_two_batches_accumulated_are_one_step_on_the_mean() -> None:
    network, objective = TinyNetwork(), TinyObjective()
    result = train(network, objective, TinyBatches((5,)), accumulate=2)
    assert result.steps == 3


def test_the_optimiser_gets_network_and_objective_as_two_groups_without_what_is_frozen() -> None:
    network, objective = TinyNetwork(), TinyObjective()
    network.inner.requires_grad_(False)
    first, second = parameter_groups(network, objective)
    assert {id(weight) for weight in first["params"]} == {
        id(weight) for name, weight in network.named_parameters() if not name.startswith("inner")
    }
    assert second["params"] == list(objective.parameters())
    assert len(parameter_groups(network, nn.Module())) == 1


def test_rates_of_both_groups_follow_the_schedule() -> None:
    network, objective = TinyNetwork(), TinyObjective()
    seen: list[list[float]] = []

    class Watching(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            seen.append([group["lr"] for group in self.param_groups])

    groups = parameter_groups(network, objective)
    groups[1]["lr"] = 0.5
    train(network, objective, TinyBatches((2,)), optimizer=Watching(groups, lr=0.1), schedule=lambda p: 1 - p, epochs=2)
    assert seen == [pytest.approx([0.1 * (1 - p), 0.5 * (1 - p)]) for p in (0, 0.25, 0.5, 0.75)]


class Scheduled(nn.Identity):
    """A layer that changes with the epoch, somewhere in a network."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


def test_a_module_inside_the_network_is_told_every_epoch_and_after_a_resume_too(tmp_path: Path) -> None:
    state_file = tmp_path / "state.safetensors"

    def told(stop_at: int) -> list[int]:
        network = TinyNetwork()
        network.dropout = Scheduled()  # type: ignore[assignment]

        def evaluate(judged: nn.Module) -> DevScore:
            assert len(network.dropout.epochs) < stop_at, "stopped"
            return DevScore(0.5)

        with pytest.raises(AssertionError, match="stopped") if stop_at < 9 else nullcontext():
            train(network, TinyObjective(), TinyBatches((2,)), epochs=3, state_file=state_file, evaluate=evaluate)
        return network.dropout.epochs

    assert told(stop_at=2) == [0, 1]
    assert told(stop_at=9) == [1, 2]


def test_gradients_left_over_from_before_do_not_count() -> None:
    network, objective = TinyNetwork(), TinyObjective()
    other, judge = copy.deepcopy(network), copy.deepcopy(objective)
    for weight in other.parameters():
        weight.grad = torch.full_like(weight, 9.0)
    train(network, objective, TinyBatches((1,)))
    train(other, judge, TinyBatches((1,)))
    close(network, other, tolerance=0.0)


def test_an_epoch_is_recorded_as_it_was(tmp_path: Path) -> None:
    network, objective, batches = TinyNetwork(), TinyObjective(), TinyBatches((3,))
    copied, judge = copy.deepcopy(network), copy.deepcopy(objective)
    judge.set_epoch(0)
    losses, terms, blanks, steps = [], [], 0, 0
    for index in range(3):
        batch = batches.batch(0, index)
        output = copied(batch.stream("pose"))
        report = judge(output, None, batch)
        losses.append(report.total.item())
        terms.append({name: value.item() for name, value in report.terms.items()})
        for clip, length in enumerate(output.logits.lengths.tolist()):
            for step in range(length):
                blanks += int(output.logits.values[clip, step].argmax()) == 0
                steps += 1
    metrics = MetricsFile(tmp_path / "metrics.jsonl")
    frozen = torch.optim.SGD(parameter_groups(network, objective), lr=0.0)
    train(network, objective, batches, optimizer=frozen, rows=metrics)
    (row,) = metrics.rows()
    assert (row["stage"], row["epoch"], row["step"], row["clips"], row["lr"]) == ("student", 1, 3, 6, 0.0)
    assert row["loss"] == pytest.approx(sum(losses) / 3, rel=1e-5)
    for name in ("ctc", "feature"):
        assert row["terms"][name] == pytest.approx(sum(entry[name] for entry in terms) / 3, rel=1e-5)
    assert row["blank_rate"] == pytest.approx(blanks / steps)
    assert row["grad_norm"] > 0
    assert row["skipped_steps"] == 0
    assert 0 < row["seconds"] < 60
    assert 0 <= row["waiting"] <= 1
    assert "dev" not in row


def test_time_spent_waiting_for_data_is_told_from_time_spent_learning() -> None:
    import time

    class Slow(TinyBatches):
        def epoch(self, epoch: int, first: int = 0) -> Iterator[Batch]:
            for batch in super().epoch(epoch, first):
                time.sleep(0.1)
                yield batch

    (row,) = train(TinyNetwork(), TinyObjective(), Slow((3,))).history
    assert row["seconds"] > 0.3
    assert row["seconds"] * row["waiting"] == pytest.approx(0.3, abs=0.15)


def scores(*values: float) -> Callable[[nn.Module], DevScore]:
    given = iter(values)
    return lambda network: DevScore(next(given), details={"sub": 1})


def test_the_network_ends_with_the_weights_of_its_best_epoch() -> None:
    network, objective = TinyNetwork(), TinyObjective()
    kept: list[dict[str, Tensor]] = []

    def evaluate(candidate: nn.Module) -> DevScore:
        kept.append(copy.deepcopy(candidate.state_dict()))
        return DevScore([0.9, 0.4, 0.4, 0.7][len(kept) - 1])

    result = train(network, objective, TinyBatches((2,)), epochs=4, evaluate=evaluate)
    assert (result.best_epoch, result.best) == (2, DevScore(0.4))  # of two equals the earlier
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in kept[1].items())
    assert not torch.equal(network.head.weight, kept[3]["head.weight"])


def test_dev_is_looked_at_every_few_epochs_and_at_the_end(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "m.jsonl")
    evaluate = scores(0.5, 0.6, 0.3)
    train(
        TinyNetwork(), TinyObjective(), TinyBatches((1,)), epochs=5, evaluate_every=2, evaluate=evaluate, rows=metrics
    )
    assert [row.get("dev") for row in metrics.rows()] == [
        None,
        {"WER": 0.5, "sub": 1},
        None,
        {"WER": 0.6, "sub": 1},
        {"WER": 0.3, "sub": 1},
    ]
    assert [row.get("best") for row in metrics.rows()] == [None, True, None, False, True]


def test_without_a_dev_split_the_last_epoch_is_the_best() -> None:
    result = train(TinyNetwork(), TinyObjective(), TinyBatches((1,)), epochs=3)
    assert (result.best_epoch, result.best) == (3, None)


def test_a_dev_score_nobody_can_have_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="the dev WER of epoch 1 is nan, which is no score"):
        train(TinyNetwork(), TinyObjective(), TinyBatches((1,)), evaluate=scores(math.nan))


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_a_loss_that_is_not_finite_stops_before_the_step(value: float, shown: str) -> None:
    network, objective = TinyNetwork(), TinyObjective(poison={1: value})
    optimizer = torch.optim.AdamW(parameter_groups(network, objective), lr=0.1)
    kept: list[Any] = []

    def evaluate(candidate: nn.Module) -> DevScore:
        kept.append(
            ([copy.deepcopy(weight) for weight in candidate.parameters()], copy.deepcopy(optimizer.state_dict()))
        )
        return DevScore(0.5)

    with pytest.raises(NonFiniteError) as caught:
        train(network, objective, TinyBatches((3,)), optimizer=optimizer, epochs=2, evaluate=evaluate)
    assert str(caught.value) == (
        f"student stopped before step 4, in epoch 2 of 2: the loss term 'ctc' is {shown} on the clips clip-1-0-0, "
        "clip-1-0-1; the weights have not moved, so look at these clips, lower the learning rate, or train in float32"
    )
    weights, state = kept[0]
    assert all(torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True))
    assert all(
        torch.equal(state["state"][key]["exp_avg"], entry["exp_avg"])
        for key, entry in optimizer.state_dict()["state"].items()
    )


class Weird(TinyObjective):
    """A finite loss of which the total, or only the gradient, is not finite."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def forward(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> TinyReport:
        report = super().forward(student, teacher, batch)
        if self.what == "total":
            return TinyReport(report.total * math.inf, report.terms)
        # The root has value 0 and an infinite slope at 0.
        extra = (student.taps["inner"].values * 0).abs().sum().sqrt()
        return TinyReport(report.total + extra, {**report.terms, "root": extra})


def test_a_total_that_is_not_finite_is_named_when_all_terms_are() -> None:
    with pytest.raises(NonFiniteError, match=r"epoch 1 of 1: the loss is inf on the clips"):
        train(TinyNetwork(), Weird("total"), TinyBatches((1,)))


def test_a_gradient_that_is_not_finite_stops_before_the_step_and_names_the_parameter() -> None:
    network = TinyNetwork()
    before = copy.deepcopy(list(network.parameters()))
    with pytest.raises(NonFiniteError) as caught:
        train(network, Weird("gradient"), TinyBatches((2,)))
    assert (
        "before step 1, in epoch 1 of 1: the gradient of network.inner.weight (and of 3 more parameters) is not"
        in str(caught.value)
    )
    assert "on the clips clip-0-0-0, clip-0-0-1;" in str(caught.value)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_many_clips_are_not_all_named() -> None:
    with pytest.raises(NonFiniteError, match=r"clip-0-0-7 and 3 more; the weights"):
        train(TinyNetwork(), TinyObjective(poison={0: math.nan}), TinyBatches((1,), clips=11))


def test_an_empty_training_split_is_refused() -> None:
    with pytest.raises(ValueError, match="student: epoch 1 has no batch, because the training split is empty"):
        train(TinyNetwork(), TinyObjective(), TinyBatches((0,)))


def test_a_loss_that_nothing_can_lower_is_refused() -> None:
    network, objective = TinyNetwork().requires_grad_(False), TinyObjective().requires_grad_(False)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(ValueError, match="nothing can be learned: no parameter that learns takes part in the loss"):
        train(network, objective, TinyBatches((1,)), optimizer=optimizer)


class Looking(TinyObjective):
    """Notes under what conditions it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.autocast: list[bool] = []
        self.teachers: list[NetOutput | None] = []

    def forward(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> TinyReport:
        self.autocast.append(torch.is_autocast_enabled("cpu"))
        self.teachers.append(teacher)
        assert self.training
        return super().forward(student, teacher, batch)


def test_mixed_precision_ends_with_the_forward_pass_of_the_network() -> None:
    network, objective = TinyNetwork(), Looking()
    dtypes = []
    network.head.register_forward_hook(lambda module, inputs, output: dtypes.append(output.dtype))
    train(network, objective, TinyBatches((2,)), precision=Precision("bfloat16", CPU))
    assert dtypes == [torch.bfloat16] * 2
    assert objective.autocast == [False, False]
    assert all(weight.dtype == torch.float32 for weight in network.parameters())


def test_the_teacher_answers_outside_autocast_and_without_gradients() -> None:
    teacher_network = TinyNetwork()
    states: list[tuple[bool, bool]] = []

    def teacher(batch: Batch) -> NetOutput:
        states.append((torch.is_autocast_enabled("cpu"), torch.is_grad_enabled()))
        return teacher_network(batch.stream("pose"))

    objective = Looking()
    before = copy.deepcopy(teacher_network.state_dict())
    (row,) = train(
        TinyNetwork(), objective, TinyBatches((2,)), teacher=teacher, precision=Precision("bfloat16", CPU)
    ).history
    assert states == [(False, False)] * 2
    assert all(output is not None and not output.logits.values.requires_grad for output in objective.teachers)
    assert set(row["terms"]) == {"ctc", "feature", "logits"}
    assert all(
        torch.equal(before[name], value) for name, value in teacher_network.state_dict().items() if "norm" not in name
    )


def float16(monkeypatch: pytest.MonkeyPatch, scale: float) -> Precision:
    """Loss scaling as under float16, on a CPU; the forward pass stays in float32 to keep numbers comparable."""
    monkeypatch.setattr(Precision, "scaler", lambda self: torch.amp.GradScaler("cpu", init_scale=scale))
    return Precision("float32", CPU)


def test_scaled_gradients_train_the_same_network(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, objective = TinyNetwork(), TinyObjective()
    scaled, judge = copy.deepcopy(plain), copy.deepcopy(objective)
    first = train(plain, objective, TinyBatches((4,)), clip_grad_norm=0.5, accumulate=2)
    second = train(
        scaled, judge, TinyBatches((4,)), clip_grad_norm=0.5, accumulate=2, precision=float16(monkeypatch, 1024.0)
    )
    close(plain, scaled)
    assert second.history[0]["grad_norm"] == pytest.approx(first.history[0]["grad_norm"], rel=1e-4)


def test_steps_that_the_scaler_skips_are_counted_and_its_scale_is_saved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network, objective = TinyNetwork(), TinyObjective(poison={0: 30.0})
    log = io.StringIO()
    result = train(
        network,
        objective,
        TinyBatches((8,)),
        precision=float16(monkeypatch, 2.0**127),  # gradients of such a loss overflow
        state_file=tmp_path / "s.safetensors",
        log=log,
    )
    assert result.history[0]["skipped_steps"] > 0
    assert result.steps == 8 - result.history[0]["skipped_steps"]
    assert f"{result.history[0]['skipped_steps']} steps skipped" in log.getvalue()
    scale = read_tree(tmp_path / "s.safetensors")["trainee"]["scaler"]["scale"]
    assert scale == 2.0 ** (127 - result.history[0]["skipped_steps"])


def test_skipping_ends_when_it_helps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "MAX_SKIPPED_STEPS", 3)
    with pytest.raises(
        NonFiniteError, match=r"the gradient of network.inner.weight .* is not finite on the clips clip-0-3-0"
    ):
        train(TinyNetwork(), Weird("gradient"), TinyBatches((9,)), precision=float16(monkeypatch, 1024.0))


def test_alarms_are_given_once_loudly_and_on_record(tmp_path: Path) -> None:
    log, metrics = io.StringIO(), MetricsFile(tmp_path / "m.jsonl")
    train(
        TinyNetwork(),
        TinyObjective(),
        TinyBatches((1,)),
        epochs=6,
        evaluate=scores(*[1.0] * 6),
        log=log,
        rows=metrics,
        watch=PlateauWatch(max_blank_rate=1.0),
    )
    assert log.getvalue().count("WARNING: student: the dev WER is still 100.0 % after 2 of 6 epochs") == 1
    assert log.getvalue().count("WARNING") == 1
    assert [len(row.get("alarms", [])) for row in metrics.rows()] == [0, 1, 0, 0, 0, 0]


def test_an_epoch_is_told_in_one_line() -> None:
    log = io.StringIO()
    train(TinyNetwork(), TinyObjective(), TinyBatches((2,)), epochs=2, evaluate=scores(0.5, 0.25), log=log)
    first, second = log.getvalue().splitlines()
    for part in (
        "student  epoch 1/2  loss ",
        "(ctc ",
        ", feature ",
        "  grad ",
        "  blank ",
        " %  dev WER 50.0 % best  ",
    ):
        assert part in first
    assert " s (" in first
    assert first.endswith("% waiting for data)")
    assert "dev WER 25.0 % best" in second


def test_the_objective_of_the_project_and_a_frozen_teacher_fit_the_loop() -> None:
    teacher = FrozenTeacher(TinyNetwork(), "made for this test")
    objective = Objective(
        {"ctc": Term(CTC()), "frame_kl": Term(FrameKL(temperature=2.0), 2.0, Schedule(start_epoch=1))}
    )
    result = train(TinyNetwork(), objective, TinyBatches((2,)), epochs=2, teacher=teacher)
    assert [set(row["terms"]) for row in result.history] == [{"ctc"}, {"ctc", "frame_kl"}]
    assert all(not weight.requires_grad for weight in teacher.parameters())


def test_padding_does_not_count_in_the_blank_rate() -> None:
    class Fixed(TinyNetwork):
        def forward(self, stream: Padded) -> NetOutput:
            output = super().forward(stream)
            values = torch.where(stream.mask[..., None], output.logits.values, float("nan"))
            bias = torch.tensor([0.0, 50.0, 0.0, 0.0])  # class 1 everywhere; NaN beyond the lengths
            return NetOutput(Padded(values + bias, stream.lengths), output.taps)

    class OnlyFeature(TinyObjective):
        def forward(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> TinyReport:
            feature = student.logits.valid().square().mean()
            return TinyReport(feature, {"feature": feature})

    (row,) = train(Fixed(), OnlyFeature(), TinyBatches((1,), clips=4)).history
    assert row["blank_rate"] == 0.0
