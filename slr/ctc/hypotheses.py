"""What a decoder returns, and what every decoder does to its logits first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from slr.types import Padded
from slr.vocabulary import BLANK


@dataclass(frozen=True)
class Hypothesis:
    """One reading of a clip.

    ``log_probability`` is that of the gloss sequence, summed over every CTC path that spells it. ``score`` is what the
    decoder ranked it by: the same, and what a language model and an insertion bonus added. ``starts`` and ``ends`` are
    the first and the last output step (both inclusive, counted from 0) of each gloss on the most probable of those
    paths; ``log_posteriors`` is the mean, over those steps, of the log probability of the gloss, at most 0.
    """

    glosses: tuple[int, ...]
    log_probability: float
    score: float
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    log_posteriors: tuple[float, ...]


@dataclass(frozen=True)
class Decoding:
    """The readings of one clip, the best score first; there is always at least one."""

    hypotheses: tuple[Hypothesis, ...]

    @property
    def best(self) -> Hypothesis:
        """The reading with the best score."""
        return self.hypotheses[0]


class Decoder(Protocol):
    """Reads glosses from logits. ``name`` says how, for the record of a result, such as ``"beam-10"``."""

    @property
    def name(self) -> str:
        """Name of the method and of the setting that changes its result."""
        ...

    def decode(self, logits: Padded) -> list[Decoding]:
        """One decoding per clip from raw scores ``[B, S, V]``."""
        ...


def log_probabilities(logits: Padded) -> Padded:
    """Log-softmax of raw scores ``[B, S, V]``, in single precision or better, with a certain blank as padding.

    A step that is blank for certain changes neither the probability nor the order of any hypothesis, so that decoders
    need no further mask.

    Raises:
        ValueError: when a real step holds a NaN or no finite score; the clips are named by their index.
    """
    if logits.values.device.type == "mps":  # has neither doubles nor a CTC loss
        logits = logits.to("cpu")
    values = logits.values.detach()
    values = torch.log_softmax(values if values.dtype == torch.float64 else values.float(), dim=-1)  # [B, S, V]
    # The softmax of a step with a NaN, or without a finite score, is NaN in every class: looking at one is enough.
    broken = (values[..., BLANK].isnan() & logits.mask).any(-1)
    if broken.any():
        raise ValueError(
            f"the logits of clips {broken.nonzero().flatten().tolist()} of the batch hold a NaN or a step without any "
            "finite score: decode only the output of a network whose training did not diverge"
        )
    padding = ~logits.mask
    if padding.any():
        certain_blank = values.new_full(values.shape[-1:], -math.inf)
        certain_blank[BLANK] = 0.0
        values[padding] = certain_blank
    return Padded(values, logits.lengths)


def read_path(
    labels: Sequence[int], step_scores: Sequence[float], log_probability: float, score: float | None = None
) -> Hypothesis:
    """Collapse one CTC path into a hypothesis.

    Args:
        labels: the class of every real step; equal neighbours are one gloss, a repeated gloss has a blank between.
        step_scores: log probability of that class at that step.
        log_probability: that of the whole hypothesis.
        score: what it was ranked by; ``None`` when that is its log probability.
    """
    starts: list[int] = []
    ends: list[int] = []
    for step, label in enumerate(labels):
        if label == BLANK:
            continue
        if step > 0 and labels[step - 1] == label:
            ends[-1] = step
        else:
            starts.append(step)
            ends.append(step)
    spans = list(zip(starts, ends, strict=True))
    return Hypothesis(
        glosses=tuple(labels[start] for start in starts),
        log_probability=log_probability,
        score=log_probability if score is None else score,
        starts=tuple(starts),
        ends=tuple(ends),
        log_posteriors=tuple(math.fsum(step_scores[i : j + 1]) / (j + 1 - i) for i, j in spans),
    )
