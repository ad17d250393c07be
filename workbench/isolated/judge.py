"""Let a network look at isolated clips."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from slr.data.isolated import IsolatedDataset
from slr.types import Batch, NetOutput, Network
from workbench.isolated.scores import ClipScores
from workbench.precision import Precision


def look(
    network: nn.Module,
    dataset: IsolatedDataset,
    batches: Iterable[Batch],
    precision: Precision,
    average: str = "logits",
) -> ClipScores:
    """The scores of every clip of ``batches``, which come from ``dataset``; several views of a clip are averaged.

    Args:
        network: it is put in eval mode.
        dataset: whose clips they are, in its order.
        batches: every sample once, in any order.
        precision: number format and device.
        average: of what, ``logits`` or ``probabilities``; both are scores of clips that are shown once.

    Raises:
        ValueError: when the network writes no score for a clip, or several.
    """
    network.eval()
    stream = cast(Network, network).input_stream
    sums: dict[str, Tensor] = {}
    for batch in batches:
        batch = batch.to(precision.device)
        with torch.no_grad(), precision.autocast():
            output: NetOutput = network(batch.stream(stream))
        if not bool((output.logits.lengths == 1).all()):
            raise ValueError(
                f"this {type(network).__name__} writes {output.logits.lengths.tolist()} steps for clips that want one "
                "class each: give it task 'class'"
            )
        scores = output.logits.values[:, 0].float()
        if average == "probabilities":
            scores = scores.softmax(dim=-1)
        for clip, row in zip(batch.ids, scores.cpu().double(), strict=True):
            sums[clip] = sums[clip] + row if clip in sums else row
    ids = tuple(clip.id for clip in dataset.clips)
    means = torch.stack([sums[clip] / dataset.views for clip in ids]).float().numpy()
    labels = np.asarray([clip.label for clip in dataset.clips], dtype=np.int64)
    about = {"corpus": dataset.corpus.name, "split": dataset.split, "views": dataset.views}
    return ClipScores(ids, means, labels, dataset.corpus.classes, average, about)
