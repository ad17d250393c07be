"""One page that needs nothing else: no network, no other file. What it shows comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from workbench.analysis.shown import Shown
from workbench.progress import Progress
from workbench.report.clips import clip_data
from workbench.report.markup import Html, data_block, element, filled, joined, source_hash, text
from workbench.report.streams import Streams, make_streams

MOST_BYTES = 4_900_000
_SCRIPTS = ("data.js", "drawing.js", "timeline.js", "player.js", "list.js", "main.js")
_PLACE_OF_A_CLIP = 120  # characters, about, that say where the bytes of a clip lie


@dataclass(frozen=True)
class Section:
    """A part of a page; ``name`` leads to it."""

    name: str
    title: str
    content: Html


@dataclass(frozen=True)
class Page:
    """What a page says.

    Attributes:
        name: of what it is about.
        corpus: on which that was measured.
        about: how it was measured, in a line.
        sections: the parts, in their order.
        clips: what is shown moving, in a section of its own behind the first; None for none.
        styles: the style number of every network of ``clips``.
        least_confidence: below which keypoints are not shown.
        pictures: whether frames of the corpus are part of the page, as far as they fit.
    """

    name: str
    corpus: str
    about: str
    sections: Sequence[Section]
    clips: Shown | None = None
    styles: Mapping[str, int] | None = None
    least_confidence: float = 0.0
    pictures: bool = True


def build_page(page: Page, progress: Progress) -> str:
    """The page as HTML, the same for the same content; at most :data:`MOST_BYTES` long, if its clips allow."""
    if page.clips is None:
        return _written(page, Streams())
    bare = _written(page, Streams())
    room = MOST_BYTES - len(bare.encode()) - _PLACE_OF_A_CLIP * len(page.clips.clips)
    clips = page.clips.worst_first()
    with progress.bar("frames for the page", len(clips)) as bar:
        streams = make_streams(
            page.clips.corpus,
            clips,
            page.clips.relations,
            page.least_confidence,
            room,
            pictures=page.pictures,
            advance=bar.advance,
        )
    return _written(page, streams)


def _written(page: Page, streams: Streams) -> str:
    style, script = _template("page.css"), "\n".join(map(_template, _SCRIPTS))
    sections = list(page.sections)
    if page.clips is not None:
        sections.insert(1, Section("clips", "Clips", _viewer(streams)))
    policy = f"default-src 'none'; script-src '{source_hash(script)}'; style-src '{source_hash(style)}'; img-src blob:"
    data: dict[str, Any] = {"clips": []}
    if page.clips is not None:
        data = clip_data(page.clips, page.styles or {}, streams)
    parts = {
        "POLICY": text(policy),
        "TITLE": text(f"{page.name}, {page.corpus}"),
        "NAME": text(page.name),
        "CORPUS": text(page.corpus),
        "ABOUT": text(page.about),
        "NAV": joined(element("a", one.title, href=f"#{one.name}") for one in sections),
        "SECTIONS": joined(map(_section, sections)),
        "STYLE": Html(style),
        "SCRIPT": Html(script),
        "DATA": data_block("data", data),
        "STREAMS": Html(streams.text),
    }
    return filled(_template("page.html"), parts)


def _section(section: Section) -> Html:
    heading = element("h2", section.title, id=f"h-{section.name}")
    return element("section", heading, section.content, id=section.name, aria_labelledby=f"h-{section.name}")


def _viewer(streams: Streams) -> Html:
    notes = joined(element("p", note, class_="note") for note in streams.notes)
    return Html(filled(_template("viewer.html"), {"NOTES": notes}))


def _template(name: str) -> str:
    return (resources.files("workbench.report") / "templates" / name).read_text(encoding="utf-8")
