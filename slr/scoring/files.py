"""Transcripts in files: STM, CTM, tables and plain lines, in UTF-8 of any script.

====================  ==============================================================================================
form                  a line
====================  ==============================================================================================
STM                   ``clip channel signer start end gloss gloss ...``
CTM                   ``clip channel start duration gloss [confidence]``, one line per gloss, times in seconds
corpus table          ``id|folder|signer|annotation`` or ``name|video|start|end|speaker|orth|translation``; or any
                      table divided by ``|``, ``,`` or tabs whose first line names its columns. The columns
                      ``channel``, ``clip_start``, ``clip_end``, ``label``, ``gloss_starts``, ``gloss_ends`` and
                      ``confidences`` hold what else STM and CTM files say
lines                 ``clip|gloss gloss ...``, ``clip,gloss gloss ...`` or ``clip gloss gloss ...``
====================  ==============================================================================================

A clip without any gloss is written ``[EMPTY]``; in tables and lines the glosses may be left out instead. In an STM file
they may not, since a segment without transcript is more likely a fault than silence. Lines that start with ``;;`` are
comments; lines may end as on Windows. Glosses are divided by ordinary blanks and tabs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from slr.scoring.nist import read_ctm, read_stm
from slr.scoring.tables import COLUMNS, read_commas, read_piped, read_table
from slr.scoring.transcript import NO_GLOSS, Line, Transcript, once

__all__ = ["NO_GLOSS", "Transcript", "parse_transcripts", "read_transcripts"]

FORMS = (
    "an STM file (.stm), a CTM file (.ctm), a table 'id|folder|signer|annotation', or lines 'clip|gloss ...', "
    "'clip,gloss ...' or 'clip gloss ...'"
)
_COMMENT = ";;"
_SECONDS = re.compile(r"-?[0-9]+(\.[0-9]+(e\+[0-9]+)?)?")
# Blanks that divide glosses for Python and not for sclite, and what no editor shows: both make glosses differ that look
# alike. Zero-width joiners stay, since some scripts need them.
_UNSEEN = re.compile("[^\\S \t\n\v\f]|[\0-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff]")


def read_transcripts(path: Path | str) -> dict[str, Transcript]:
    """Transcripts by clip id, in the order of the file, whichever of the forms above it has.

    Raises:
        ValueError: when the file has another form, names a clip twice or holds no transcript; file and line are named.
        OSError: when it cannot be read.
    """
    path = Path(path)
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path}, line 1: expected UTF-8 text, got UTF-16: save the file as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = bytes(error.object)[: error.start] + b"?"
        raise ValueError(
            f"{path}, line {len(before.splitlines())}: expected UTF-8 text, got the byte "
            f"0x{error.object[error.start]:02X} of another encoding"
        ) from None
    return parse_transcripts(path, text)


def parse_transcripts(path: Path, text: str) -> dict[str, Transcript]:
    """What :func:`read_transcripts` does with the text of a file; ``path`` decides on the form and names the file."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # A tab at the end is kept: it divides off an empty column.
    numbered = [Line(path, number, line.strip(" ")) for number, line in enumerate(text.split("\n"), start=1)]
    if unseen := _UNSEEN.search(text):
        place = numbered[text.count("\n", 0, unseen.start())]
        raise place.fault(f"letters, signs and ordinary blanks, not U+{ord(unseen[0]):04X}")
    lines = [line for line in numbered if line.text.strip() and not line.text.startswith(_COMMENT)]
    if not lines:
        raise numbered[0].fault(f"a transcript somewhere in the file, in the form of {FORMS}")
    if lines[0].text[0] in "{[<":
        raise lines[0].fault(FORMS)
    return _form(path, lines[0])(lines)


def _form(path: Path, first: Line) -> Callable[[Sequence[Line]], dict[str, Transcript]]:
    """How to read a file: by its name, else by its first line."""
    fields = first.text.split()
    suffix = path.suffix.lower()
    if suffix == ".stm" or (len(fields) >= 5 and _are_seconds(fields[3:5])):
        return read_stm
    if suffix == ".ctm" or (len(fields) in (5, 6) and _are_seconds(fields[2:4])):
        return read_ctm
    if "|" in first.text:
        return read_piped
    if "," in fields[0]:
        return read_commas
    if "\t" in first.text and fields[0].lower() in COLUMNS["clip"]:
        return lambda lines: read_table(lines, "\t")
    return lambda lines: once(map(_read_line, lines))


def _are_seconds(words: Sequence[str]) -> bool:
    """Whether words are times; numbers without any point may as well be glosses."""
    return all(map(_SECONDS.fullmatch, words)) and any("." in word for word in words)


def _read_line(line: Line) -> tuple[Line, str, Transcript]:
    clip, *words = line.text.split()
    return line, clip, Transcript(line.glosses(words))
