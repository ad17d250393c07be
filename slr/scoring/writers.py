"""Transcripts into files, in the forms that :func:`slr.scoring.read_transcripts` reads.

Every writer reads its own text back before anything is written, and refuses what would not return unchanged: an id
with a blank, a gloss with the separator of the table, glosses out of the order of their times. Numbers are written with
all their digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from slr.files import write_text
from slr.scoring.files import NO_GLOSS, Transcript, parse_transcripts

Transcripts = Mapping[str, Transcript]
_ALWAYS = (0.0, 1.79769e308)  # the organisers' segments last as long as a number can say
_Kept = Callable[[Transcript], Any]


def write_stm(path: Path | str, transcripts: Transcripts) -> None:
    """Write an STM file; a clip without signer gets ``unknown``, one without span all time, one without gloss
    ``[EMPTY]``.

    Raises:
        ValueError: when a clip would not be read back as it is.
    """

    def line(clip: str, transcript: Transcript) -> str:
        start, end = transcript.span or _ALWAYS
        head = [clip, transcript.channel or "1", transcript.signer or "unknown", _number(start), _number(end)]
        return " ".join([*head, *([transcript.label] if transcript.label else []), *_words(transcript)])

    lines = (line(*item) for item in transcripts.items())

    def kept(t: Transcript) -> tuple[Any, ...]:
        return t.glosses, t.signer or "unknown", t.channel or "1", t.span or _ALWAYS, t.label

    _write(path, transcripts, lines, kept)


def write_ctm(path: Path | str, transcripts: Transcripts) -> None:
    """Write a CTM file with the times of every gloss, and its confidence where there is one.

    Raises:
        ValueError: when a gloss has no times, or a clip would not be read back as it is.
    """
    for clip, transcript in transcripts.items():
        if transcript.glosses and (transcript.times is None or len(transcript.times) != len(transcript.glosses)):
            raise ValueError(
                f"clip {clip!r} has no times for its glosses: a CTM file needs start and end of every gloss"
            )
    lines = (line for clip, transcript in transcripts.items() for line in _ctm_lines(clip, transcript))
    _write(path, transcripts, lines, lambda t: (t.glosses, t.times or (), t.confidences or (), t.channel or "1"))


def _ctm_lines(clip: str, transcript: Transcript) -> Iterator[str]:
    head = f"{clip} {transcript.channel or '1'}"
    if not transcript.glosses:
        yield f"{head} 0.000 0.000 {NO_GLOSS}"
    assert transcript.times is not None or not transcript.glosses
    for index, (gloss, (start, end)) in enumerate(zip(transcript.glosses, transcript.times or (), strict=True)):
        begin, finish = Decimal(_number(start)), Decimal(_number(end))
        confidence = f" {_number(transcript.confidences[index])}" if transcript.confidences else ""
        yield f"{head} {_padded(begin)} {_padded(finish - begin)} {gloss}{confidence}"


def _padded(seconds: Decimal) -> str:
    """Seconds to the millisecond, and further where they go further."""
    exact = f"{seconds:f}"
    return exact if len(exact.partition(".")[2]) > 3 else f"{seconds:.3f}"


def write_corpus(path: Path | str, transcripts: Transcripts) -> None:
    """Write a table ``id|folder|signer|annotation`` with a first line of names; the folder stays empty.

    What else the transcripts hold is kept in further columns behind these: see :mod:`slr.scoring.tables`.

    Raises:
        ValueError: when a clip would not be read back as it is.
    """
    columns: dict[str, Callable[[Transcript], str]] = {
        name: cell
        for name, (holds, cell) in _FURTHER.items()
        if any(holds(transcript) is not None for transcript in transcripts.values())
    }
    rows = (
        "|".join([clip, "", t.signer or "", " ".join(t.glosses), *(cell(t) for cell in columns.values())])
        for clip, t in transcripts.items()
    )
    _write(path, transcripts, ["|".join(["id", "folder", "signer", "annotation", *columns]), *rows], _everything)


def _number(number: float) -> str:
    return repr(float(number))  # numpy's floats say their type as well


def _numbers(numbers: Iterable[float]) -> str:
    return " ".join(map(_number, numbers))


# The further columns of a table: what has to be there for one to be written, and what it says of a clip.
_FURTHER: dict[str, tuple[_Kept, Callable[[Transcript], str]]] = {
    "channel": (lambda t: t.channel, lambda t: t.channel or ""),
    "clip_start": (lambda t: t.span, lambda t: _number(t.span[0]) if t.span else ""),
    "clip_end": (lambda t: t.span, lambda t: _number(t.span[1]) if t.span else ""),
    "label": (lambda t: t.label, lambda t: t.label or ""),
    "gloss_starts": (lambda t: t.times, lambda t: _numbers(start for start, _ in t.times or ())),
    "gloss_ends": (lambda t: t.times, lambda t: _numbers(end for _, end in t.times or ())),
    "confidences": (lambda t: t.confidences, lambda t: _numbers(t.confidences or ())),
}


def _everything(transcript: Transcript) -> tuple[Any, ...]:
    t = transcript
    return t.glosses, t.signer or None, t.times or (), t.confidences or (), t.channel or None, t.span, t.label or None


def write_lines(path: Path | str, transcripts: Transcripts, separator: str = " ") -> None:
    """Write one line per clip, its id divided from its glosses by a blank, ``|`` or ``,``.

    Raises:
        ValueError: when the separator is none of these, or a clip would not be read back as it is.
    """
    if separator not in (" ", "|", ","):
        raise ValueError(f"lines are divided by ' ', '|' or ',', not by {separator!r}")
    rows = (f"{clip}{separator}{' '.join(t.glosses)}" for clip, t in transcripts.items())
    _write(path, transcripts, (row.rstrip() for row in rows), lambda t: t.glosses)


def _words(transcript: Transcript) -> tuple[str, ...]:
    return transcript.glosses or (NO_GLOSS,)


def _write(path: Path | str, transcripts: Transcripts, lines: Iterable[str], kept: _Kept) -> None:
    path = Path(path)
    text = "".join(f"{line}\n" for line in lines)
    wanted = {clip: kept(transcript) for clip, transcript in transcripts.items()}
    try:
        found = {clip: kept(transcript) for clip, transcript in parse_transcripts(path, text).items()}
    except ValueError as error:
        raise ValueError(f"these transcripts cannot be written: {error}") from None
    lost = next((clip for clip, part in wanted.items() if found.get(clip) != part), None)
    if lost is not None or len(found) != len(wanted):
        shown = f"clip {lost!r} with glosses {transcripts[lost].glosses}" if lost is not None else "these transcripts"
        raise ValueError(
            f"{shown} would not be read back from {path} as written: ids and glosses hold no blank and no separator "
            "of the form, and glosses follow each other in time"
        )
    write_text(path, text)
