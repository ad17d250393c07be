"""Several teachers as one: averaged posteriors, or for every clip the teacher that knows it best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from kd.align import align_linear
from kd.losses.transcript import negative_log_likelihood
from kd.teacher import Teacher
from slr.types import Batch, NetOutput, Padded

Rule = Literal["average", "weighted", "best"]


def holds_scores(name: str) -> bool:
    """Whether a tap of this name holds raw scores over the vocabulary: ``logits``, or ``conv_logits`` and such."""
    return name == "logits" or name.endswith("_logits")


def combined_widths(members: Sequence[Mapping[str, int]], rule: Rule) -> dict[str, int]:
    """Width of every tap that several teachers publish together, from the widths that each publishes, logits included.

    A tap that one of them lacks is not published. Scores over the vocabulary keep their width. Features live in a space
    of their own in every network, so averaging them would mean nothing: where posteriors are averaged, features are
    put side by side and the widths add up. Under ``best`` a tap is that of the teacher chosen, so it is published only
    where all have the same width.
    """
    shared = [name for name in members[0] if all(name in member for member in members)]
    found = {name: [member[name] for member in members] for name in shared}
    if rule == "best":
        return {name: widths[0] for name, widths in found.items() if len(set(widths)) == 1}
    return {name: widths[0] if holds_scores(name) else sum(widths) for name, widths in found.items()}


class EnsembleTeacher:
    """Several teachers that answer as one, on the output steps of the first.

    The others are resampled to the steps of the first, scores as scores, before anything is combined
    (:func:`~kd.align.align_linear`). What is returned as logits are log posteriors, raw scores like any other.

    - ``average``: ``log(1/M sum_m softmax(z_m))`` at every step.
    - ``weighted``: ``log(sum_m w_m softmax(z_m))``, the weights divided by their sum.
    - ``best``: every clip is taught by one of them, the one that ``chosen`` names, see :func:`choose_best`.

    Taps are combined as :func:`combined_widths` says. Nothing here learns, and no gradient reaches a member.

    Args:
        members: the teachers, two at least; over the same vocabulary.
        rule: how they are combined.
        weights: under ``weighted`` one per member, each greater than 0.
        chosen: under ``best`` the index of the member for every clip by its id.
        otherwise: under ``best`` the member that answers for all other clips.

    Raises:
        ValueError: when rule, weights and choice do not belong together.
    """

    def __init__(
        self,
        members: Sequence[Teacher],
        rule: Rule = "average",
        *,
        weights: Sequence[float] | None = None,
        chosen: Mapping[str, int] | None = None,
        otherwise: int = 0,
    ) -> None:
        self.members = tuple(members)
        self.rule = rule
        if len(self.members) < 2:
            raise ValueError(f"{len(self.members)} teachers cannot be combined: it takes two at least")
        if rule not in get_args(Rule):
            raise ValueError(f"rule is {rule!r}, which is none of {', '.join(get_args(Rule))}")
        if (weights is not None) != (rule == "weighted"):
            raise ValueError(f"rule is {rule!r} and weights are {weights}: weights belong to 'weighted'")
        if (chosen is not None) != (rule == "best"):
            raise ValueError(
                f"rule is {rule!r} and {'no' if chosen is None else 'a'} choice is given: 'best' needs one"
            )
        self.weights = _normalised(weights if weights is not None else [1.0] * len(self.members), len(self.members))
        self.chosen = dict(chosen or {})
        self.otherwise = otherwise

    @torch.no_grad()
    def __call__(self, batch: Batch) -> NetOutput:
        """What the members say together about the clips of ``batch``.

        Raises:
            ValueError: when they write different numbers of classes, or one has no step of a clip that others have.
        """
        outputs = [member(batch).detach() for member in self.members]
        widths = [_widths(output) for output in outputs]
        classes = [width["logits"] for width in widths]
        if len(set(classes)) > 1:
            raise ValueError(
                f"the teachers write {', '.join(map(str, classes))} classes: all have to write the same glosses"
            )
        combined = {
            name: self._combined(name, [output.read(name) for output in outputs], batch.ids)
            for name in combined_widths(widths, self.rule)
        }
        return NetOutput(combined.pop("logits"), combined)

    def _combined(self, name: str, sequences: Sequence[Padded], ids: Sequence[str]) -> Padded:
        first = sequences[0]
        values = [align_linear(sequence.map(Tensor.float), first).values for sequence in sequences]
        if self.rule == "best":
            rows = [self.chosen.get(clip, self.otherwise) for clip in ids]
            return Padded(torch.stack([values[member][row] for row, member in enumerate(rows)]), first.lengths)
        if not holds_scores(name):
            return Padded(torch.cat(values, dim=-1), first.lengths)
        shares = [
            scores.log_softmax(dim=-1) + math.log(weight) for scores, weight in zip(values, self.weights, strict=True)
        ]
        return Padded(torch.stack(shares).logsumexp(dim=0), first.lengths)


@dataclass(frozen=True)
class Choice:
    """Which of several teachers teaches which training clip.

    Attributes:
        chosen: index of the teacher, by clip.
        ties: clips on which the lowest loss is shared; the first of those that share it teaches them.
        overall: the teacher of the lowest loss over all these clips together, the first of several.
    """

    chosen: Mapping[str, int]
    ties: tuple[str, ...]
    overall: int


def choose_best(losses: Sequence[Mapping[str, float]]) -> Choice:
    """For every clip the teacher of the lowest loss.

    Args:
        losses: of every teacher the loss on every clip, see :func:`training_losses`; infinite where its steps cannot
            hold the transcript.

    Raises:
        ValueError: when the teachers were asked about different clips, or a loss is not a number.
    """
    clips = list(losses[0])
    if any(other.keys() != losses[0].keys() for other in losses[1:]):
        raise ValueError("the teachers were asked about different clips: the best is chosen on the same ones")
    chosen, ties = {}, []
    for clip in clips:
        found = [teacher[clip] for teacher in losses]
        if any(math.isnan(loss) for loss in found):
            raise ValueError(f"the training loss of a teacher on clip {clip!r} is not a number: look at its outputs")
        chosen[clip] = found.index(min(found))
        if found.count(min(found)) > 1:
            ties.append(clip)
    totals = [_total(teacher.values()) for teacher in losses]
    return Choice(chosen, tuple(ties), totals.index(min(totals)))


@torch.no_grad()
def training_losses(teacher: Teacher, batches: Iterable[Batch]) -> dict[str, float]:
    """``-log p(glosses | clip)`` of every clip under a teacher: the CTC loss on its own transcript, on its own steps.

    The caller hands in training clips and no others: what is chosen by a transcript must not be judged on it.
    """
    found: dict[str, float] = {}
    for batch in batches:
        logits = teacher(batch).logits.to("cpu").zeroed()
        log_probs = logits.map(lambda values: values.double().log_softmax(dim=-1))
        losses = negative_log_likelihood(log_probs, batch.glosses.to("cpu"))
        found |= dict(zip(batch.ids, losses.tolist(), strict=True))
    return found


def _normalised(weights: Sequence[float], members: int) -> tuple[float, ...]:
    if len(weights) != members:
        raise ValueError(f"{len(weights)} weights are given for {members} teachers: one each")
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise ValueError(f"the weights are {list(weights)}: each must be finite and greater than 0")
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def _widths(output: NetOutput) -> dict[str, int]:
    return {name: output.read(name).values.shape[-1] for name in ("logits", *output.taps)}


def _total(losses: Iterable[float]) -> tuple[int, float]:
    """Clips that cannot be written at all count first, then the sum over the others."""
    known = list(losses)
    finite = math.fsum(loss for loss in known if math.isfinite(loss))
    return sum(math.isinf(loss) for loss in known), finite
