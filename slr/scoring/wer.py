"""Word error rate: counts first, ratios derived from them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from slr.scoring.alignment import align
from slr.scoring.protocols import Protocol, protocol_by_name

_Sides = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Counts:
    """What became of the glosses of some clips."""

    correct: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def reference(self) -> int:
        """Glosses of the references, the denominator of the word error rate."""
        return self.correct + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def wer(self) -> float:
        """Errors per reference gloss, from 0; above 1 when there are more errors than glosses.

        Raises:
            ValueError: when the references hold no gloss.
        """
        if self.reference == 0:
            raise ValueError("there is no word error rate over references that hold no gloss at all")
        return self.errors / self.reference

    def as_dict(self) -> dict[str, float | int | None]:
        """``wer`` (``None`` when the references hold no gloss), ``sub``, ``del``, ``ins`` and ``ref``."""
        return {
            "wer": self.wer if self.reference else None,
            "sub": self.substitutions,
            "del": self.deletions,
            "ins": self.insertions,
            "ref": self.reference,
        }

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.correct + other.correct,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


@dataclass(frozen=True)
class AlignedGloss:
    """One position of an alignment.

    ``operation`` is ``C`` correct, ``S`` substituted, ``D`` deleted or ``I`` inserted; an inserted gloss has no
    ``reference``, a deleted one no ``hypothesis``.
    """

    operation: str
    reference: str | None
    hypothesis: str | None


@dataclass(frozen=True)
class ClipScore:
    """The score of one clip: both sides as the protocol left them, and a letter per aligned position."""

    clip: str
    reference: tuple[str, ...]
    hypothesis: tuple[str, ...]
    operations: str

    @cached_property
    def counts(self) -> Counts:
        """How often each operation occurs."""
        return Counts(*(self.operations.count(letter) for letter in "CSDI"))

    def alignment(self) -> Iterator[AlignedGloss]:
        """The aligned positions from left to right."""
        reference, hypothesis = iter(self.reference), iter(self.hypothesis)
        for operation in self.operations:
            yield AlignedGloss(
                operation,
                next(reference) if operation != "I" else None,
                next(hypothesis) if operation != "D" else None,
            )


@dataclass(frozen=True)
class WerReport:
    """Scores of all clips of a corpus under one protocol.

    ``missing`` names the clips that had no hypothesis; they are scored as if nothing had been recognised.
    """

    protocol: Protocol
    clips: tuple[ClipScore, ...]
    missing: tuple[str, ...] = ()

    @cached_property
    def counts(self) -> Counts:
        """The counts of all clips together."""
        return sum((clip.counts for clip in self.clips), Counts())

    @property
    def wer(self) -> float:
        """Errors per reference gloss, pooled over all clips, from 0."""
        return self.counts.wer

    @property
    def sentence_error_rate(self) -> float:
        """Share of clips with at least one error, between 0 and 1."""
        return sum(clip.counts.errors > 0 for clip in self.clips) / len(self.clips)

    @property
    def errors_and_lengths(self) -> NDArray[np.int64]:
        """Errors and reference glosses of every clip, ``[clips, 2]``."""
        return np.array([(clip.counts.errors, clip.counts.reference) for clip in self.clips], np.int64).reshape(-1, 2)

    def grouped(self, groups: Mapping[str, str]) -> dict[str, WerReport]:
        """A report per group of clips, such as their signers, sorted by name; a clip in no group is left out."""
        members: dict[str, list[ClipScore]] = {}
        for clip in self.clips:
            if clip.clip in groups:
                members.setdefault(groups[clip.clip], []).append(clip)
        absent = set(self.missing)
        return {
            name: WerReport(self.protocol, tuple(clips), tuple(c.clip for c in clips if c.clip in absent))
            for name, clips in sorted(members.items())
        }

    def without(self, glosses: Sequence[str]) -> WerReport:
        """The same clips aligned anew after ``glosses`` were taken out of both sides."""
        key = self.protocol.compared_by
        unwanted = {*map(key, glosses)}

        def rest(sentence: Sequence[str]) -> tuple[str, ...]:
            return tuple(gloss for gloss in sentence if key(gloss) not in unwanted and gloss != self.protocol.empty)

        sides = {}
        for clip in self.clips:
            reference = rest(clip.reference)
            sides[clip.clip] = reference, _or_empty(rest(clip.hypothesis), reference, self.protocol)
        return WerReport(self.protocol, _align_clips(sides, self.protocol), self.missing)

    def confusions(self) -> Counter[tuple[str | None, str | None]]:
        """How often each (reference, hypothesis) pair went wrong; ``None`` stands for no gloss."""
        return Counter(
            (position.reference, position.hypothesis)
            for position in itertools.chain.from_iterable(clip.alignment() for clip in self.clips)
            if position.operation != "C"
        )

    def by_gloss(self) -> dict[str, Counts]:
        """What became of each gloss, the most frequent first: as reference, and how often it was inserted.

        Glosses that the protocol takes for the same are counted together, under the first spelling.
        """
        key, spelled = self.protocol.compared_by, dict[str, str]()
        tally: Counter[tuple[str, str]] = Counter()
        for position in itertools.chain.from_iterable(clip.alignment() for clip in self.clips):
            gloss = position.hypothesis if position.reference is None else position.reference
            assert gloss is not None
            tally[spelled.setdefault(key(gloss), gloss), position.operation] += 1
        counts = {gloss: Counts(*(tally[gloss, letter] for letter in "CSDI")) for gloss in spelled.values()}
        return dict(sorted(counts.items(), key=lambda item: (-item[1].reference, -item[1].insertions, item[0])))


def score(
    references: Mapping[str, Sequence[str]],
    hypotheses: Mapping[str, Sequence[str]],
    protocol: str | Protocol = "phoenix2014",
) -> WerReport:
    """Score hypotheses against references, clip by clip.

    Glosses are compared as the protocol says; as for sclite, ASCII letters of either case are the same. A clip without
    hypothesis counts as recognised empty, and the report names it.

    Args:
        references: glosses of every clip, by clip id.
        hypotheses: recognised glosses, by clip id.
        protocol: a :class:`Protocol` or its name.

    Raises:
        ValueError: when there is no reference, a hypothesis belongs to none, or a sentence is a single string.
    """
    protocol = protocol_by_name(protocol) if isinstance(protocol, str) else protocol
    _check(references, hypotheses)
    sides = {}
    for clip, glosses in references.items():
        reference = protocol.reference(glosses)
        sides[clip] = reference, _or_empty(protocol.hypothesis(hypotheses.get(clip, ())), reference, protocol)
    missing = tuple(clip for clip in references if clip not in hypotheses)
    return WerReport(protocol, _align_clips(sides, protocol), missing)


def _or_empty(hypothesis: tuple[str, ...], reference: tuple[str, ...], protocol: Protocol) -> tuple[str, ...]:
    """A hypothesis without gloss as the protocol writes it; silence where there is nothing to recognise is no error."""
    return (protocol.empty,) if reference and not hypothesis and protocol.empty is not None else hypothesis


def _align_clips(sides: Mapping[str, _Sides], protocol: Protocol) -> tuple[ClipScore, ...]:
    vocabulary = {gloss for pair in sides.values() for side in pair for gloss in side}
    key = {gloss: protocol.compared_by(gloss) for gloss in vocabulary}
    compared = [tuple([key[gloss] for gloss in side] for side in pair) for pair in sides.values()]
    operations = align(
        [(reference, hypothesis) for reference, hypothesis in compared], deletions_first=protocol.deletions_first
    )
    return tuple(ClipScore(clip, *pair, found) for (clip, pair), found in zip(sides.items(), operations, strict=True))


def _check(references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, Sequence[str]]) -> None:
    if not references:
        raise ValueError("there is no reference to score against")
    for name, sentences in (("reference", references), ("hypothesis", hypotheses)):
        for clip, sentence in sentences.items():
            if isinstance(sentence, str):
                raise ValueError(
                    f"the {name} of clip {clip!r} is one string, {sentence!r}: split it into a sequence of glosses"
                )
    strange = [clip for clip in hypotheses if clip not in references]
    if strange:
        raise ValueError(
            f"{len(strange)} of {len(hypotheses)} hypotheses belong to no reference, the first to clip {strange[0]!r}: "
            "the references are for another split or name their clips differently"
        )
