"""What happens to a network with one batch, and with one step of the optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from slr.data.isolated import MixedBatch
from slr.types import Batch, NetOutput, Padded
from slr.vocabulary import BLANK
from workbench.diagnostics import Findings, pulls, understanding
from workbench.meters import BatchNumbers
from workbench.precision import Precision
from workbench.rng import preserved
from workbench.training_state import Trainee
from workbench.training_types import NonFiniteError, Report

# Under float16 a step with infinite gradients now and then is normal: the scaler skips it and halves its scale. After
# this many in a row the scale has fallen from 65536 to nothing, so it is the gradients themselves that are not finite.
MAX_SKIPPED_STEPS = 24


@dataclass(frozen=True)
class Learner:
    """Forward, backward, step; ``teacher`` is called without gradients and outside autocast."""

    trainee: Trainee
    precision: Precision
    teacher: Callable[[Batch], NetOutput] | None = None
    clip_grad_norm: float | None = None

    def learn(self, batch: Batch, share: float, *, diagnose: bool = False) -> BatchNumbers:
        """Add ``share`` of the gradient of one batch to what the next step will use.

        ``diagnose`` measures on the way what :mod:`workbench.diagnostics` does, and changes nothing of the training; it
        wants a :class:`kd.objective.Objective`.

        Raises:
            NonFiniteError: before any gradient is computed, when a loss is not finite.
            ValueError: when the loss depends on nothing that could learn.
        """
        network, objective = cast(Any, self.trainee.network), self.trainee.objective
        with self.precision.autocast():
            output: NetOutput = network(batch.stream(network.input_stream))
        if self.precision.mixed:
            output = _in_float32(output)
        with torch.no_grad():
            taught = self.teacher(batch) if self.teacher is not None else None
        findings = self._met_beforehand(output, taught, batch) if diagnose else {}
        report = _judged(objective, output, taught, batch)
        numbers = _measure(report, output.logits, batch)
        _refuse_not_finite(
            {**{f"loss term {name!r}": value for name, value in numbers.terms.items()}, "loss": numbers.loss}
        )
        if not report.total.requires_grad:
            raise ValueError("nothing can be learned: no parameter that learns takes part in the loss")
        if diagnose:
            findings |= self._diagnosed(report, output, taught, batch)
            numbers = replace(numbers, findings=findings)
        self.trainee.scaler.scale(report.total * share).backward()
        return numbers

    def _met_beforehand(self, output: NetOutput, taught: NetOutput | None, batch: Batch) -> Findings:
        """What the losses measure themselves; before they see the batch, which some of them remember."""
        with preserved():
            met = cast(Any, self.trainee.objective).meters(output, taught, batch)
        return {f"terms.{name}.{meter}": (value, 1) for name, of in met.items() for meter, value in of.items()}

    def _diagnosed(self, report: Report, output: NetOutput, taught: NetOutput | None, batch: Batch) -> Findings:
        trainee = self.trainee
        with preserved():
            scale = trainee.scaler.get_scale() if trainee.scaler.is_enabled() else 1.0
            found = pulls(cast(Any, report), cast(Any, trainee.objective).supervised, trainee.network, scale)
            return found if taught is None else {**found, **understanding(output, taught, batch)}

    def step(self, factor: float, *, may_skip: bool) -> float | None:
        """One step of the optimiser at ``factor`` times its own rates, on the gradients gathered.

        Returns:
            the norm of all gradients together before clipping; None when the scaler skipped the step.

        Raises:
            NonFiniteError: when a gradient is not finite and may not be skipped; nothing has moved then.
        """
        optimizer, scaler = self.trainee.optimizer, self.trainee.scaler
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        scaler.unscale_(optimizer)
        weights = [weight for group in optimizer.param_groups for weight in group["params"] if weight.grad is not None]
        norm = torch.nn.utils.get_total_norm([weight.grad for weight in weights])
        length = norm.item()
        finite = math.isfinite(length)
        if not finite:
            self._refuse_unless_scaled(may_skip)
        elif self.clip_grad_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(weights, self.clip_grad_norm, norm)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        if finite and self.trainee.average is not None:
            self.trainee.average.update_parameters(self.trainee.network)
        return length if finite else None

    def _refuse_unless_scaled(self, may_skip: bool) -> None:
        parts = (("network", self.trainee.network), ("objective", self.trainee.objective))
        named = [(f"{part}.{name}", weight) for part, module in parts for name, weight in module.named_parameters()]
        broken = [name for name, weight in named if weight.grad is not None and not weight.grad.isfinite().all()]
        if broken and may_skip and self.trainee.scaler.is_enabled():
            return
        more = f" (and of {len(broken) - 1} more parameters)" if len(broken) > 1 else ""
        which = f"gradient of {broken[0]}{more}" if broken else "norm of the gradients"
        raise NonFiniteError(f"the {which} is not finite")


@dataclass(frozen=True)
class _MixedReport:
    """What an objective says about mixed clips: of the labels of both, each with its share."""

    total: Tensor
    terms: dict[str, Tensor]
    weights: dict[str, float]


def _judged(objective: Any, output: NetOutput, taught: NetOutput | None, batch: Batch) -> Report:
    if not isinstance(batch, MixedBatch):
        return objective(output, taught, batch)
    reports = [(share, objective(output, taught, part)) for share, part in batch.parts()]
    first = reports[0][1]
    terms = {name: _sum([share * report.terms[name] for share, report in reports]) for name in first.terms}
    total = _sum([share * report.total for share, report in reports])
    return _MixedReport(total, terms, getattr(first, "weights", {}))


def _sum(values: list[Tensor]) -> Tensor:
    return torch.stack(values).sum()


def _in_float32(output: NetOutput) -> NetOutput:
    return NetOutput(
        output.logits.map(Tensor.float), {name: tap.map(Tensor.float) for name, tap in output.taps.items()}
    )


def _measure(report: Report, logits: Padded, batch: Batch) -> BatchNumbers:
    # One transfer from the device for all numbers: each one alone would make it wait.
    with torch.no_grad():
        best, mask = logits.values.argmax(dim=-1), logits.mask
        if batch.labels is None:
            counts = [((best == BLANK) & mask).sum(), mask.sum()]
        else:  # classes have no blank
            counts = [((best == batch.labels[:, None]) & mask).sum()]
        tensors = [report.total, *report.terms.values(), *counts]
        numbers = torch.stack([value.detach().double().to(best.device) for value in tensors]).tolist()
    loss, terms = numbers[0], dict(zip(report.terms, numbers[1:], strict=False))
    if batch.labels is None:
        return BatchNumbers(loss, terms, blank_steps=int(numbers[-2]), output_steps=int(numbers[-1]))
    return BatchNumbers(loss, terms, right=int(numbers[-1]), labelled=len(batch))


def _refuse_not_finite(values: Mapping[str, float]) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise NonFiniteError(f"the {name} is {value}")
