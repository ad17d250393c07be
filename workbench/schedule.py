"""How the learning rate moves over a stage: pure functions from progress to a factor on the optimiser's own rate.

Progress runs from 0 (nothing done) to 1 (all done), so a schedule does not depend on how many steps an epoch has, which
changes when batches are made anew each epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[float], float]

KINDS = ("one_cycle", "cosine", "step", "constant")


def constant() -> Schedule:
    """The rate stays what the optimiser says."""
    return lambda progress: 1.0


def one_cycle(*, warmup: float = 0.3, start: float = 0.04, end: float = 4e-6) -> Schedule:
    """Up from ``start`` to 1 during the first ``warmup`` of the stage and down to ``end``, both along a half cosine.

    Smith and Topin 2017, "Super-Convergence", in the form and with the defaults of torch's ``OneCycleLR``; momentum is
    left alone.

    Raises:
        ValueError: when ``warmup`` is no share or a factor is negative.
    """
    _check_shares(warmup=warmup, start=start, end=end)

    def factor(progress: float) -> float:
        if progress < warmup:
            return _half_cosine(start, 1.0, progress / warmup)
        return _half_cosine(1.0, end, (progress - warmup) / (1 - warmup)) if warmup < 1 else 1.0

    return factor


def cosine(*, warmup: float = 0.0, start: float = 0.01, end: float = 0.0) -> Schedule:
    """Up from ``start`` to 1 along a line during the first ``warmup`` of the stage, then down a half cosine to ``end``.

    Loshchilov and Hutter 2017, "SGDR", equation 5, one period without restarts.

    Raises:
        ValueError: when ``warmup`` is no share or a factor is negative.
    """
    _check_shares(warmup=warmup, start=start, end=end)

    def factor(progress: float) -> float:
        if progress < warmup:
            return start + (1 - start) * progress / warmup
        return _half_cosine(1.0, end, (progress - warmup) / (1 - warmup)) if warmup < 1 else 1.0

    return factor


def step(*, milestones: Sequence[float], epochs: float, gamma: float = 0.2) -> Schedule:
    """Multiply by ``gamma`` whenever an epoch of ``milestones`` begins, in a stage of ``epochs`` epochs counted from 0.

    Raises:
        ValueError: when a milestone does not lie within the stage.
    """
    outside = [milestone for milestone in milestones if not 0 < milestone < epochs]
    if outside:
        raise ValueError(
            f"milestone {outside[0]} lies outside a stage of {epochs} epochs: the rate would never change there"
        )
    # Progress is a quotient of whole numbers and may fall a rounding error short of the milestone it stands for.
    return lambda progress: gamma ** sum(progress * epochs >= milestone - 1e-9 for milestone in milestones)


def make_schedule(
    kind: str,
    *,
    epochs: int,
    warmup: float | None = None,
    start: float | None = None,
    end: float | None = None,
    milestones: Sequence[float] | None = None,
    gamma: float | None = None,
) -> Schedule:
    """The schedule called ``kind``, one of :data:`KINDS`; settings left out keep the defaults of its function.

    Raises:
        ValueError: when there is no such kind, or it does not take a setting that is given.
    """
    settings = {"warmup": warmup, "start": start, "end": end, "milestones": milestones, "gamma": gamma}
    given = {name: value for name, value in settings.items() if value is not None}
    makers: dict[str, Callable[..., Schedule]] = {"one_cycle": one_cycle, "cosine": cosine, "constant": constant}
    if kind not in KINDS:
        raise ValueError(f"unknown schedule {kind!r}: there are {', '.join(KINDS)}")
    try:
        return step(epochs=epochs, **given) if kind == "step" else makers[kind](**given)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"a {kind} schedule does not fit these settings: {error}") from error


def epoch_factors(schedule: Schedule, *, epoch: int, epochs: int, steps: int) -> tuple[float, ...]:
    """The factors of one epoch's steps of the optimiser, to be read by index."""
    return tuple(schedule((epoch + index / steps) / epochs) for index in range(steps))


def _half_cosine(begin: float, end: float, share: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} {share} must lie between 0 and 1")
