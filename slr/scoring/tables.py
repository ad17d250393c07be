"""Transcripts in tables, whose columns are divided by ``|``, commas or tabs.

A table says in its first line what its columns hold, except those two that corpora come with. Beside clip, signer and
glosses it may hold the rest of an STM or CTM file: ``channel``, ``clip_start``, ``clip_end`` and ``label``, and
``gloss_starts``, ``gloss_ends`` and ``confidences`` with a number for each gloss, divided by blanks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slr.scoring.transcript import Entry, Line, Transcript, once

# What a column holds, by the names it goes by.
COLUMNS = {
    "clip": ("id", "name", "clip"),
    "signer": ("signer", "speaker"),
    "glosses": ("annotation", "orth", "gloss", "glosses", "hypothesis", "prediction"),
    "channel": ("channel",),
    "clip_start": ("clip_start",),
    "clip_end": ("clip_end",),
    "label": ("label",),
    "gloss_starts": ("gloss_starts",),
    "gloss_ends": ("gloss_ends",),
    "confidences": ("confidences",),
}
# Places of the columns in tables without names, by their number.
_NAMELESS = {4: {"clip": 0, "signer": 2, "glosses": 3}, 7: {"clip": 0, "signer": 4, "glosses": 5}}
_PAIR = {"clip": 0, "glosses": 1}


def names_columns(line: Line, separator: str) -> bool:
    """Whether a line holds the names of columns and not a transcript."""
    names = _names(line, separator)
    known = [any(name in COLUMNS[column] for name in names) for column in ("clip", "glosses")]
    return all(known) or names[0] in COLUMNS["clip"]


def read_table(lines: Sequence[Line], separator: str) -> dict[str, Transcript]:
    """A table whose first line names its columns."""
    head, *rows = lines
    names = _names(head, separator)
    places = {}
    for column, known in COLUMNS.items():
        found = [place for place, name in enumerate(names) if name in known]
        if len(found) > 1:
            raise head.fault(f"one column of {column}, not {' and '.join(names[place] for place in found)}")
        if found:
            places[column] = found[0]
    if "glosses" not in places:
        raise head.fault(f"a column called one of {', '.join(COLUMNS['glosses'])}")
    if not rows:
        raise head.fault("rows below the names of the columns")
    return _read_rows(rows, separator, len(names), places)


def read_piped(lines: Sequence[Line]) -> dict[str, Transcript]:
    """A table divided by ``|``, with or without names."""
    if names_columns(lines[0], "|"):
        return read_table(lines, "|")
    fields = lines[0].text.split("|")
    if len(fields) in _NAMELESS and "/" in fields[1]:  # the second column of these tables is a folder
        return _read_rows(lines, "|", len(fields), _NAMELESS[len(fields)])
    if len(fields) == 2:
        return _read_rows(lines, "|", 2, _PAIR)
    raise lines[0].fault("'clip|gloss gloss ...' or 'id|folder|signer|annotation'")


def read_commas(lines: Sequence[Line]) -> dict[str, Transcript]:
    """A table divided by commas: with names, or of a clip and its glosses."""
    if names_columns(lines[0], ","):
        return read_table(lines, ",")

    def read(line: Line) -> Entry:
        clip, comma, glosses = line.text.partition(",")
        if not comma or '"' in line.text:
            raise line.fault("'clip,gloss gloss ...' without quotes")
        return line, clip.strip(), Transcript(line.glosses(glosses.replace(",", " ").split()))

    return once(map(read, lines))


def _names(line: Line, separator: str) -> list[str]:
    return [name.strip().lower() for name in line.text.split(separator)]


def _read_rows(lines: Sequence[Line], separator: str, number: int, places: Mapping[str, int]) -> dict[str, Transcript]:
    def read(line: Line) -> Entry:
        fields = [field.strip() for field in line.text.split(separator)]
        if len(fields) != number:
            raise line.fault(f"{number} columns divided by {separator!r} as on the first line")
        cells = {column: fields[place] for column, place in places.items()}
        return line, cells["clip"], _transcript(line, cells)

    return once(map(read, lines))


def _transcript(line: Line, cells: Mapping[str, str]) -> Transcript:
    glosses = line.glosses(cells["glosses"].split())
    times, confidences, span = None, None, None
    if "gloss_starts" in cells and "gloss_ends" in cells:
        starts, ends = (_numbers(line, cells[column], len(glosses)) for column in ("gloss_starts", "gloss_ends"))
        times = tuple(zip(starts, ends, strict=True)) if starts is not None and ends is not None else None
    if "confidences" in cells:
        confidences = _numbers(line, cells["confidences"], len(glosses), most=1)
    if cells.get("clip_start") and cells.get("clip_end"):
        start, end = (line.number_of(cells[column], "seconds from 0") for column in ("clip_start", "clip_end"))
        span = start, end
    signer, channel, label = (cells.get(column) or None for column in ("signer", "channel", "label"))
    return Transcript(glosses, signer, times, confidences, channel, span, label)


def _numbers(line: Line, cell: str, number: int, most: float = float("inf")) -> tuple[float, ...] | None:
    """A number for each gloss; an empty cell says nothing of glosses that there are."""
    words = cell.split()
    if not words and number:
        return None
    if len(words) != number:
        raise line.fault(f"a number for each of {number} glosses, not {len(words)} numbers")
    return tuple(line.number_of(word, "numbers from 0, divided by blanks", most) for word in words)
