"""Transcripts into files, in the forms that :func:`slr.scoring.read_transcripts` reads.

Every writer reads its own text back before anything is written, and refuses what would not return unchanged: an id
with a blank, a gloss with the separator of the table, glosses out of the order of their times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from slr.files import write_text
from slr.scoring.files import NO_GLOSS, Transcript, parse_transcripts

Transcripts = Mapping[str, Transcript]


def write_stm(path: Path | str, transcripts: Transcripts) -> None:
    """Write an STM file; a clip without signer gets ``unknown``.

    Raises:
        ValueError: when a clip would not be read back as it is.
    """
    rows = (
        (clip, f"1 {t.signer or 'unknown'} 0.0 1.79769e+308", " ".join(t.glosses)) for clip, t in transcripts.items()
    )
    _write(path, transcripts, (" ".join(row).rstrip() for row in rows))


def write_ctm(path: Path | str, transcripts: Transcripts) -> None:
    """Write a CTM file with the times of every gloss to the millisecond, and its confidence where there is one.

    Raises:
        ValueError: when a gloss has no times, or a clip would not be read back as it is.
    """
    for clip, transcript in transcripts.items():
        if transcript.glosses and (transcript.times is None or len(transcript.times) != len(transcript.glosses)):
            raise ValueError(
                f"clip {clip!r} has no times for its glosses: a CTM file needs start and end of every gloss"
            )
    _write(path, transcripts, (line for clip, t in transcripts.items() for line in _ctm_lines(clip, t)))


def _ctm_lines(clip: str, transcript: Transcript) -> Iterator[str]:
    if not transcript.glosses:
        yield f"{clip} 1 0.000 0.000 {NO_GLOSS}"
    assert transcript.times is not None or not transcript.glosses
    for index, (gloss, (start, end)) in enumerate(zip(transcript.glosses, transcript.times or (), strict=True)):
        duration = round(end, 3) - round(start, 3)
        confidence = f" {transcript.confidences[index]:.4f}" if transcript.confidences is not None else ""
        yield f"{clip} 1 {start:.3f} {duration:.3f} {gloss}{confidence}"


def write_corpus(path: Path | str, transcripts: Transcripts) -> None:
    """Write a table ``id|folder|signer|annotation`` with a first line of names; the folder stays empty.

    Raises:
        ValueError: when a clip would not be read back as it is.
    """
    rows = (f"{clip}||{t.signer or ''}|{' '.join(t.glosses)}" for clip, t in transcripts.items())
    _write(path, transcripts, ["id|folder|signer|annotation", *rows])


def write_lines(path: Path | str, transcripts: Transcripts, separator: str = " ") -> None:
    """Write one line per clip, its id divided from its glosses by a blank, ``|`` or ``,``.

    Raises:
        ValueError: when the separator is none of these, or a clip would not be read back as it is.
    """
    if separator not in (" ", "|", ","):
        raise ValueError(f"lines are divided by ' ', '|' or ',', not by {separator!r}")
    rows = (f"{clip}{separator}{' '.join(t.glosses)}" for clip, t in transcripts.items())
    _write(path, transcripts, (row.rstrip() for row in rows))


def _write(path: Path | str, transcripts: Transcripts, lines: Iterable[str]) -> None:
    path = Path(path)
    text = "".join(f"{line}\n" for line in lines)
    wanted = {clip: transcript.glosses for clip, transcript in transcripts.items()}
    try:
        found = {clip: transcript.glosses for clip, transcript in parse_transcripts(path, text).items()}
    except ValueError as error:
        raise ValueError(f"these transcripts cannot be written: {error}") from None
    lost = next((clip for clip, glosses in wanted.items() if found.get(clip) != glosses), None)
    if lost is not None or len(found) != len(wanted):
        shown = f"clip {lost!r} with glosses {wanted[lost]}" if lost is not None else "these transcripts"
        raise ValueError(
            f"{shown} would not be read back from {path} as written: ids and glosses hold no blank and no separator "
            "of the form, and glosses follow each other in time"
        )
    write_text(path, text)
