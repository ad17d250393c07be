"""How often networks agree, step by step, with where a teacher sees each gloss."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from kd.align import align_nearest
from slr.ctc import PseudoLabelAccuracy, feasible, forced_alignment, pseudo_label_accuracy
from slr.ctc.hypotheses import log_probabilities
from slr.types import NetOutput, Network, Padded
from workbench.assemble import evaluation_batches
from workbench.workplace import Workplace


def dev_agreement(place: Workplace, teacher: nn.Module, students: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Pseudo-label accuracies of ``students`` on dev, against forced alignments of its transcripts by ``teacher``.

    A student with another number of steps is given, at each of its own, the label of the teacher's nearest step.

    Returns:
        for every student the shares ``all``, ``non_blank`` and ``dense``; under ``labels`` a hash of the labels, and
        under ``clips_left_out`` how many clips have none, because the teacher has fewer steps than they have glosses.
    """
    labels = _labels(place, teacher)
    digest = hashlib.sha256()
    for clip in sorted(labels):
        digest.update(clip.encode() + labels[clip].numpy().tobytes())
    left_out = len(place.corpus.clips("dev")) - len(labels)
    found: dict[str, Any] = {"labels": digest.hexdigest()[:16], "clips_left_out": left_out}
    for name, student in students.items():
        total = PseudoLabelAccuracy()
        for ids, output, _ in _outputs(place, student):
            rows = [row for row, clip in enumerate(ids) if clip in labels]
            if rows:
                logits = _rows(output.logits.to("cpu"), rows)
                targets = Padded.from_list([labels[ids[row]] for row in rows])
                total += pseudo_label_accuracy(logits, align_nearest(targets, logits))
        found[name] = total.shares()
    return found


def _labels(place: Workplace, teacher: nn.Module) -> dict[str, torch.Tensor]:
    labels: dict[str, torch.Tensor] = {}
    for ids, output, glosses in _outputs(place, teacher):
        logits = output.logits.to("cpu")
        steps = zip(glosses.unpad(), logits.lengths.tolist(), strict=True)
        rows = [row for row, (sentence, length) in enumerate(steps) if feasible(sentence.tolist(), length)]
        if rows:
            aligned = forced_alignment(log_probabilities(_rows(logits, rows)), _rows(glosses, rows))
            labels |= dict(zip((ids[row] for row in rows), aligned.labels.unpad(), strict=True))
    return labels


def _rows(padded: Padded, rows: list[int]) -> Padded:
    return Padded(padded.values[rows], padded.lengths[rows])


def _outputs(place: Workplace, network: nn.Module):
    stream = cast(Network, network).input_stream
    network.eval()
    dataset = place.dataset("dev", {stream})
    for batch in evaluation_batches(dataset, place.frames_per_batch, place.data):
        with torch.no_grad():
            output: NetOutput = network(batch.stream(stream).to(place.precision.device))
        yield batch.ids, output, batch.glosses
