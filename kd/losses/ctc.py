"""The supervised term: gold glosses, no alignment."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from kd.losses.base import Loss
from kd.reduce import mean_over_clips
from slr.ctc import required_steps
from slr.types import Batch, NetOutput, Padded
from slr.vocabulary import BLANK


class CTC(Loss):
    """Sum over clips of ``-log p(glosses | clip)`` divided by the number of clips (not by glosses, not by steps).

    ``p(glosses | clip)`` sums over all paths of ``S`` output steps that read as the glosses once repeats are merged and
    blanks removed (Graves et al. 2006, "Connectionist Temporal Classification", equation 3). For an isolated network
    (one step, one gloss) this is the cross entropy over the vocabulary with its blank.

    A clip whose transcript does not fit its steps has probability 0. That is a fault of the data or the stride and is
    raised, never masked: ``U`` glosses need ``U`` steps, and one more for every gloss that follows itself.

    On a CUDA device under ``torch.use_deterministic_algorithms(True)`` the loss itself is computed on the CPU, because
    CUDA adds up CTC's gradient in no fixed order.

    Args:
        head: where the raw scores are read: ``"logits"``, or a tap that holds scores over the same vocabulary.
    """

    def __init__(self, head: str = "logits") -> None:
        super().__init__()
        self.head = head
        self.student_taps = (head,)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Mean over clips of the negative log-likelihood of their glosses.

        Raises:
            ValueError: when a transcript does not fit the steps of its clip, or holds an id the network cannot write;
                the clips are named.
        """
        scores = student.read(self.head)
        _check_ids(batch, vocabulary_size=scores.values.shape[-1])
        _check_feasible(batch, scores)
        if scores.values.shape[1] == 0:  # no clip has a step; torch refuses, but the empty path reads as no gloss
            return scores.values.sum()
        log_probabilities = scores.values.log_softmax(dim=-1)
        if log_probabilities.is_cuda and torch.are_deterministic_algorithms_enabled():
            log_probabilities = log_probabilities.cpu()
        device = log_probabilities.device
        # Time-first is torch's order for CTC; everywhere else the project is batch-first.
        per_clip = F.ctc_loss(
            log_probabilities.transpose(0, 1),
            batch.glosses.valid().to(device),
            scores.lengths.to(device),
            batch.glosses.lengths.to(device),
            blank=BLANK,
            reduction="none",
            zero_infinity=False,
        )
        return mean_over_clips(per_clip).to(scores.values.device)


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
