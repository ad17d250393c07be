"""What pulls at a student, and how well its teacher knows what it teaches: measured on a few batches of an epoch.

Nothing here takes part in the training. Gradients are asked for beside those that the optimiser will use, and whatever
a measurement draws from the global random generators is put back: with diagnostics or without, the weights are the
same to the last bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from kd.align import align_nearest
from slr.ctc import feasible, pseudo_label_accuracy
from slr.ctc.alignment import best_paths
from slr.ctc.hypotheses import log_probabilities
from slr.scoring import score
from slr.types import Batch, NetOutput, Padded
from slr.vocabulary import BLANK
from workbench.aligner import rows_of

# Of every measurement its sum and what that is divided by, by dotted name: so batches add up.
Findings = dict[str, tuple[float, float]]


class WeightedReport(Protocol):
    """What diagnostics need of the report of an objective, see :class:`kd.objective.LossReport`."""

    @property
    def terms(self) -> dict[str, Tensor]:
        """The values of the terms by name, before weighting, with gradients."""
        ...

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each of these terms."""
        ...


def diagnosed_batches(*, epoch: int, epochs: int, every: int, batches: int, count: int) -> frozenset[int]:
    """The batches of an epoch to measure, spread evenly; none in most epochs.

    Args:
        epoch: counted from 0; the first, every ``every``-th after it, and the last are measured.
        epochs: of the stage.
        every: epochs from one measured to the next; 0 for no diagnostics at all.
        batches: to measure in an epoch.
        count: of the epoch.
    """
    if not every or (epoch % every and epoch + 1 < epochs):
        return frozenset()
    batches = min(batches, count)
    return frozenset((2 * number + 1) * count // (2 * batches) for number in range(batches))


def pulls(report: WeightedReport, supervised: Collection[str], network: nn.Module, scale: float = 1.0) -> Findings:
    """How hard every term pulls at the weights of a network, and whether with CTC or against it.

    ``terms.NAME.weight`` is the weight of the term, ``terms.NAME.gradient`` the Euclidean norm of its weighted gradient
    on all weights of the network that learn, and ``terms.NAME.cosine`` the cosine of that gradient with the sum of
    those of the ``supervised`` terms. A gradient that is not finite is left out, and so is the cosine with a gradient
    of zeros.

    Args:
        report: of a batch; its graph is kept for the backward pass that is to come.
        supervised: names of the terms that learn from the transcripts; some may not be in the report.
        network: the student.
        scale: what the loss is multiplied by before the backward pass, as float16 needs it.
    """
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    mine = {name: _gradient(report, name, weights, scale) for name in report.terms if name in supervised}
    reference = sum(mine.values(), torch.zeros(())) if mine else None
    findings: Findings = {}
    for name in report.terms:
        gradient = mine.pop(name) if name in mine else _gradient(report, name, weights, scale)
        findings[f"terms.{name}.weight"] = (report.weights[name], 1)
        norm = gradient.norm()
        if not norm.isfinite():
            continue
        findings[f"terms.{name}.gradient"] = (float(norm), 1)
        if reference is not None:
            cosine = float(gradient.dot(reference) / (norm * reference.norm()))
            if -2 < cosine < 2:  # NaN and infinity are not; rounding may lead just beyond 1
                findings[f"terms.{name}.cosine"] = (min(max(cosine, -1.0), 1.0), 1)
    return findings


def _gradient(report: WeightedReport, name: str, weights: list[nn.Parameter], scale: float) -> Tensor:
    """The gradient of one weighted term on all weights, as one vector."""
    term = report.weights[name] * report.terms[name]
    if not term.requires_grad or not weights:
        return torch.zeros(sum(weight.numel() for weight in weights), device=term.device)
    parts = torch.autograd.grad(term * scale, weights, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts]) / scale


def understanding(student: NetOutput, teacher: NetOutput, batch: Batch) -> Findings:
    """How well student and teacher read the clips of a batch, as they are shown in training.

    ``teacher.entropy`` is that of the teacher's posteriors in nats per step; ``teacher.wer`` and ``student.wer`` are
    the share of wrong glosses when each is decoded greedily, the student with its dropout on.
    ``pseudo_labels.all``, ``.non_blank`` and ``.dense`` are the accuracies of the student against the alignment of the
    transcripts that the teacher finds most probable (:class:`slr.ctc.PseudoLabelAccuracy`), clips that the teacher
    cannot align left out. A teacher that writes other classes than the student is asked for its entropy alone.
    Of isolated clips ``teacher.top1`` and ``student.top1`` are the shares whose class is found, in place of all these.
    """
    ours, theirs, glosses = student.logits.to("cpu"), teacher.logits.to("cpu"), batch.glosses.to("cpu")
    ours, theirs = ours.detach().zeroed(), theirs.detach().zeroed()
    entropy = torch.special.entr(theirs.values.softmax(dim=-1)).sum(dim=-1)  # [B, S]
    steps = int(theirs.lengths.sum())
    findings: Findings = {"teacher.entropy": (float(entropy[theirs.mask].sum()), steps)}
    if batch.labels is not None:
        labels = batch.labels.to("cpu")
        return {**findings, "teacher.top1": _hits(theirs, labels), "student.top1": _hits(ours, labels)}
    findings["student.wer"] = _errors(ours, glosses)
    if theirs.values.shape[-1] == ours.values.shape[-1]:
        findings["teacher.wer"] = _errors(theirs, glosses)
        findings |= _agreement(ours, theirs, glosses)
    return findings


def _hits(logits: Padded, labels: Tensor) -> tuple[float, float]:
    """Clips whose class scores best, and clips."""
    right = (logits.values.argmax(dim=-1) == labels[:, None]) & logits.mask
    return float(right.sum()), len(labels)


def _errors(logits: Padded, glosses: Padded) -> tuple[float, float]:
    """Wrong glosses and glosses of the transcripts, greedily decoded."""
    best = torch.where(logits.mask, logits.values.argmax(dim=-1), BLANK).tolist() if logits.values.shape[1] else []
    merged = [[label for label, _ in itertools.groupby(row)] for row in best]
    hypotheses = {str(row): [str(label) for label in labels if label != BLANK] for row, labels in enumerate(merged)}
    references = {str(row): [str(gloss) for gloss in clip.tolist()] for row, clip in enumerate(glosses.unpad())}
    counts = score(references, hypotheses, "raw").counts
    return counts.errors, counts.reference


def _agreement(ours: Padded, theirs: Padded, glosses: Padded) -> Findings:
    rows = [
        row
        for row, (clip, steps) in enumerate(zip(glosses.unpad(), theirs.lengths.tolist(), strict=True))
        if steps and feasible(clip.tolist(), steps)
    ]
    if not rows:
        return {}
    wanted = rows_of(glosses, rows)
    log_probs = log_probabilities(rows_of(theirs, rows))
    labels, scores = best_paths(log_probs, wanted.values[:, None], wanted.lengths[:, None])
    possible = scores[:, 0].isfinite().nonzero().flatten().tolist()  # a certain teacher may rule a transcript out
    if not possible:
        return {}
    logits = rows_of(ours, [rows[place] for place in possible])
    targets = align_nearest(rows_of(Padded(labels[:, 0], log_probs.lengths), possible), logits)
    accuracy = pseudo_label_accuracy(logits, targets)
    return {f"pseudo_labels.{name}": (count.agreeing, count.steps) for name, count in vars(accuracy).items()}


def add_up(total: dict[str, list[float]], findings: Mapping[str, tuple[float, float]]) -> None:
    """Add the findings of one more batch to ``total``, which holds plain lists, so that it can be stored."""
    for name, (value, of) in findings.items():
        so_far = total.setdefault(name, [0.0, 0.0])
        so_far[0] += value
        so_far[1] += of


def shares(total: Mapping[str, Iterable[float]]) -> dict[str, Any]:
    """What the sums come to, nested along the dots of the names; what was divided by nothing is left out."""
    tree: dict[str, Any] = {}
    for name, (value, of) in total.items():
        if of:
            *branches, leaf = name.split(".")
            place = tree
            for branch in branches:
                place = place.setdefault(branch, {})
            place[leaf] = value / of
    return tree
