"""The parts of a study's page that need no script: its table, its rows side by side, their training, their runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.analysis.forest import forest_rows
from workbench.analysis.study_folder import StudyFolder, StudyRow, StudyRun
from workbench.record import MetricsFile
from workbench.report.charts import Series, key, line_chart
from workbench.report.forest import forest_chart
from workbench.report.markup import Html, element, joined, table

PAGE_OF_A_RUN = "report.html"  # in its folder; a study leads there
_UNKNOWN = "-"


def table_section(study: StudyFolder) -> Html:
    """The table as the study laid it out, with its footnotes, and below it the rows side by side."""
    sheet = study.table["sheet"]
    parts: list[Html] = [element("p", line) for line in sheet["lead"]]
    parts.append(element("div", _table(sheet), class_="scroll", tabindex="0", role="region", aria_label=sheet["title"]))
    parts += [element("p", element("sup", mark), " ", note, class_="note") for mark, note in sheet["notes"].items()]
    parts += [element("p", remark, class_="note") for remark in sheet["remarks"]]
    rows = forest_rows(study)
    if rows:
        heading = element("h3", "Rows side by side")
        about = "Diamonds are means, dots are runs, lines are 95 % intervals; the line downwards is the reference row."
        measure = f"test {study.measure.name}"
        chart = element("div", Html(forest_chart(rows, measure)), class_="scroll wide", tabindex="0", role="region",
                        aria_label=f"{measure} of every row")  # fmt: skip
        parts += [heading, element("p", about, class_="note"), chart]
    return joined(parts)


def _table(sheet: Mapping[str, Any]) -> Html:
    groups: list[tuple[str, int]] = []
    for heading in sheet["headings"]:
        if groups and groups[-1][0] == heading["group"]:
            groups[-1] = (heading["group"], groups[-1][1] + 1)
        else:
            groups.append((heading["group"], 1))
    above = joined(element("th", name, colspan=width, scope="colgroup") for name, width in groups)
    kinds = [None] + ["num"] * (len(sheet["headings"]) - 1)
    names = joined(
        element("th", one["text"], scope="col", class_=kind) for one, kind in zip(sheet["headings"], kinds, strict=True)
    )
    head = [element("tr", above)] if any(name for name, _ in groups) else []
    body = [
        element(
            "tr",
            element("th", *_cell(row[0]), scope="row"),
            *(element("td", *_cell(cell), class_="num") for cell in row[1:]),
            class_="line" if number in sheet["lines_after"] else None,
        )
        for number, row in enumerate(sheet["rows"])
    ]
    caption = element("caption", sheet["title"])
    return element("table", caption, element("thead", *head, element("tr", names)), element("tbody", *body))


def _cell(cell: Mapping[str, Any]) -> list[object]:
    return [cell["text"], *(element("sup", mark) for mark in cell["marks"])]


def training_of_rows(study: StudyFolder) -> Html:
    """What selects epochs, over the epochs: a small chart per row and a line per run."""
    charts, most = [], 0
    for row in study.rows:
        series = [
            Series(_run_name(run), number, points) for number, run in enumerate(row.runs) if (points := _dev(row, run))
        ]
        if series:
            chart = line_chart(series, x_label="epoch", y_label=f"dev {study.measure.name}, %", from_zero=True)
            charts.append(element("figure", element("figcaption", row.label), Html(chart)))
            most = max(most, len(series))
    if not charts:
        return element("p", "No run folder with the record of a training is at hand.")
    longest = max((row.runs for row in study.rows), key=len)
    legend = key((_run_name(run), number) for number, run in enumerate(longest)) if most > 1 else ""
    return joined([Html(legend), element("div", *charts, class_="multiples")])


def _dev(row: StudyRow, run: StudyRun) -> list[tuple[float, float]]:
    if run.folder is None or not (run.folder / "metrics.jsonl").is_file():
        return []
    key = row.measure.trained_for
    found = [one for one in MetricsFile(run.folder / "metrics.jsonl").rows() if one["network"] == row.network]
    return [(one["epoch"], 100 * one["dev"][key]) for one in found if key in one.get("dev", {})]


def _run_name(run: StudyRun) -> str:
    corpus = "" if run.corpus_seed is None else f" on corpus {run.corpus_seed}"
    return f"seed {run.seed}{corpus}" + ("" if run.split is None else f" on {run.split}")


def runs_section(study: StudyFolder, page: Path) -> Html:
    """Every run with its folder; one that has a page of its own is a link to it, from where ``page`` will lie."""
    rows = [
        [row.label, _run_name(run), _percent(run.dev), _percent(run.test), _link(run, page)]
        for row in study.rows
        for run in row.runs
    ]
    about = f"A run that has a {PAGE_OF_A_RUN} in its folder, as scripts/report.py writes it, is a link to that."
    return table(
        about, ("row", "run", f"dev {study.measure.name}", f"test {study.measure.name}", "folder"), rows, numbers=(2, 3)
    )


def _link(run: StudyRun, page: Path) -> object:
    if run.folder is None or not (run.folder / PAGE_OF_A_RUN).is_file():
        return run.origin
    target = run.folder / PAGE_OF_A_RUN
    return element("a", run.origin, href=Path(os.path.relpath(target, page.resolve().parent)).as_posix())


def _percent(share: float | None) -> str:
    return _UNKNOWN if share is None else f"{100 * share:.1f}"
