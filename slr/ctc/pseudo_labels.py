"""Pseudo-label accuracy: how often a student agrees, step by step, with a forced alignment of the transcript.

The labels come from :func:`slr.ctc.forced_alignment` with a strong network; they are made once and used for every
student.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slr.types import Padded
from slr.vocabulary import BLANK


def dense_labels(labels: Padded) -> Padded:
    """Labels ``[B, S]`` without blanks: every blank step takes the gloss of the nearest step that has one.

    The border between two glosses lies midway between the last step of one and the first of the next; the step
    exactly in the middle goes to the earlier gloss. A clip without any gloss stays blank.
    """
    steps = labels.values.shape[1]
    spoken = (labels.values != BLANK) & labels.mask
    position = torch.arange(steps, device=labels.values.device).expand_as(labels.values)
    before = torch.where(spoken, position, -1).cummax(1).values if steps else position
    after = torch.where(spoken, position, steps).flip(1).cummin(1).values.flip(1) if steps else position
    backward = torch.where(before >= 0, position - before, steps + 1)  # farther than any real step when there is none
    forward = torch.where(after < steps, after - position, steps + 1)
    nearest = torch.where(backward <= forward, before, after).clamp(0, max(steps - 1, 0))
    has_gloss = labels.mask & (torch.minimum(backward, forward) <= steps)
    return Padded(torch.where(has_gloss, labels.values.gather(1, nearest), BLANK), labels.lengths)


@dataclass(frozen=True)
class StepCount:
    """Steps compared and steps that agree; ``share`` is their ratio, ``None`` when no step was compared."""

    agreeing: int
    steps: int

    @property
    def share(self) -> float | None:
        """Agreeing steps over compared steps, between 0 and 1."""
        return self.agreeing / self.steps if self.steps else None

    def __add__(self, other: StepCount) -> StepCount:
        return StepCount(self.agreeing + other.agreeing, self.steps + other.steps)


@dataclass(frozen=True)
class PseudoLabelAccuracy:
    """Agreement of a network with pseudo-labels, over steps; batches add up with ``+``.

    ``all`` compares every step, blank being a class like any other. ``non_blank`` compares the steps whose label is a
    gloss with the best gloss (never the blank) of the network. ``dense`` does the same after :func:`dense_labels`.
    """

    all: StepCount = StepCount(0, 0)
    non_blank: StepCount = StepCount(0, 0)
    dense: StepCount = StepCount(0, 0)

    def __add__(self, other: PseudoLabelAccuracy) -> PseudoLabelAccuracy:
        return PseudoLabelAccuracy(self.all + other.all, self.non_blank + other.non_blank, self.dense + other.dense)

    def shares(self) -> dict[str, float | None]:
        """The three ratios by name."""
        return {"all": self.all.share, "non_blank": self.non_blank.share, "dense": self.dense.share}


def pseudo_label_accuracy(logits: Padded, labels: Padded) -> PseudoLabelAccuracy:
    """Compare raw scores ``[B, S, V]`` with pseudo-labels ``[B, S]`` of the same steps.

    Raises:
        ValueError: when a clip has another number of steps than its labels.
    """
    if logits.lengths.tolist() != labels.lengths.tolist():
        raise ValueError(
            f"the network wrote {logits.lengths.tolist()} steps and the pseudo-labels have {labels.lengths.tolist()}: "
            "align them with a network of the same temporal stride, on the same frames"
        )
    real = labels.mask
    target = labels.values[:, : real.shape[1]]
    best = logits.values.argmax(-1)
    best_gloss = logits.values[..., BLANK + 1 :].argmax(-1) + BLANK + 1
    dense = dense_labels(labels).values
    return PseudoLabelAccuracy(
        all=_count(best == target, real),
        non_blank=_count(best_gloss == target, real & (target != BLANK)),
        dense=_count(best_gloss == dense, real & (dense != BLANK)),
    )


def _count(agree: Tensor, where: Tensor) -> StepCount:
    return StepCount(int((agree & where).sum()), int(where.sum()))
