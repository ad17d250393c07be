"""Transcripts in files: STM, CTM, corpus tables and plain lines, in UTF-8 of any script.

====================  ==============================================================================================
form                  a line
====================  ==============================================================================================
STM                   ``clip channel signer start end gloss gloss ...``
CTM                   ``clip channel start duration gloss [confidence]``, one line per gloss, times in seconds
corpus table          ``id|folder|signer|annotation`` or ``name|video|start|end|speaker|orth|translation``; or any
                      table divided by ``|``, ``,`` or tabs whose first line names its columns
lines                 ``clip|gloss gloss ...``, ``clip,gloss gloss ...`` or ``clip gloss gloss ...``
====================  ==============================================================================================

Lines that start with ``;;`` are comments. A clip in which nothing was recognised is a line without gloss; in a CTM
file it is a line whose gloss is ``[EMPTY]``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

NO_GLOSS = "[EMPTY]"
_COMMENT = ";;"
_FORMS = (
    "an STM file (.stm), a CTM file (.ctm), a table 'id|folder|signer|annotation', or lines 'clip|gloss ...', "
    "'clip,gloss ...' or 'clip gloss ...'"
)
_COLUMNS = {
    "clip": ("id", "name", "clip"),
    "signer": ("signer", "speaker"),
    "glosses": ("annotation", "orth", "gloss", "glosses", "hypothesis", "prediction"),
}
# Columns of clip, signer and glosses in the tables that come without a first line of names, by their number of columns.
_NAMELESS = {4: (0, 2, 3), 7: (0, 4, 5)}
_SECONDS = re.compile(r"\d+\.\d+(e\+\d+)?")
_STM_LABEL = re.compile(r"<[^<>]*,[^<>]*>")


@dataclass(frozen=True)
class Transcript:
    """The glosses of one clip, and what else its file says.

    ``times`` holds start and end of each gloss in seconds, ``confidences`` a number between 0 and 1 for each.
    """

    glosses: tuple[str, ...]
    signer: str | None = None
    times: tuple[tuple[float, float], ...] | None = None
    confidences: tuple[float, ...] | None = None


@dataclass(frozen=True)
class _Line:
    """A line with its place, for messages."""

    path: Path
    number: int
    text: str

    def fault(self, expected: str) -> ValueError:
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        return ValueError(f"{self.path}, line {self.number}: expected {expected}, got {shown!r}")

    def seconds(self, text: str, expected: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise self.fault(expected) from None
        if not 0 <= value < math.inf:
            raise self.fault(expected)
        return value


def read_transcripts(path: Path | str) -> dict[str, Transcript]:
    """Transcripts by clip id, in the order of the file, whichever of the forms above it has.

    Raises:
        ValueError: when the file has another form, names a clip twice or holds no transcript; file and line are named.
        OSError: when it cannot be read.
    """
    path = Path(path)
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text (byte {error.start}): expected {_FORMS}") from None
    return parse_transcripts(path, text)


def parse_transcripts(path: Path, text: str) -> dict[str, Transcript]:
    """What :func:`read_transcripts` does with the text of a file; ``path`` decides on the form and names the file."""
    # A tab at the end is kept: it divides off an empty column.
    numbered = (_Line(path, number, line.strip(" \r")) for number, line in enumerate(text.split("\n"), start=1))
    lines = [line for line in numbered if line.text.strip() and not line.text.startswith(_COMMENT)]
    if lines and (lines[0].text[0] in "{[<" or "\0" in text):
        raise lines[0].fault(_FORMS)
    transcripts = _form(path, lines[0])(lines) if lines else {}
    if not transcripts:
        raise ValueError(f"{path} holds no transcript: expected {_FORMS}")
    return transcripts


def _form(path: Path, first: _Line) -> Callable[[Sequence[_Line]], dict[str, Transcript]]:
    """How to read a file: by its name, else by its first line."""
    fields = first.text.split()
    suffix = path.suffix.lower()
    if suffix == ".stm" or (len(fields) >= 5 and all(map(_SECONDS.fullmatch, fields[3:5]))):
        return _read_stm
    if suffix == ".ctm" or (len(fields) in (5, 6) and all(map(_SECONDS.fullmatch, fields[2:4]))):
        return _read_ctm
    if "|" in first.text:
        return _read_piped
    if "," in fields[0]:
        return _read_commas
    if "\t" in first.text and fields[0].lower() in _COLUMNS["clip"]:
        return lambda lines: _read_table(lines, "\t")
    return lambda lines: _once((line, line.text.split()[0], Transcript(tuple(line.text.split()[1:]))) for line in lines)


def _once(entries: Iterable[tuple[_Line, str, Transcript]]) -> dict[str, Transcript]:
    """Transcripts by clip, each clip once."""
    found: dict[str, Transcript] = {}
    places: dict[str, int] = {}
    for line, clip, transcript in entries:
        if not clip:
            raise line.fault("the id of a clip in front")
        if clip in found:
            raise line.fault(f"every clip once, but {clip!r} is on line {places[clip]} already")
        found[clip], places[clip] = transcript, line.number
    return found


def _read_stm(lines: Sequence[_Line]) -> dict[str, Transcript]:
    expected = "'clip channel signer start end gloss gloss ...'"

    def read(line: _Line) -> tuple[_Line, str, Transcript]:
        fields = line.text.split()
        if len(fields) < 5:
            raise line.fault(expected)
        for time in fields[3:5]:
            line.seconds(time, expected)
        glosses = fields[5:]
        if glosses and _STM_LABEL.fullmatch(glosses[0]):  # the optional label of a segment, such as <o,f0,male>
            del glosses[0]
        return line, fields[0], Transcript(tuple(glosses), signer=fields[2])

    return _once(map(read, lines))


def _read_ctm(lines: Sequence[_Line]) -> dict[str, Transcript]:
    expected = "'clip channel start duration gloss [confidence]'"
    spoken: dict[str, list[tuple[float, float, str, float | None]]] = {}
    for line in lines:
        fields = line.text.split()
        if len(fields) not in (5, 6):
            raise line.fault(expected)
        start, duration = (line.seconds(field, expected) for field in fields[2:4])
        confidence = line.seconds(fields[5], expected) if len(fields) == 6 else None
        glosses = spoken.setdefault(fields[0], [])
        if fields[4] != NO_GLOSS:
            glosses.append((start, round(start + duration, 6), fields[4], confidence))
    return {clip: _in_time(glosses) for clip, glosses in spoken.items()}


def _in_time(spoken: Sequence[tuple[float, float, str, float | None]]) -> Transcript:
    ordered = sorted(spoken, key=lambda entry: entry[0])
    confidences = tuple(confidence for *_, confidence in ordered if confidence is not None)
    return Transcript(
        glosses=tuple(gloss for _, _, gloss, _ in ordered),
        times=tuple((start, end) for start, end, _, _ in ordered),
        confidences=confidences if len(confidences) == len(ordered) else None,
    )


def _read_piped(lines: Sequence[_Line]) -> dict[str, Transcript]:
    first = [field.strip() for field in lines[0].text.split("|")]
    if first[0].lower() in _COLUMNS["clip"]:
        return _read_table(lines, "|")
    if len(first) in _NAMELESS and "/" in first[1]:  # the second column of these tables is a folder
        return _read_columns(lines, "|", len(first), _NAMELESS[len(first)])
    if len(first) == 2:
        return _read_columns(lines, "|", 2, (0, None, 1))
    raise lines[0].fault("'clip|gloss gloss ...' or 'id|folder|signer|annotation'")


def _read_commas(lines: Sequence[_Line]) -> dict[str, Transcript]:
    if lines[0].text.split(",")[0].strip().lower() in _COLUMNS["clip"]:
        return _read_table(lines, ",")

    def read(line: _Line) -> tuple[_Line, str, Transcript]:
        clip, comma, glosses = line.text.partition(",")
        if not comma or '"' in line.text:
            raise line.fault("'clip,gloss gloss ...' without quotes")
        return line, clip.strip(), Transcript(tuple(glosses.replace(",", " ").split()))

    return _once(map(read, lines))


def _read_table(lines: Sequence[_Line], separator: str) -> dict[str, Transcript]:
    """A table whose first line names its columns."""
    names = [name.strip().lower() for name in lines[0].text.split(separator)]
    places = [next((names.index(n) for n in known if n in names), None) for known in _COLUMNS.values()]
    if places[2] is None:
        raise lines[0].fault(f"a column called one of {', '.join(_COLUMNS['glosses'])}")
    return _read_columns(lines[1:], separator, len(names), (0, places[1], places[2]))


def _read_columns(
    lines: Sequence[_Line], separator: str, number: int, places: tuple[int, int | None, int]
) -> dict[str, Transcript]:
    clip, signer, glosses = places

    def read(line: _Line) -> tuple[_Line, str, Transcript]:
        fields = [field.strip() for field in line.text.split(separator)]
        if len(fields) != number:
            raise line.fault(f"{number} columns divided by {separator!r} as on the first line")
        who = fields[signer] if signer is not None else ""
        return line, fields[clip], Transcript(tuple(fields[glosses].split()), signer=who or None)

    return _once(map(read, lines))
