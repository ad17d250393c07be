"""The glosses of a clip in time, as the transcript has them and as every network read them, with what was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from slr.scoring import ClipScore, Transcript, score
from slr.scoring.protocols import Protocol
from workbench.analysis.shown import Shown

REFERENCE = "reference"


@dataclass(frozen=True)
class Placed:
    """A gloss from ``start`` to ``end`` in seconds; ``operation`` is C, S or I, and of a reference R."""

    gloss: str
    start: float
    end: float
    operation: str


@dataclass(frozen=True)
class Timeline:
    """Rows of glosses by role, ``reference`` among them where the transcript could be aligned; ``seconds`` long."""

    clip: str
    seconds: float
    rows: Mapping[str, Sequence[Placed]]


def timelines(shown: Shown) -> dict[str, Timeline]:
    """The timeline of every clip, by its id."""
    corpus = shown.corpus
    scores = {role: {one.clip: one for one in read.report.clips} for role, read in shown.reads.items()}
    found = {}
    for clip in shown.clips:
        rows: dict[str, Sequence[Placed]] = {}
        reference = shown.references.get(clip.id)
        if reference is not None:
            rows[REFERENCE] = _placed(reference, "R" * len(reference.glosses))
        for role, read in shown.reads.items():
            transcript, scored = read.transcripts[clip.id], scores[role][clip.id]
            rows[role] = _placed(transcript, operations_on(transcript, scored, clip.glosses, read.report.protocol))
        found[clip.id] = Timeline(clip.id, corpus.num_frames(clip) / corpus.fps, rows)
    return found


def operations_on(transcript: Transcript, scored: ClipScore, reference: Sequence[str], protocol: Protocol) -> str:
    """C, S or I for every gloss that was read.

    A protocol may take glosses out before it compares; then they are compared as they stand, since each has a place in
    time and one has to say what became of it.
    """
    if len(scored.hypothesis) != len(transcript.glosses):
        plain = Protocol("plain", "every gloss as it stands", compared_by=protocol.compared_by)
        scored = score({"clip": reference}, {"clip": transcript.glosses}, plain).clips[0]
    return scored.operations.replace("D", "")


def _placed(transcript: Transcript, operations: str) -> list[Placed]:
    times = transcript.times or ()
    return [
        Placed(gloss, start, end, operation)
        for gloss, (start, end), operation in zip_longest(transcript.glosses, times, operations)
    ]
