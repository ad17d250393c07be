"""Forced alignment of the transcripts of clips with what a network wrote about them."""

from __future__ import annotations

from slr.ctc import feasible, forced_alignment, required_steps
from slr.ctc.hypotheses import log_probabilities, read_path
from slr.types import Padded
from workbench.recognise import Reading, Seen


class Aligner:
    """Aligns the transcript of every clip it sees, on the CPU.

    Glosses outside the vocabulary cannot be aligned; the others are aligned without them.

    Attributes:
        readings: the transcript of a clip where the network sees its glosses.
        labels: the gloss id or the blank of every output step.
        left_out: why a clip has neither, by its id.
    """

    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}
        self.labels: dict[str, tuple[int, ...]] = {}
        self.left_out: dict[str, str] = {}

    def see(self, seen: Seen) -> None:
        """One more batch."""
        logits, glosses = seen.logits.to("cpu"), seen.batch.glosses.to("cpu")
        steps = logits.lengths.tolist()
        fitting = []
        for row, sentence in enumerate(glosses.unpad()):
            if feasible(sentence.tolist(), steps[row]):
                fitting.append(row)
            else:
                needed = required_steps(sentence.tolist())
                self.left_out[seen.batch.ids[row]] = f"{steps[row]} output steps, {needed} needed"
        if fitting:
            self._align(seen, rows_of(logits, fitting), rows_of(glosses, fitting), fitting)

    def _align(self, seen: Seen, logits: Padded, glosses: Padded, rows: list[int]) -> None:
        log_probs = log_probabilities(logits)
        aligned = forced_alignment(log_probs, glosses)
        chosen = log_probs.values.gather(2, aligned.labels.values[..., None])[..., 0]  # [B, S]
        scores = Padded(chosen, logits.lengths).unpad()
        for index, labels in enumerate(aligned.labels.unpad()):
            clip = seen.batch.ids[rows[index]]
            path = read_path(labels.tolist(), scores[index].tolist(), float(aligned.scores[index]))
            self.labels[clip] = tuple(labels.tolist())
            self.readings[clip] = seen.locate(rows[index], path)


def rows_of(padded: Padded, rows: list[int]) -> Padded:
    """Some of the sequences, in the order of ``rows``."""
    return Padded(padded.values[rows], padded.lengths[rows])
