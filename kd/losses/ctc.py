"""The supervised term: gold glosses, no alignment."""

from __future__ import annotations

from torch import Tensor

from kd.losses.base import Loss
from kd.losses.transcript import check_transcripts, negative_log_likelihood
from kd.reduce import mean_over_clips
from slr.types import Batch, NetOutput


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

    supervised = True

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
        check_transcripts(batch, scores)
        log_probs = scores.map(lambda values: values.log_softmax(dim=-1))
        return mean_over_clips(negative_log_likelihood(log_probs, batch.glosses))
