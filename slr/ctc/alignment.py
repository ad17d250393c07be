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
    # Padding is a certain blank, over which a path runs to its last state and changes nothing.
    nothing = torch.where(extended == BLANK, 0.0, -math.inf)[:, None].to(emissions.dtype)
    emissions = torch.where(log_probs.mask[..., None, None], emissions, nothing)
    scores, moves = _forward(emissions.unbind(1), torch.where(skippable, 0.0, -math.inf).to(emissions.dtype))
    final = 2 * gloss_lengths  # the last blank; the state before it is the last gloss
    last_two = torch.stack([final, (final - 1).clamp(min=0)], dim=-1)  # [B, N, 2]
    best, which = scores.gather(2, last_two).max(-1)
    state = last_two.gather(2, which[..., None])  # [B, N, 1]
    path = []
    for move in reversed(moves.unbind(0)):
        path.append(state)
        state = state - move.gather(2, state)
    if not path:
        return glosses.new_empty(batch, number, 0), best
    return extended.gather(2, torch.cat(path[::-1], dim=-1)), best


def _extend(glosses: Tensor, gloss_lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The extended sequence, and where a path may come from two states back."""
    batch, number, width = glosses.shape
    real = torch.arange(width, device=glosses.device) < gloss_lengths[..., None]
    extended = torch.full((batch, number, 2 * width + 1), BLANK, dtype=torch.int64, device=glosses.device)
    extended[..., 1::2] = torch.where(real, glosses, BLANK)
    skippable = torch.zeros_like(extended, dtype=torch.bool)
    skippable[..., 3::2] = extended[..., 3::2] != extended[..., 1:-2:2]
    return extended, skippable & (extended != BLANK)


def _forward(emissions: Sequence[Tensor], skips: Tensor) -> tuple[Tensor, Tensor]:
    """Best log probability of a path that ends in each state ``[B, N, P]``, and the move into it ``[S, B, N, P]``.

    ``emissions`` holds ``[B, N, P]`` for every step; ``skips`` ``[B, N, P]`` is 0 where a path may come from two states
    back, else ``-inf``.
    """
    batch, number, states = skips.shape
    # Two states that no path is in stand before the first, so that every state has two before it.
    best = skips.new_full((len(emissions) + 1, batch, number, states + 2), -math.inf)
    best[0, ..., 2] = 0.0  # before the first step every path stands on the first blank
    rows = best.unbind(0)
    for emission, before, after in zip(emissions, rows[:-1], rows[1:], strict=True):
        nearest = torch.maximum(before[..., 2:], before[..., 1:-1])
        torch.add(torch.maximum(nearest, before[..., :-2] + skips), emission, out=after[..., 2:])
    stay, one_back, two_back = best[:-1, ..., 2:], best[:-1, ..., 1:-1], best[:-1, ..., :-2] + skips
    moves = torch.where(two_back > torch.maximum(stay, one_back), 2, (one_back > stay).long())
    return best[-1, ..., 2:], moves


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
