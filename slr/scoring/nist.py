"""STM and CTM, the files of NIST's scoring tools.

A few words are commands there: sclite reads alternatives after ``{`` in an STM file and ``<ALT_BEGIN>`` in a CTM file,
takes a lone ``@`` for no word at all, and leaves out a segment that says ``IGNORE_TIME_SEGMENT_IN_SCORING``. A file
that holds one of them is refused, since a score that took it for a gloss would differ from sclite's without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from slr.scoring.transcript import NO_GLOSS, Entry, Line, Transcript, once

STM = "'clip channel signer start end gloss gloss ...' with times in seconds from 0"
CTM = "'clip channel start duration gloss [confidence]' with times in seconds from 0 and a confidence up to 1"
_NO_WORD = r"\\*@\\*(\*|;.*)?"
_STM_COMMAND = re.compile(_NO_WORD + r"|.*\{.*|IGNORE_TIME_SEGMENT_IN_SCORING", re.IGNORECASE)
_CTM_COMMAND = re.compile(_NO_WORD + "|<ALT_.*", re.IGNORECASE)


def read_stm(lines: Sequence[Line]) -> dict[str, Transcript]:
    """Segments, one for every clip; a clip in which nothing is signed is written ``[EMPTY]``."""
    return once(map(_read_segment, lines))


def _read_segment(line: Line) -> Entry:
    fields = line.text.split()
    if len(fields) < 5:
        raise line.fault(STM)
    start, end = (line.number_of(field, STM) for field in fields[3:5])
    if end < start:
        raise line.fault("a segment that ends after it starts")
    # sclite takes any first word in angle brackets for the label of the segment, such as <o,f0,male>.
    label = fields[5] if len(fields) > 5 and fields[5].startswith("<") else None
    words = fields[6 if label else 5 :]
    if not words:
        raise line.fault(f"a transcript after the times, or {NO_GLOSS} where nothing is signed")
    _check_words(line, words, _STM_COMMAND)
    transcript = Transcript(line.glosses(words), signer=fields[2], channel=fields[1], span=(start, end), label=label)
    return line, fields[0], transcript


def _check_words(line: Line, words: Iterable[str], commands: re.Pattern[str]) -> None:
    command = next(filter(commands.fullmatch, words), None)
    if command is not None:
        raise line.fault(f"glosses, but NIST sclite does not take {command!r} for one")


class _Spoken(NamedTuple):
    """A line of a CTM file."""

    line: Line
    clip: str
    channel: str
    start: float
    end: float
    gloss: str
    confidence: float | None


def read_ctm(lines: Sequence[Line]) -> dict[str, Transcript]:
    """Glosses with their times, the lines of a clip together; one in which nothing is recognised is ``[EMPTY]``."""
    return once(_read_clip(list(spoken)) for _, spoken in groupby(map(_read_gloss, lines), lambda gloss: gloss.clip))


def _read_gloss(line: Line) -> _Spoken:
    fields = line.text.split()
    if len(fields) not in (5, 6):
        raise line.fault(CTM)
    clip, channel, start, duration, gloss = fields[:5]
    for time in (start, duration):
        line.number_of(time, CTM)
    _check_words(line, (gloss,), _CTM_COMMAND)
    confidence = line.number_of(fields[5], CTM, most=1) if len(fields) == 6 else None
    # Added as decimals: in binary numbers 0.1 + 0.2 is not 0.3.
    return _Spoken(line, clip, channel, float(start), float(Decimal(start) + Decimal(duration)), gloss, confidence)


def _read_clip(spoken: list[_Spoken]) -> Entry:
    first = spoken[0]
    for gloss in spoken:
        if gloss.channel != first.channel:
            raise gloss.line.fault(f"channel {first.channel!r} for all of clip {first.clip!r}")
        if (gloss.confidence is None) != (first.confidence is None):
            raise gloss.line.fault(f"a confidence for every gloss of clip {first.clip!r}, or for none")
    glosses = first.line.glosses(gloss.gloss for gloss in sorted(spoken, key=lambda gloss: gloss.start))
    spoken = sorted(spoken, key=lambda gloss: gloss.start) if glosses else []
    confidences = tuple(gloss.confidence for gloss in spoken if gloss.confidence is not None)
    return (
        first.line,
        first.clip,
        Transcript(
            glosses,
            times=tuple((gloss.start, gloss.end) for gloss in spoken),
            confidences=confidences if first.confidence is not None else None,
            channel=first.channel,
        ),
    )
