"""Greedy decoding: the best class of every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from slr.ctc.hypotheses import Decoding, log_probabilities, read_path
from slr.types import Padded
from slr.vocabulary import BLANK


class GreedyDecoder:
    """Collapses the single most probable path: repeats fall together unless a blank stands between, then blanks go.

    Gives one hypothesis a clip. Fast, and blind to glosses whose probability is spread over several paths; use
    :class:`slr.ctc.BeamDecoder` for figures to report.
    """

    name = "greedy"

    def decode(self, logits: Padded) -> list[Decoding]:
        """One decoding per clip from raw scores ``[B, S, V]``."""
        log_probs = log_probabilities(logits)
        scores, labels = log_probs.values.max(-1)  # [B, S]
        rows = zip(labels.tolist(), scores.tolist(), log_probs.lengths.tolist(), strict=True)
        paths = [read_path(path[:length], row[:length], log_probability=0.0) for path, row, length in rows]
        totals = _summed_over_paths(log_probs, [path.glosses for path in paths]).tolist()
        return [Decoding((replace(path, log_probability=total),)) for path, total in zip(paths, totals, strict=True)]


def _summed_over_paths(log_probs: Padded, sentences: Sequence[Sequence[int]]) -> Tensor:
    """Log probability ``[B]`` of each gloss sequence over all its paths."""
    glosses = Padded.from_list([torch.tensor(sentence, dtype=torch.int64) for sentence in sentences])
    glosses = glosses.to(log_probs.values.device)
    steps = log_probs.values.shape[1]
    if steps == 0:
        return log_probs.values.new_zeros(len(log_probs.lengths))
    # The padding of log_probs is a certain blank: running over it changes nothing, and no clip is without steps.
    lengths = torch.full_like(log_probs.lengths, steps)
    time_first = log_probs.values.transpose(0, 1)  # [S, B, V], as torch's CTC asks for
    return -torch.nn.functional.ctc_loss(
        time_first, glosses.values, lengths, glosses.lengths, blank=BLANK, reduction="none"
    )
