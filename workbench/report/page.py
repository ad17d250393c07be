"""One page that shows a run and needs nothing else: no network, no other file."""

from __future__ import annotations

from importlib import resources

from workbench.report.clips import clip_data, worst_first
from workbench.report.findings import Findings
from workbench.report.markup import Html, data_block, element, filled, joined, source_hash, text
from workbench.report.sections import about_section, errors_section, result_section, style_of, training_section
from workbench.report.streams import Streams, make_streams

MOST_BYTES = 4_900_000
_SCRIPTS = ("data.js", "drawing.js", "player.js", "timeline.js", "list.js", "main.js")


def build_page(findings: Findings, *, pictures: bool = True) -> str:
    """The page of a run, the same for the same findings; at most :data:`MOST_BYTES` long, if its clips allow.

    Frames of the corpus are part of the page where there are any and ``pictures`` wants them.
    """
    styles = style_of(list(findings.reads))
    bare = _page(findings, styles, Streams())
    room = MOST_BYTES - len(bare.encode()) - 120 * len(findings.clips)  # for what is said of the pieces of each
    place = findings.place
    least = float(place.data.streams.pose.get("min_confidence", 0.0))
    clips = worst_first(findings)
    with place.progress.bar("frames for the page", len(clips)) as bar:
        streams = make_streams(
            place.corpus, clips, findings.looks.relations, least, room, pictures=pictures, advance=bar.advance
        )
    return _page(findings, styles, streams)


def _page(findings: Findings, styles: dict[str, int], streams: Streams) -> str:
    template, style, script = _template("page.html"), _template("page.css"), "\n".join(map(_template, _SCRIPTS))
    corpus = findings.place.corpus.name
    policy = f"default-src 'none'; script-src '{source_hash(script)}'; style-src '{source_hash(style)}'; img-src blob:"
    parts = {
        "POLICY": text(policy),
        "TITLE": text(f"{findings.run.name}, {corpus}"),
        "NAME": text(findings.run.name),
        "CORPUS": text(corpus),
        "ABOUT": text(
            f"{findings.split} split, {len(findings.clips)} clips; protocol {findings.run.result['protocol']}, decoder "
            f"{findings.run.result['decoder']}, seed {findings.run.result['seed']}"
        ),
        "RESULT": result_section(findings),
        "NOTES": joined(element("p", note, class_="note") for note in streams.notes),
        "ERRORS": errors_section(findings),
        "TRAINING": training_section(findings.run.rows),
        "RELATIONS": _relations(findings),
        "MADE": about_section(findings),
        "STYLE": Html(style),
        "SCRIPT": Html(script),
        "DATA": data_block("data", clip_data(findings, styles, streams)),
        "STREAMS": Html(streams.text),
    }
    return filled(template, parts)


def _relations(findings: Findings) -> Html:
    """Empty maps that the script fills, a pair for every loss that learned relations."""
    names = list(findings.looks.relations)
    if not names:
        return element("p", "This run learned no relations between the steps of a clip.")
    figures = [
        element(
            "figure",
            element("figcaption", f"{side}, {name}"),
            element("canvas", class_="map", data_mean=name, data_side=number, width="240", height="240", role="img",
                    aria_label=f"mean relations learned by {name} on the side of the {side}"),
        )
        for name in names
        for number, side in enumerate(("teacher", "student"))
    ]  # fmt: skip
    about = (
        "How much each part of a clip (downwards) listens to each other part (to the right), averaged over all clips "
        "of the split: the further a colour is from that of the page, the more, on one scale. Those of a clip stand "
        "beside it."
    )
    return joined([element("p", about), element("div", *figures, class_="maps")])


def _template(name: str) -> str:
    return (resources.files("workbench.report") / "templates" / name).read_text(encoding="utf-8")
