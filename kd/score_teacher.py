"""A teacher that is known by the scores it gave to every clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from slr.types import Batch, NetOutput, Padded


class ScoreTeacher:
    """Answers with the scores that a clip was given before: those of a fusion, or of a network that is not at hand.

    It says the same of a clip however that is shown, and publishes no features.

    Args:
        ids: of the clips.
        scores: ``[clips, V]`` logits, or probabilities.
        kind: ``logits`` or ``probabilities``; the logarithms of these are logits like any others.

    Raises:
        ValueError: when ``kind`` is neither, scores and clips differ in number, or a score is not finite or no
            probability.
    """

    def __init__(self, ids: Sequence[str], scores: Tensor, kind: str = "logits") -> None:
        if kind not in ("logits", "probabilities"):
            raise ValueError(f"kind is {kind!r}: scores are 'logits' or 'probabilities'")
        if len(ids) != len(scores) or scores.ndim != 2:
            raise ValueError(f"scores of shape {list(scores.shape)} for {len(ids)} clips: a row for each")
        if not bool(scores.isfinite().all()) or (kind == "probabilities" and not bool((scores >= 0).all())):
            raise ValueError("a teacher that is known by its scores says what is no finite number, or no probability")
        scores = scores.float()
        # The smallest normal number stands for what was rounded to 0.
        self._logits = scores.clamp(min=torch.finfo(torch.float32).tiny).log() if kind == "probabilities" else scores
        self._rows = {clip: row for row, clip in enumerate(ids)}

    @torch.no_grad()
    def __call__(self, batch: Batch) -> NetOutput:
        """One step of scores for every clip of ``batch``, on its device.

        Raises:
            ValueError: when there are none for a clip.
        """
        missing = [clip for clip in batch.ids if clip not in self._rows]
        if missing:
            raise ValueError(
                f"clip {missing[0]!r} is none of the {len(self._rows)} clips that this teacher gave scores to"
            )
        rows = torch.tensor([self._rows[clip] for clip in batch.ids], dtype=torch.int64)
        device = batch.frames.values.device
        lengths = torch.ones(len(batch), dtype=torch.int64)
        return NetOutput(Padded(self._logits[rows][:, None], lengths).to(device))
