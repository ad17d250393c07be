"""How often networks agree, step by step, with where a teacher sees each gloss."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from slr.ctc import PseudoLabelAccuracy, forced_alignment, pseudo_label_accuracy
from slr.ctc.hypotheses import log_probabilities
from slr.types import NetOutput, Network, Padded
from workbench.assemble import evaluation_batches
from workbench.workplace import Workplace


def dev_agreement(place: Workplace, teacher: nn.Module, students: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Pseudo-label accuracies of ``students`` on dev, against forced alignments of its transcripts by ``teacher``.

    Returns:
        for every student the shares ``all``, ``non_blank`` and ``dense``, and under ``labels`` a hash of the labels.
    """
    labels = _labels(place, teacher)
    digest = hashlib.sha256()
    for clip in sorted(labels):
        digest.update(clip.encode() + labels[clip].numpy().tobytes())
    found: dict[str, Any] = {"labels": digest.hexdigest()[:16]}
    for name, student in students.items():
        total = PseudoLabelAccuracy()
        for ids, output, _ in _outputs(place, student):
            logits = output.logits.to("cpu")
            total += pseudo_label_accuracy(logits, Padded.from_list([labels[clip] for clip in ids]))
        found[name] = total.shares()
    return found


def _labels(place: Workplace, teacher: nn.Module) -> dict[str, torch.Tensor]:
    labels: dict[str, torch.Tensor] = {}
    for ids, output, glosses in _outputs(place, teacher):
        aligned = forced_alignment(log_probabilities(output.logits.to("cpu")), glosses)
        labels |= dict(zip(ids, aligned.labels.unpad(), strict=True))
    return labels


def _outputs(place: Workplace, network: nn.Module):
    stream = cast(Network, network).input_stream
    network.eval()
    dataset = place.dataset("dev", {stream})
    for batch in evaluation_batches(dataset, place.frames_per_batch, place.data):
        with torch.no_grad():
            output: NetOutput = network(batch.stream(stream).to(place.precision.device))
        yield batch.ids, output, batch.glosses
