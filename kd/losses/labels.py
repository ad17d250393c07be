"""What losses on the class of a clip share: the one step of scores of every clip, beside its label."""

from __future__ import annotations

from torch import Tensor

from slr.types import Batch, Padded


def clip_scores(scores: Padded, batch: Batch, who: str) -> tuple[Tensor, Tensor, Tensor]:
    """Scores ``[B, V]``, labels ``[B]`` and which clips have a step ``[B]`` bool; scores are zero where one has none.

    Args:
        scores: ``[B, S, V]`` of an isolated network, one step for every clip.
        batch: whose clips they are.
        who: the loss, for complaints.

    Raises:
        ValueError: when the clips have no labels, the network writes several steps, or a label is no class of its; the
            clip is named.
    """
    if batch.labels is None:
        raise ValueError(f"{who} learns the class of a clip, and these clips have none: CTC learns sentences")
    if bool((scores.lengths > 1).any()):
        raise ValueError(
            f"{who} reads one step of scores per clip and this network writes {int(scores.lengths.max())}: it wants a "
            "network with task 'class'"
        )
    labels, classes = batch.labels, scores.values.shape[-1]
    wrong = (labels < 0) | (labels >= classes)
    if bool(wrong.any()):
        row = int(wrong.nonzero()[0])
        raise ValueError(
            f"clip {batch.ids[row]!r} has label {int(labels[row])}, but this network has {classes} classes: it was "
            "built for another corpus"
        )
    if scores.values.shape[1] == 0:
        return scores.values.sum(dim=1), labels, scores.lengths > 0
    return scores.zeroed().values[:, 0], labels, scores.lengths > 0
