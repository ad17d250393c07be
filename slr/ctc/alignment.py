"""Forced alignment: which gloss a CTC network sees at which step, given the transcript.

The trellis is that of Graves et al. 2006, "Connectionist Temporal Classification": the transcript ``y1 .. yU``
becomes the extended sequence ``0 y1 0 y2 .. yU 0``, where 0 is the blank, and a path moves through it from left to
right by none, one or (past a blank between two different glosses) two states a step.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slr.types import Padded
from slr.vocabulary import BLANK


def required_steps(glosses: Sequence[object]) -> int:
    """Fewest output steps ``S`` in which CTC can write ``glosses``: one each, and a blank between equal neighbours."""
    return len(glosses) + sum(one == other for one, other in itertools.pairwise(glosses))


def feasible(glosses: Sequence[object], steps: int) -> bool:
    """Whether CTC has any path of ``steps`` output steps that spells ``glosses``."""
    return steps >= required_steps(glosses)


@dataclass(frozen=True)
class ForcedAlignment:
    """The most probable path that spells a transcript, for every clip of a batch.

    ``labels`` is ``[B, S]`` int64, a gloss id or the blank at every step (the blank again as padding); ``scores`` is
    ``[B]``, the log probability of the path.
    """

    labels: Padded
    scores: Tensor


def forced_alignment(log_probs: Padded, glosses: Padded) -> ForcedAlignment:
    """Viterbi alignment of transcripts ``[B, U]`` to log probabilities ``[B, S, V]`` (log-softmax, not raw scores).

    Raises:
        ValueError: when a transcript holds an id that is no gloss of the network, has no path in the steps of its
        clip, or
            only paths of probability zero; the clips are named by their index in the batch.
    """
    _check_feasible(log_probs, glosses)
    labels, scores = best_paths(log_probs, glosses.values[:, None], glosses.lengths[:, None])
    impossible = (~scores[:, 0].isfinite()).nonzero().flatten().tolist()
    if impossible:
        raise ValueError(
            f"clips {impossible} of the batch cannot be aligned: no path that spells the transcript has a finite "
            "log probability"
        )
    return ForcedAlignment(Padded(labels[:, 0], log_probs.lengths), scores[:, 0])


def best_paths(log_probs: Padded, glosses: Tensor, gloss_lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Viterbi paths of ``N`` feasible transcripts per clip.

    Args:
        log_probs: ``[B, S, V]``.
        glosses: ``[B, N, U]``; anything may stand at and after a length.
        gloss_lengths: ``[B, N]``.

    Returns:
        The label of every step ``[B, N, S]``, blank on padding, and the log probability of the path ``[B, N]``.
    """
    steps = log_probs.values.shape[1]
    extended, skippable = _extend(glosses, gloss_lengths)  # [B, N, P] each, P = 2 U + 1
    batch, number, states = extended.shape
    wanted = extended.reshape(batch, 1, -1).expand(-1, steps, -1)
    emissions = log_probs.values.gather(2, wanted).reshape(batch, steps, number, states)
    final = 2 * gloss_lengths  # the last blank; the state before it is the last gloss
    delta, moves = _forward(emissions, skippable, log_probs.lengths)
    last_two = torch.stack([final, (final - 1).clamp(min=0)], dim=-1)  # [B, N, 2]
    scores, which = delta.gather(2, last_two).max(-1)
    state = last_two.gather(2, which[..., None])  # [B, N, 1]
    path = torch.empty(batch, number, steps, dtype=torch.int64, device=extended.device)
    for step in reversed(range(steps)):
        path[:, :, step : step + 1] = state
        state = state - moves[step].gather(2, state).long()
    labels = extended.gather(2, path)
    return torch.where(log_probs.mask[:, None], labels, BLANK), scores


def _extend(glosses: Tensor, gloss_lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The extended sequence, and where a path may come from two states back."""
    batch, number, width = glosses.shape
    real = torch.arange(width, device=glosses.device) < gloss_lengths[..., None]
    extended = torch.full((batch, number, 2 * width + 1), BLANK, dtype=torch.int64, device=glosses.device)
    extended[..., 1::2] = torch.where(real, glosses, BLANK)
    skippable = torch.zeros_like(extended, dtype=torch.bool)
    skippable[..., 3::2] = extended[..., 3::2] != extended[..., 1:-2:2]
    return extended, skippable & (extended != BLANK)


def _forward(emissions: Tensor, skippable: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Best log probability of a path that ends in each state ``[B, N, P]``, and the move into it ``[S, B, N, P]``."""
    batch, steps, number, states = emissions.shape
    delta = emissions.new_full((batch, number, states), -math.inf)
    delta[..., 0] = 0.0  # before the first step every path stands on the first blank
    moves = torch.zeros(steps, batch, number, states, dtype=torch.int8, device=emissions.device)
    nowhere = delta.new_full((batch, number, 2), -math.inf)
    for step in range(steps):
        shifted = torch.cat([nowhere, delta], dim=-1)
        two_back = torch.where(skippable, shifted[..., :-2], -math.inf)
        best, move = torch.stack([delta, shifted[..., 1:-1], two_back]).max(0)
        running = (step < lengths)[:, None, None]
        delta = torch.where(running, best + emissions[:, step], delta)
        moves[step] = torch.where(running, move, 0)
    return delta, moves


def _check_feasible(log_probs: Padded, glosses: Padded) -> None:
    classes = log_probs.values.shape[-1]
    sentences = [row.tolist() for row in glosses.unpad()]
    steps = log_probs.lengths.tolist()
    assert len(sentences) == len(steps), f"{len(sentences)} transcripts for {len(steps)} clips"
    for index, sentence in enumerate(sentences):
        strange = [gloss for gloss in sentence if not BLANK < gloss < classes]
        if strange:
            raise ValueError(
                f"clip {index} of the batch has gloss id {strange[0]} in its transcript: this network writes "
                f"1 to {classes - 1}"
            )
    short = [i for i, sentence in enumerate(sentences) if not feasible(sentence, steps[i])]
    if short:
        worst = short[0]
        raise ValueError(
            f"clips {short} of the batch have fewer output steps than their transcript needs (clip {worst}: "
            f"{steps[worst]} steps for {required_steps(sentences[worst])}): leave them out or use a smaller stride"
        )
