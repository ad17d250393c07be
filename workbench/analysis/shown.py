"""Clips in front of what several networks read in them: what timelines and players show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slr.data import Clip, Corpus
from slr.scoring import Transcript, WerReport
from workbench.analysis.relations import Relations
from workbench.analysis.run_folder import Entry


@dataclass(frozen=True)
class Read:
    """What a network read in the clips of a split, with times, and how it scored."""

    entry: Entry
    transcripts: Mapping[str, Transcript]
    report: WerReport


@dataclass(frozen=True)
class Shown:
    """Some clips, and what networks read in them.

    Attributes:
        corpus: where the clips come from.
        clips: in the order of the corpus.
        reads: by the names under which networks are shown, in their order.
        main: the one by whose errors clips are sorted.
        before: the one over which gains are counted, if there is one.
        references: the transcripts in time, by clip; a clip whose transcript does not fit has none.
        aligned_by: what the network is called by which they were aligned.
        relations: what losses learned, by loss and clip.
    """

    corpus: Corpus
    clips: Sequence[Clip]
    reads: Mapping[str, Read]
    main: str
    before: str | None
    references: Mapping[str, Transcript]
    aligned_by: str | None
    relations: Mapping[str, Mapping[str, Relations]] = field(default_factory=dict)

    @property
    def titles(self) -> dict[str, str]:
        """What the networks are called, by name."""
        return {name: read.entry.title for name, read in self.reads.items()}

    def worst_first(self) -> list[Clip]:
        """The clips by the errors of the main network, those with the most first."""
        errors = {clip.clip: clip.counts.errors for clip in self.reads[self.main].report.clips}
        return sorted(self.clips, key=lambda clip: (-errors[clip.id], clip.id))


def best_aligner(reads: Mapping[str, Read], aligned: Mapping[str, object]) -> str | None:
    """The role of the network that reads best, of those that were ``aligned`` with the clips; None without one."""
    return min((role for role in reads if role in aligned), key=lambda role: reads[role].report.wer, default=None)
