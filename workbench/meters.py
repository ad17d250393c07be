"""Sums over the batches of an epoch and the means they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.diagnostics import Findings, add_up, shares


@dataclass(frozen=True)
class BatchNumbers:
    """What was measured on a batch: its loss and the terms of it.

    Of sentences, how many output steps there were and how many were blank; of isolated clips, how many had a label and
    how many of these were ``right``, as the network saw them while it learned.
    ``findings`` is what diagnostics found, where they looked.
    """

    loss: float
    terms: Mapping[str, float]
    blank_steps: int = 0
    output_steps: int = 0
    right: int = 0
    labelled: int = 0
    findings: Findings = field(default_factory=dict)


@dataclass
class EpochMeter:
    """What the batches of one epoch added up to so far; plain numbers, so that an interrupted epoch can be stored.

    Losses are means over batches, since each loss has a denominator of its own; norms are means over the steps of the
    optimiser that were taken.
    """

    batches: int = 0
    clips: int = 0
    loss: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    skipped_steps: int = 0
    grad_norm: float = 0.0
    blank_steps: int = 0
    output_steps: int = 0
    right: int = 0
    labelled: int = 0
    seconds: float = 0.0
    waiting: float = 0.0
    findings: dict[str, list[float]] = field(default_factory=dict)

    def add_batch(self, clips: int, numbers: BatchNumbers) -> None:
        """Count one batch."""
        self.batches += 1
        self.clips += clips
        self.loss += numbers.loss
        for name, value in numbers.terms.items():
            self.terms[name] = self.terms.get(name, 0.0) + value
        self.blank_steps += numbers.blank_steps
        self.output_steps += numbers.output_steps
        self.right += numbers.right
        self.labelled += numbers.labelled
        add_up(self.findings, numbers.findings)

    def add_step(self, grad_norm: float | None) -> None:
        """Count one step of the optimiser, or one that was skipped."""
        if grad_norm is None:
            self.skipped_steps += 1
        else:
            self.steps += 1
            self.grad_norm += grad_norm

    def means(self) -> dict[str, Any]:
        """The epoch in numbers, as they are recorded; what was not measured is None, or for diagnostics not there."""
        diagnosed = {"diagnostics": shares(self.findings)} if self.findings else {}
        labelled = {"train_top1": self.right / self.labelled} if self.labelled else {}
        return {
            "loss": self.loss / self.batches,
            "terms": {name: value / self.batches for name, value in self.terms.items()},
            "grad_norm": self.grad_norm / self.steps if self.steps else None,
            "skipped_steps": self.skipped_steps,
            "blank_rate": self.blank_steps / self.output_steps if self.output_steps else None,
            "clips": self.clips,
            "seconds": round(self.seconds, 3),
            "waiting": round(self.waiting / self.seconds, 4) if self.seconds else None,
            **labelled,
            **diagnosed,
        }
