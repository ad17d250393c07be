"""How the learning rate moves over a stage: pure functions from progress to a factor on the optimiser's own rate.

Progress runs from 0 (nothing done) to 1 (all done), so a schedule does not depend on how many steps an epoch has, which
changes when batches are made anew each epoch.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence

Schedule = Callable[[float], float]

_ROUNDING = 1e-9  # of epochs


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


def step(
    *, milestones: Sequence[float], epochs: float, gamma: float = 0.2, warmup_epochs: float = 0.0, start: float = 0.01
) -> Schedule:
    """Multiply by ``gamma`` whenever an epoch of ``milestones`` begins, in a stage of ``epochs`` epochs counted from 0.

    During the first ``warmup_epochs`` the factor rises from ``start`` to 1 along a line.

    Raises:
        ValueError: when a milestone does not lie within the stage, or in the rise.
    """
    outside = [milestone for milestone in milestones if not 0 < milestone < epochs]
    if outside:
        raise ValueError(
            f"milestone {outside[0]} lies outside a stage of {epochs} epochs: the rate would never change there"
        )
    early = [milestone for milestone in milestones if milestone < warmup_epochs]
    if early:
        raise ValueError(f"milestone {early[0]} lies in the {warmup_epochs} epochs of the warm-up")

    # Progress is a quotient of whole numbers and may fall a rounding error short of the milestone it stands for.
    def factor(done: float) -> float:
        return gamma ** sum(done >= milestone - _ROUNDING for milestone in milestones)

    return _after_warmup(factor, epochs, warmup_epochs, start, from_there=False)


def cosine_restarts(
    *,
    period: float,
    epochs: float,
    stretch: float = 1.0,
    gamma: float = 1.0,
    end: float = 0.0,
    warmup_epochs: float = 0.0,
    start: float = 0.01,
) -> Schedule:
    """Half cosines down to ``end``, one after the other, the first over ``period`` epochs.

    Each is ``stretch`` times as long as the one before (Loshchilov and Hutter 2017, "SGDR", equation 5) and begins at
    ``gamma`` times its height. In front of them the factor rises from ``start`` to 1 along a line.

    Raises:
        ValueError: when there is no such cycle.
    """
    _check_shares(end=end)
    if not (period > 0 and stretch >= 1 and 0 < gamma <= 1):
        raise ValueError(
            f"period {period}, stretch {stretch}, gamma {gamma}: a cycle has a length, does not become shorter, and "
            "does not become higher"
        )

    def factor(done: float) -> float:
        number, length, left = 0, period, done
        while left >= length - _ROUNDING:
            number, length, left = number + 1, length * stretch, left - length
        return _half_cosine(max(gamma**number, end), end, max(left, 0.0) / length)

    return _after_warmup(factor, epochs, warmup_epochs, start, from_there=True)


def cyclic(
    *,
    period: float,
    epochs: float,
    low: float = 0.1,
    gamma: float = 1.0,
    warmup_epochs: float = 0.0,
    start: float = 0.01,
) -> Schedule:
    """Up from ``low`` to 1 and down again along lines, within every ``period`` epochs.

    The height above ``low`` is multiplied by ``gamma`` from one cycle to the next (Smith 2017, "Cyclical Learning
    Rates": ``triangular`` for 1 and ``triangular2`` for 0.5). In front of the cycles the factor rises from ``start`` to
    ``low`` along a line.

    Raises:
        ValueError: when there is no such cycle.
    """
    _check_shares(low=low)
    if not (period > 0 and 0 < gamma <= 1):
        raise ValueError(f"period {period}, gamma {gamma}: a cycle has a length, and does not become higher")

    def factor(done: float) -> float:
        cycles = (done + _ROUNDING) // period
        share = max(done / period - cycles, 0.0)
        return low + (1 - low) * gamma**cycles * (1 - abs(2 * share - 1))

    return _after_warmup(factor, epochs, warmup_epochs, start, from_there=True)


def _after_warmup(factor: Schedule, epochs: float, warmup_epochs: float, start: float, *, from_there: bool) -> Schedule:
    """A schedule that counts in epochs, behind a line from ``start`` to where it begins; ``from_there`` it counts."""
    _check_shares(start=start)
    if not 0 <= warmup_epochs < epochs:
        raise ValueError(f"a warm-up of {warmup_epochs} epochs does not fit into a stage of {epochs}")

    def whole(progress: float) -> float:
        done = progress * epochs
        if done < warmup_epochs - _ROUNDING:
            return start + (factor(0.0) - start) * done / warmup_epochs
        return factor(done - warmup_epochs if from_there else done)

    return whole


_MAKERS: dict[str, Callable[..., Schedule]] = {
    "one_cycle": one_cycle,
    "cosine": cosine,
    "cosine_restarts": cosine_restarts,
    "cyclic": cyclic,
    "step": step,
    "constant": constant,
}
KINDS = tuple(_MAKERS)


def settings_of(kind: str) -> frozenset[str]:
    """The settings of a kind, one of :data:`KINDS`; the length of the stage, in which some count, is none."""
    return frozenset(inspect.signature(_MAKERS[kind]).parameters) - {"epochs"}


def make_schedule(kind: str, *, epochs: int, **settings: float | Sequence[float]) -> Schedule:
    """The schedule called ``kind``, one of :data:`KINDS`; settings left out keep the defaults of its function.

    Raises:
        ValueError: when there is no such kind, or it does not take a setting that is given.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown schedule {kind!r}: there are {', '.join(KINDS)}")
    maker = _MAKERS[kind]
    counting = {"epochs": epochs} if "epochs" in inspect.signature(maker).parameters else {}
    try:
        return maker(**counting, **settings)
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
