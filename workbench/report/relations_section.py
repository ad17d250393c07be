"""The part of a page about what the steps of a clip listen to."""

from __future__ import annotations

import numpy as np

from workbench.analysis.findings import Findings
from workbench.analysis.relations import SIDES, by_distance
from workbench.report.charts import Series, line_chart
from workbench.report.markup import Html, element, joined
from workbench.report.sections import style_of

_ABOUT = (
    "How much each part of a clip (downwards) listens to each other part (to the right), averaged over all clips of "
    "the split: the further a colour is from that of the page, the more, on one scale. The curves say how much steps "
    "listen to what lies so much later, an even share of the clip being 1. The relations of a clip stand beside it."
)


def relations_section(findings: Findings) -> Html:
    """Empty maps that the script fills and a chart, for every loss that learned relations."""
    names = list(findings.looks.relations)
    if not names:
        return element("p", "This run learned no relations between the steps of a clip.")
    figures = [figure for name in names for figure in (*_maps(name), _distances(findings, name))]
    return joined([element("p", _ABOUT), element("div", *figures, class_="maps")])


def _maps(name: str) -> list[Html]:
    return [
        element(
            "figure",
            element("figcaption", f"{side}, {name}"),
            element("canvas", class_="map", data_mean=name, data_side=number, width="240", height="240", role="img",
                    aria_label=f"mean relations learned by {name} on the side of the {side}"),
        )
        for number, side in enumerate(SIDES)
    ]  # fmt: skip


def _distances(findings: Findings, name: str) -> Html:
    corpus, every = findings.place.corpus, findings.looks.relations[name]
    frames = {clip.id: corpus.num_frames(clip) for clip in findings.clips}
    step = float(np.median([frames[clip] / corpus.fps / len(one.student) for clip, one in every.items()]))
    series = []
    for side, style in style_of(SIDES).items():
        distances, means = by_distance([getattr(one, side) for one in every.values()])
        series.append(Series(side, style, list(zip((step * distances).tolist(), means.tolist(), strict=True))))
    chart = line_chart(series, x_label="seconds later", y_label="times the even share", from_zero=True, size=(420, 240))
    return element("figure", element("figcaption", f"by distance, {name}"), Html(chart), class_="grow")
