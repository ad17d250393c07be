from __future__ import annotations

import itertools
import math
from typing import Any, get_args

import pytest
import torch

from workbench.schedule import (
    KINDS,
    constant,
    cosine,
    cosine_restarts,
    cyclic,
    epoch_factors,
    make_schedule,
    one_cycle,
    settings_of,
    step,
)
from workbench.schema import ScheduleOptions

STEPS = 200


def torch_factors(make: Any, steps: int) -> list[float]:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = make(optimizer)
    factors = []
    for _ in range(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


def test_one_cycle_is_that_of_torch() -> None:
    # torch counts the last step as the end of the way; we count what is done before the step.
    theirs = torch_factors(
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=1.0, total_steps=STEPS + 1, pct_start=0.301, cycle_momentum=False
        ),
        STEPS + 1,
    )
    # torch ends the rise at pct_start * total_steps - 1 = 0.301 * 201 - 1 = 59.501 of 200 steps.
    ours = one_cycle(warmup=59.501 / STEPS)
    assert [ours(index / STEPS) for index in range(STEPS + 1)] == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("stretch", [1, 2])
def test_cosine_restarts_are_those_of_torch(stretch: int) -> None:
    theirs = torch_factors(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 20, stretch, eta_min=0.1),
        STEPS,
    )
    ours = cosine_restarts(period=20, epochs=STEPS, stretch=stretch, end=0.1)
    assert [ours(index / STEPS) for index in range(STEPS)] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(("mode", "gamma"), [("triangular", 1.0), ("triangular2", 0.5)])
def test_cyclic_is_that_of_torch(mode: str, gamma: float) -> None:
    theirs = torch_factors(
        lambda optimizer: torch.optim.lr_scheduler.CyclicLR(
            optimizer, base_lr=0.2, max_lr=1.0, step_size_up=10, mode=mode, cycle_momentum=False
        ),
        STEPS,
    )
    ours = cyclic(period=20, epochs=STEPS, low=0.2, gamma=gamma)
    assert [ours(index / STEPS) for index in range(STEPS)] == pytest.approx(theirs, abs=1e-9)


def test_the_schedule_of_the_landmark_transformer_written_out_by_hand() -> None:
    """Five epochs from 1e-5 to 3e-4, then cycles of 20 epochs from 3e-4 times 0.8 to the number of the cycle."""
    ours = cosine_restarts(period=20, epochs=85, gamma=0.8, warmup_epochs=5, start=1 / 30)
    rates = {epoch: 3e-4 * ours(epoch / 85) for epoch in (0, 2.5, 5, 15, 25, 35, 45, 65)}
    wanted = [1e-5, 1.55e-4, 3e-4, 1.5e-4, 2.4e-4, 1.2e-4, 1.92e-4, 1.536e-4]
    assert list(rates.values()) == pytest.approx(wanted)


def test_warmup_in_epochs_is_a_line_to_where_the_schedule_begins() -> None:
    stepped = step(milestones=[6], epochs=10, gamma=0.1, warmup_epochs=4, start=0.2)
    assert [stepped(epoch / 10) for epoch in (0, 2, 4, 5, 6, 9)] == pytest.approx([0.2, 0.6, 1, 1, 0.1, 0.1])
    rising = cyclic(period=4, epochs=10, low=0.5, warmup_epochs=2, start=0.1)
    assert [rising(epoch / 10) for epoch in (0, 1, 2, 4, 6)] == pytest.approx([0.1, 0.3, 0.5, 1.0, 0.5])


def test_a_restart_is_kept_to_the_epoch_whatever_their_number() -> None:
    for epochs in range(2, 60):
        for period in range(1, epochs):
            first = epoch_factors(cosine_restarts(period=period, epochs=epochs), epoch=period, epochs=epochs, steps=3)
            assert first[0] == pytest.approx(1.0)


def test_cosine_without_warmup_is_that_of_torch() -> None:
    theirs = torch_factors(lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, 0.1), STEPS)
    ours = cosine(end=0.1)
    assert [ours(index / STEPS) for index in range(STEPS)] == pytest.approx(theirs, abs=1e-9)


def test_step_is_the_multi_step_of_torch_at_every_step_of_every_epoch() -> None:
    theirs = torch_factors(lambda optimizer: torch.optim.lr_scheduler.MultiStepLR(optimizer, [20, 35], gamma=0.2), 40)
    for steps in (1, 3, 7):
        ours = step(milestones=[20, 35], epochs=40)
        factors = [epoch_factors(ours, epoch=epoch, epochs=40, steps=steps) for epoch in range(40)]
        for epoch in range(40):
            assert factors[epoch] == pytest.approx([theirs[epoch]] * steps)


def test_a_milestone_is_kept_to_the_epoch_whatever_their_number() -> None:
    for epochs in range(2, 60):
        for milestone in range(1, epochs):
            ours = step(milestones=[milestone], epochs=epochs, gamma=0.1)
            before, after = (
                epoch_factors(ours, epoch=epoch, epochs=epochs, steps=7) for epoch in (milestone - 1, milestone)
            )
            assert (set(before), set(after)) == ({1.0}, {0.1})


def test_warmup_of_cosine_is_a_line_written_out_by_hand() -> None:
    ours = cosine(warmup=0.5, start=0.2, end=0.0)
    assert [ours(progress) for progress in (0, 0.125, 0.25, 0.5)] == pytest.approx([0.2, 0.4, 0.6, 1.0])
    assert ours(0.75) == pytest.approx((1 + math.cos(math.pi / 2)) / 2)
    assert ours(1.0) == pytest.approx(0.0)


def test_one_cycle_rises_then_falls_between_its_three_values() -> None:
    ours = one_cycle(warmup=0.25, start=0.1, end=0.01)
    assert [ours(0.0), ours(0.25), ours(1.0)] == pytest.approx([0.1, 1.0, 0.01])
    assert ours(0.125) == pytest.approx(0.55)
    values = [ours(index / 1000) for index in range(1001)]
    assert all(a < b for a, b in itertools.pairwise(values[:251]))
    assert all(a > b for a, b in itertools.pairwise(values[250:]))


@pytest.mark.parametrize("make", [one_cycle, cosine])
@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_a_warmup_of_nothing_and_of_everything_stay_finite(make: Any, warmup: float) -> None:
    values = [make(warmup=warmup)(index / 10) for index in range(11)]
    assert all(0 <= value <= 1 for value in values)
    assert values[0 if warmup == 0 else -1] == 1.0


def test_epochs_of_different_length_end_where_those_of_equal_length_do() -> None:
    ours = cosine()
    short, long = (epoch_factors(ours, epoch=1, epochs=2, steps=steps) for steps in (2, 200))
    assert short == pytest.approx([ours(0.5), ours(0.75)])
    assert long[0] == short[0]
    assert len(long) == 200


def test_constant_changes_nothing() -> None:
    assert epoch_factors(constant(), epoch=3, epochs=5, steps=4) == (1.0, 1.0, 1.0, 1.0)


def test_a_schedule_is_made_by_name_with_the_defaults_of_its_function() -> None:
    assert make_schedule("one_cycle", epochs=5)(0.1) == one_cycle()(0.1)
    assert make_schedule("cosine", epochs=5, warmup=0.2)(0.1) == cosine(warmup=0.2)(0.1)
    assert make_schedule("step", epochs=4, milestones=[2])(0.5) == pytest.approx(0.2)
    assert make_schedule("constant", epochs=5)(0.5) == 1.0
    assert make_schedule("cyclic", epochs=4, period=2)(0.25) == 1.0
    assert make_schedule("cosine_restarts", epochs=4, period=2, gamma=0.5)(0.5) == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_schedule("cosin", epochs=1), "unknown schedule 'cosin': there are one_cycle, cosine"),
        (lambda: make_schedule("constant", epochs=1, gamma=0.1), "a constant schedule does not fit"),
        (lambda: make_schedule("step", epochs=1), "a step schedule does not fit"),
        (lambda: step(milestones=[20, 50], epochs=40), "milestone 50 lies outside a stage of 40 epochs"),
        (lambda: step(milestones=[0], epochs=40), "milestone 0 lies outside"),
        (lambda: step(milestones=[2], epochs=9, warmup_epochs=5), "milestone 2 lies in the 5 epochs of the warm-up"),
        (lambda: cyclic(period=3, epochs=9, warmup_epochs=9), "a warm-up of 9 epochs does not fit"),
        (lambda: cosine_restarts(period=0, epochs=9), "a cycle has a length"),
        (lambda: cosine_restarts(period=2, epochs=9, stretch=0.5), "does not become shorter"),
        (lambda: cyclic(period=2, epochs=9, gamma=2), "does not become higher"),
        (lambda: cyclic(period=2, epochs=9, low=2), "low 2 must lie between 0 and 1"),
        (lambda: cosine(warmup=1.5), "warmup 1.5 must lie between 0 and 1"),
        (lambda: one_cycle(end=-1), "end -1 must lie between 0 and 1"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_configuration_knows_every_kind_and_every_setting() -> None:
    fields = ScheduleOptions.model_fields
    assert get_args(fields["kind"].annotation) == KINDS
    assert {name for kind in KINDS for name in settings_of(kind)} == fields.keys() - {"kind"}
