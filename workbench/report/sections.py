"""The parts of a page that need no script: result, errors, training, and how it was made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slr.scoring import wer_interval
from workbench.analysis.breakdown import Breakdown, Rate
from workbench.analysis.findings import Findings
from workbench.analysis.histogram import histogram
from workbench.analysis.run_folder import Entry
from workbench.analysis.training_rows import curve_of, last_stages, networks_of, spans_decades, terms_of
from workbench.report.charts import Series, group_chart, interval_bar, key, line_chart
from workbench.report.markup import Html, details, element, joined, table
from workbench.result import ROLES, short, verdict

_FIXED = {"teacher": 0, "baseline": 1, "student": 2, "network": 0}
_UNKNOWN = "-"


def style_of(roles: Sequence[str]) -> dict[str, int]:
    """The number of the style of every network; those of several teachers follow the fixed ones."""
    further = iter(range(3, 3 + len(roles)))
    return {role: _FIXED[role] if role in _FIXED else next(further) for role in roles}


def result_section(findings: Findings) -> Html:
    """Whether it helped, and the table of the networks."""
    result, split = findings.run.result, findings.split
    sentences = verdict(result) if findings.run.main == "student" else []
    rates = {role: _wer_rate(findings, role) for role in findings.reads}
    most = max((rate.high or rate.value for rate in rates.values()), default=1.0)
    styles = style_of([entry.role for entry in findings.run.entries])
    rows = [_result_row(findings, entry, rates, most, styles) for entry in findings.run.entries]
    head = ("", "network", "dev WER", "test WER", f"95 % interval, {split}", "", "S / D / I", "clips right", "agrees",
            "params", "MAC/s")  # fmt: skip
    caption = (
        f"Word error rates in %. Interval, S/D/I and clips without an error: on {split}. Agrees: output steps of dev "
        "on which a network and the teacher's alignment of the transcripts agree. MAC/s: multiply-adds per second of "
        "signing."
    )
    return joined(
        [
            *(element("p", sentence, class_="verdict") for sentence in sentences),
            table(caption, head, rows, numbers=(2, 3, 5, 6, 7, 8, 9, 10)),
            _warnings(result.get("warnings", [])),
        ]
    )


def _warnings(warnings: Sequence[Mapping[str, Any]]) -> Html:
    """What was warned of during the run, folded away: it has been said in its time."""
    if not warnings:
        return Html("")
    items = [element("li", f"{ROLES.get(one['network'], one['network'])}: {one['message']}") for one in warnings]
    count = f"{len(items)} warning{'s' * (len(items) != 1)} during the run"
    return details(count, element("ul", *items, class_="warnings"))


def _result_row(
    findings: Findings, entry: Entry, rates: Mapping[str, Rate], most: float, styles: Mapping[str, int]
) -> list[object]:
    scores = [entry.found.get(split) for split in ("dev", "test")]
    shown: list[object] = [key_item(entry.title, styles[entry.role]), entry.name]
    shown += [_percent(found["wer"]) if found else _UNKNOWN for found in scores]
    read, rate = findings.reads.get(entry.role), rates.get(entry.role)
    if read is not None and rate is not None:
        counts = read.report.counts
        bounds = (
            f"{_percent(rate.low)} to {_percent(rate.high)}" if rate.low is not None and rate.high is not None else "-"
        )
        shown += [
            Html(interval_bar(rate, most, styles[entry.role])),
            bounds,
            f"{counts.substitutions} / {counts.deletions} / {counts.insertions}",
            f"{100 * (1 - read.report.sentence_error_rate):.0f} %",
        ]
    else:
        shown += [_UNKNOWN] * 4
    shown.append(_agreement(findings.run.result, entry.role))
    return shown + [_UNKNOWN if (size := entry.found.get(one)) is None else short(size) for one in ("params", "macs")]


def key_item(title: str, style: int) -> Html:
    """A title with the sign of its style."""
    return joined([element("span", class_=f"swatch s{style}", aria_hidden="true"), title])


def errors_section(findings: Findings) -> Html:
    """Rates by group, pairs of glosses, and where the students spike."""
    styles = style_of(list(findings.reads))
    order = [(role, findings.titles[role], styles[role]) for role in findings.reads]
    charts = [_breakdown(one, order) for one in findings.breakdowns]
    legend = Html(key((title, style) for _, title, style in order))
    parts = [*charts, _spikes(findings, styles), _confusions(findings, order)]
    return joined([legend, element("div", *parts, class_="blocks")])


def _breakdown(breakdown: Breakdown, order: Sequence[tuple[str, str, int]]) -> Html:
    head = [breakdown.title, "clips", "glosses", *(title for _, title, _ in order)]
    rows = [
        [one.label, one.clips, one.glosses, *(_rate(one.rates[role]) for role, _, _ in order)]
        for one in breakdown.groups
    ]
    caption = f"{breakdown.rate} by {breakdown.title}, in %, with 95 % intervals by bootstrap over clips"
    numbers = table(caption, head, rows, numbers=range(1, len(head)))
    heading = element("h3", f"By {breakdown.title}")
    return element(
        "div", heading, _wide(group_chart(breakdown, order)), details("the numbers", numbers), class_="block"
    )


def _wide(chart: str) -> Html:
    """A chart that is not made smaller than can be read; on a narrow screen it scrolls by itself."""
    return element("div", Html(chart), class_="scroll wide", tabindex="0", role="region", aria_label="chart")


def _confusions(findings: Findings, order: Sequence[tuple[str, str, int]]) -> Html:
    rows = [
        [pair.reference, pair.hypothesis, *(pair.times[role] or "" for role, _, _ in order)]
        for pair in findings.confusions
    ]
    if not rows:
        return element("p", "No gloss was taken for another.")
    caption = "How often which gloss was taken for which, the most frequent ones of the last network first"
    head = ["signed", "read as", *(title for _, title, _ in order)]
    heading = element("h3", "Glosses taken for another")
    return element("div", heading, table(caption, head, rows, numbers=range(2, len(head))), class_="block")


def _spikes(findings: Findings, styles: Mapping[str, int]) -> Html:
    offsets = {role: found for role, found in findings.spike_offsets.items() if found and role in styles}
    if not offsets:
        return Html("")
    series, sentences = [], []
    for role, found in offsets.items():
        middles, shares = histogram(found, findings.step_seconds)
        steps = _stairs(list(middles), [100 * share for share in shares], findings.step_seconds)
        title = findings.titles[role]
        series.append(Series(title, styles[role], steps))
        median, distance = (1000 * float(np.median(one)) for one in (found, np.abs(found)))
        sentences.append(f"{title}: median {median:+.0f} ms, median distance {distance:.0f} ms, {len(found)} glosses.")
    chart = line_chart(
        series, x_label="seconds later than the teacher", y_label="glosses, %", from_zero=True, size=(520, 210)
    )
    about = "The middle of every gloss of the transcripts, by forced alignment with each network. " + " ".join(
        sentences
    )
    return element("div", element("h3", "Student's spikes beside the teacher's"), _wide(chart), element("p", about),
                   class_="block")  # fmt: skip


def _stairs(middles: Sequence[float], heights: Sequence[float], width: float) -> list[tuple[float, float]]:
    return [
        (middle + side * width / 2, height) for middle, height in zip(middles, heights, strict=True) for side in (-1, 1)
    ]


def training_section(rows: Sequence[Mapping[str, Any]]) -> Html:
    """Dev WER and every loss term over the epochs, a small chart each."""
    if not rows:
        return element("p", "The run folder holds no record of its training.")
    last = last_stages(rows)
    styles = style_of(networks_of(last))
    scored = [
        Series(ROLES.get(name, name), style, [(row["epoch"], 100 * row["dev"]["WER"]) for row in last
                                              if row["network"] == name and "WER" in row.get("dev", {})])
        for name, style in styles.items()
    ]  # fmt: skip
    charts = [_term_chart("dev WER, greedy", scored, y_label="%", from_zero=True, markers=True)]
    for term in terms_of(last):
        series = [Series(ROLES.get(name, name), style, curve_of(last, name, term)) for name, style in styles.items()]
        log = spans_decades([value for one in series for _, value in one.points])
        charts.append(_term_chart(term, series, y_label="loss, log" if log else "loss", log=log))
    legend = key((ROLES.get(name, name), style) for name, style in styles.items())
    return joined([Html(legend), element("div", *charts, class_="multiples")])


def _term_chart(title: str, series: Sequence[Series], **options: Any) -> Html:
    known = [one for one in series if one.points]
    if not known:
        return Html("")
    chart = Html(line_chart(known, x_label="epoch", **options))
    return element("figure", element("figcaption", title), chart)


def about_section(findings: Findings) -> Html:
    """Settings and machine, for whoever wants to repeat it."""
    environment = findings.run.environment
    wanted = {
        "project_version": "version",
        "commit": "commit",
        "command": "command",
        "started": "started",
        "cpu": "cpu",
    }
    rows = [[shown, _plain(environment[name])] for name, shown in wanted.items() if environment.get(name)]
    if environment.get("uncommitted_changes"):
        rows.append(["uncommitted changes", "yes: the commit alone does not give these figures"])
    rows += [["seed", findings.run.result["seed"]], ["configuration", findings.run.result["config_hash"]]]
    notes = [element("li", note) for note in findings.looks.notes]
    return joined(
        [
            table("Where the figures come from", ("", ""), rows),
            element("ul", *notes) if notes else "",
            details(
                "the resolved configuration", element("pre", element("code", findings.run.config_text), tabindex="0")
            ),
        ]
    )


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _wer_rate(findings: Findings, role: str) -> Rate:
    interval = wer_interval(findings.reports[role])
    return Rate(interval.value, interval.low, interval.high)


def _agreement(result: Mapping[str, Any], role: str) -> str:
    found = result.get("pseudo_label_accuracy") or {}
    share = (found.get("baseline") or {}).get("all") if role == "baseline" else None
    if role in ("student", "network"):
        share = found.get("all")
    return _UNKNOWN if share is None else f"{_percent(share)} %"


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return _UNKNOWN
    bounds = (
        f" ({_percent(rate.low)} to {_percent(rate.high)})" if rate.low is not None and rate.high is not None else ""
    )
    return _percent(rate.value) + bounds


def _percent(share: float) -> str:
    assert math.isfinite(share)
    return f"{100 * share:.1f}"
