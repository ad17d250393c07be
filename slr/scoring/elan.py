"""Gloss segments as ELAN annotation files (``.eaf``), one tier per source, times in milliseconds.

The form is that of the EAF 3.0 schema of the Max Planck Institute for Psycholinguistics. ELAN takes time slots in the
order of the file and allows no overlap within a tier: slots are therefore written in the order of time over all
tiers, and a segment that overlaps an earlier one of its tier moves to a further tier.
"""

from __future__ import annotations

import math
import mimetypes
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from slr.files import write_text
from slr.scoring.files import Transcript

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_TYPE = "gloss"
_LONGEST = 2**31 - 1  # milliseconds, what ELAN can count to
# What XML 1.0 cannot hold, not even escaped: control characters and halves of surrogate pairs.
_NOT_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # compiled when needed: that takes 5 ms


@dataclass(frozen=True)
class _Segment:
    """A gloss with its times in whole milliseconds."""

    start: int
    end: int
    gloss: str


@dataclass(frozen=True)
class _Tier:
    """Segments one after the other, which do not overlap."""

    name: str
    signer: str | None
    segments: tuple[_Segment, ...]


def write_elan(
    path: Path | str,
    tiers: Mapping[str, Transcript],
    *,
    media: Path | str | None = None,
    author: str = "",
    date: datetime | None = None,
) -> None:
    """Write the gloss segments of one clip for ELAN.

    Args:
        path: the ``.eaf`` file, replaced whole when it exists.
        tiers: glosses and their times by the name of their tier; the signer becomes its participant. Segments that
            overlap earlier ones keep their times in a tier of the same name with a number, as ``"hypothesis (2)"``.
        media: the video that ELAN plays; it need not be there yet.
        author: stands in the file.
        date: stands in the file; now, unless given.

    Raises:
        ValueError: when glosses have no times, or times that no annotation can have, or a text holds a character that
            XML cannot hold; tier, gloss and times are named.
        OSError: when the file cannot be written.
    """
    path = Path(path)
    root = _document(list(_laid_out(tiers)), author, date or datetime.now(timezone.utc), media, path)
    for element in root.iter():
        for text in (element.text or "", *element.attrib.values()):
            if re.search(_NOT_XML, text):
                raise ValueError(f"{path} cannot be written: {text!r} holds a character that XML cannot hold")
    indent(root)
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n')


def _document(tiers: Sequence[_Tier], author: str, date: datetime, media: Path | str | None, path: Path) -> Element:
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": author,
            "DATE": date.astimezone(timezone.utc).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    header = SubElement(root, "HEADER", TIME_UNITS="milliseconds")
    if media is not None:
        SubElement(header, "MEDIA_DESCRIPTOR", _media(Path(media), path))
    number = sum(len(tier.segments) for tier in tiers)
    SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(number)
    _add_annotations(root, tiers)
    SubElement(root, "LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID=_TYPE, TIME_ALIGNABLE="true", GRAPHIC_REFERENCES="false")
    return root


def _add_annotations(root: Element, tiers: Sequence[_Tier]) -> None:
    """The time slots, two of its own for every annotation, and the tiers that refer to them."""
    segments = [segment for tier in tiers for segment in tier.segments]
    # At the same millisecond ends come before starts, or neighbours would overlap in the order of the slots.
    ends = [(segment.end, 0, index) for index, segment in enumerate(segments)]
    starts = [(segment.start, 1, index) for index, segment in enumerate(segments)]
    slots: dict[tuple[int, int], str] = {}
    order = SubElement(root, "TIME_ORDER")
    for number, (time, which, index) in enumerate(sorted(ends + starts), start=1):
        slots[which, index] = f"ts{number}"
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time))
    index = 0
    for tier in tiers:
        participant = {"PARTICIPANT": tier.signer} if tier.signer else {}
        element = SubElement(root, "TIER", {"TIER_ID": tier.name, **participant, "LINGUISTIC_TYPE_REF": _TYPE})
        for segment in tier.segments:
            places = {"TIME_SLOT_REF1": slots[1, index], "TIME_SLOT_REF2": slots[0, index]}
            index += 1
            annotation = SubElement(element, "ANNOTATION")
            aligned = SubElement(annotation, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{index}", **places})
            SubElement(aligned, "ANNOTATION_VALUE").text = segment.gloss


def _laid_out(tiers: Mapping[str, Transcript]) -> Iterator[_Tier]:
    """The tiers as ELAN can show them, those for overlapping segments behind the tier they belong to."""
    taken = set(tiers)
    for name, transcript in tiers.items():
        if not name:
            raise ValueError("a tier needs a name")
        layers = _without_overlap(_segments(name, transcript))
        yield _Tier(name, transcript.signer, tuple(layers[0]) if layers else ())
        number = 2
        for layer in layers[1:]:
            while f"{name} ({number})" in taken:
                number += 1
            taken.add(f"{name} ({number})")
            yield _Tier(f"{name} ({number})", transcript.signer, tuple(layer))


def _without_overlap(segments: Iterable[_Segment]) -> list[list[_Segment]]:
    """Segments in the order of their starts, each in the first layer whose last one has ended."""
    layers: list[list[_Segment]] = []
    for segment in sorted(segments, key=lambda segment: (segment.start, segment.end)):
        free = next((layer for layer in layers if layer[-1].end <= segment.start), None)
        if free is None:
            layers.append([segment])
        else:
            free.append(segment)
    return layers


def _segments(tier: str, transcript: Transcript) -> Iterator[_Segment]:
    times = transcript.times or ()
    if len(times) != len(transcript.glosses):
        raise ValueError(
            f"tier {tier!r} has {len(transcript.glosses)} glosses and times for {len(times)}: ELAN needs start and "
            "end of every gloss"
        )
    for gloss, (start, end) in zip(transcript.glosses, times, strict=True):
        known = math.isfinite(start) and math.isfinite(end)
        if not known or not 0 <= round(1000 * start) < round(1000 * end) <= _LONGEST:
            raise ValueError(
                f"{gloss!r} in tier {tier!r} goes from {start} to {end} s: an annotation of ELAN starts at 0 or later "
                "and lasts a millisecond or more"
            )
        yield _Segment(round(1000 * start), round(1000 * end), gloss)


def _media(media: Path, eaf: Path) -> dict[str, str]:
    """Where ELAN finds the video: by its full path, or beside the file when both have moved."""
    full, folder = Path(os.path.abspath(media)), Path(os.path.abspath(eaf)).parent
    kind, _ = mimetypes.guess_type(full.name)
    described = {"MEDIA_URL": full.as_uri(), "MIME_TYPE": kind or "unknown"}
    if full.drive == folder.drive:  # there is no way from one drive of Windows to another
        relative = os.path.relpath(full, folder).replace(os.sep, "/")
        described["RELATIVE_MEDIA_URL"] = quote(relative if relative.startswith("..") else f"./{relative}")
    return described
