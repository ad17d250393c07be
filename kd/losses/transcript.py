"""Gloss sequences against the scores of a network: whether they can be written at all, and how probable they are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from slr.ctc import required_steps
from slr.types import Batch, Padded
from slr.vocabulary import BLANK


def negative_log_likelihood(log_probs: Padded, glosses: Padded) -> Tensor:
    """``-log p(glosses | clip)`` per clip ``[B]``, summed over all paths that read as the glosses.

    On a CUDA device under ``torch.use_deterministic_algorithms(True)`` it is computed on the CPU, because CUDA adds up
    CTC's gradient in no fixed order.

    Args:
        log_probs: log-softmax of raw scores, ``[B, S, V]``.
        glosses: ``[B, U]``; infinite for those that do not fit the steps of their clips.
    """
    values = log_probs.values
    if values.shape[1] == 0:  # no clip has a step; torch refuses, but the empty path reads as no gloss
        return values.sum(dim=(1, 2)).masked_fill(glosses.lengths.to(values.device) > 0, torch.inf)
    if values.is_cuda and torch.are_deterministic_algorithms_enabled():
        values = values.cpu()
    # Time-first is torch's order for CTC; everywhere else the project is batch-first.
    per_clip = F.ctc_loss(
        values.transpose(0, 1),
        glosses.valid().to(values.device),
        log_probs.lengths.to(values.device),
        glosses.lengths.to(values.device),
        blank=BLANK,
        reduction="none",
        zero_infinity=False,
    )
    return per_clip.to(log_probs.values.device)


def check_transcripts(batch: Batch, scores: Padded) -> None:
    """Whether the transcripts of a batch can be written as scores ``[B, S, V]``.

    Raises:
        ValueError: when a transcript does not fit the steps of its clip, or holds an id the network cannot write (the
            clips are named), or when the clips have labels and no transcripts.
    """
    if batch.labels is not None:
        raise ValueError("these clips have a class and no transcript: CrossEntropy learns it, this loss sentences")
    _check_ids(batch, vocabulary_size=scores.values.shape[-1])
    _check_feasible(batch, scores)


def _check_ids(batch: Batch, vocabulary_size: int) -> None:
    ids, mask = batch.glosses.values, batch.glosses.mask
    wrong = mask & ((ids <= BLANK) | (ids >= vocabulary_size))
    if bool(wrong.any()):
        row = int(wrong.any(dim=1).nonzero()[0])
        raise ValueError(
            f"clip {batch.ids[row]!r} holds gloss id {int(ids[row][wrong[row]][0])}, but this head writes ids 1 to "
            f"{vocabulary_size - 1}: the network was built for another vocabulary"
        )


def _check_feasible(batch: Batch, scores: Padded) -> None:
    needed = [required_steps(glosses.tolist()) for glosses in batch.glosses.to("cpu").unpad()]
    given = scores.lengths.tolist()
    short = [
        f"{clip!r} ({steps} steps, {wanted} needed)"
        for clip, steps, wanted in zip(batch.ids, given, needed, strict=True)
        if steps < wanted
    ]
    if short:
        raise ValueError(
            f"{len(short)} of {len(batch)} clips have fewer output steps than their glosses need: {', '.join(short)}; "
            "leave these clips out or give the network a smaller temporal stride"
        )
