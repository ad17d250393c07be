"""A summary as numbers, for programs: JSON with everything, CSV with one line per row of the table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from slr.scoring import Interval, RecipeComparison, RecipeGap
from workbench.study.columns import shown_difference, shown_rate
from workbench.study.finished import FinishedRun
from workbench.study.fused import FusedRun
from workbench.study.grid import ClassConfig
from workbench.study.schema import PaperFigure, Task
from workbench.study.sheet import Sheet
from workbench.study.summary import RowSummary, Run, Summary

# What is told of every run.
_OF_A_RUN: Mapping[Task, tuple[str, ...]] = {"glosses": ("dev_wer", "test_wer"), "class": ("dev_top1", "top1")}
_PUBLISHED: Mapping[Task, tuple[PaperFigure, ...]] = {
    "glosses": ("pla", "dev_wer", "test_wer"),
    "class": ("top1", "top5", "top1_per_class", "top5_per_class"),
}
# What a CSV line says of every figure, and further columns by name.
_FIGURES = (
    "dev_wer", "test_wer", "substitutions", "deletions", "insertions", "pla_all", "pla_non_blank", "pla_dense",
    "teacher_wer", "alone_wer", "params", "macs", "epoch_seconds", "train_seconds",
)  # fmt: skip
_CLASS_FIGURES = (
    "dev_top1", "top1", "top5", "top1_per_class", "top5_per_class", "params", "macs", "epoch_seconds", "train_seconds",
)  # fmt: skip


def as_plain(summary: Summary) -> dict[str, Any]:
    """Everything as plain JSON values; rates are shares, as in ``result.json``, and those of a paper are in percent."""
    study = summary.grid.study
    return {
        "study": summary.grid.name,
        "title": study.title,
        "about": study.about,
        "reference": study.reference,
        "compare_with": study.compare_with,
        "seeds": list(study.seeds),
        "corpus_seeds": None if study.corpus_seeds is None else list(study.corpus_seeds),
        "splits": None if study.splits is None else list(study.splits),
        "task": summary.grid.task,
        "columns": list(study.columns),
        "corpora": summary.each(lambda run: run.corpus),
        "protocols": summary.each(_protocol) if summary.grid.task == "glosses" else [],
        "decoders": summary.each(lambda run: run.measured["decoder"]) if summary.grid.task == "glosses" else [],
        "judged": summary.each(lambda run: run.judged),
        "machines": [dict(machine) for machine in summary.machines],
        "commits": [commit for commit in summary.each(lambda run: run.commit) if commit],
        "commits_with_uncommitted_changes": [
            commit for commit in summary.each(lambda run: run.commit if run.uncommitted_changes else None) if commit
        ],
        "paper": None if study.paper is None else study.paper.model_dump(),
        "rows": [_row(summary, row) for row in summary.rows],
        "not_in_the_table": list(summary.problems),
    }


def as_json(summary: Summary, sheet: Sheet) -> str:
    """:func:`as_plain` as text, with the ``sheet`` for whoever shows the table as it is."""
    content = {**as_plain(summary), "sheet": asdict(sheet)}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(summary: Summary) -> str:
    """One line per row, every figure with its deviation; shares, and percent for a paper; empty where unknown."""
    lines = [_csv_line(row) for row in as_plain(summary)["rows"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _row(summary: Summary, row: RowSummary) -> dict[str, Any]:
    return {
        "name": row.row.name,
        "label": row.row.label,
        "network": row.network,
        "task": summary.grid.task,
        "corpora": list(row.corpora),
        "runs": [
            {
                "seed": cell.seed,
                "corpus_seed": cell.corpus_seed,
                "split": cell.split,
                **_origin(run),
                **{name: _at(row, name, cell) for name in _OF_A_RUN[summary.grid.task]},
            }
            for cell, run in row.runs.items()
        ],
        "wanted_runs": len(row.wanted),
        "figures": {name: {"mean": figure.mean, "deviation": figure.deviation} for name, figure in row.figures.items()},
        "dev_ci95": _bounds(shown_rate(row, row.dev)),
        "test_ci95": _bounds(shown_rate(row, row.test)),
        "against_reference": _comparison(row, row.comparison),
        "gap_closed": _gap(row, row.gap),
        "paper": dict(row.row.paper),
        "paper_flags": dict(row.row.flags),
        "notes": list(row.notes),
        "is_reference": row.row.name == summary.grid.study.reference,
    }


def _protocol(run: FinishedRun) -> str | None:
    return None if isinstance(run.config, ClassConfig) else run.config.data.protocol


def _origin(run: Run) -> dict[str, Any]:
    """Where a run is known from; a fusion lies nowhere."""
    if isinstance(run, FusedRun):
        streams = [str(stream.run.folder or stream.run.place) for stream in run.streams]
        return {"folder": None, "record": run.place, "fused": streams}
    return {"folder": None if run.folder is None else str(run.folder), "record": None if run.folder else run.place}


def _at(row: RowSummary, name: str, cell: Any) -> float | None:
    figure = row.figures.get(name)
    return None if figure is None else figure.values.get(cell)


def _bounds(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _comparison(row: RowSummary, found: RecipeComparison | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "difference": shown_difference(row, found).value,
        "difference_ci95": _bounds(shown_difference(row, found)),
        "p_holm": row.holm,
        "p": found.p_value,
        "p_own_spread": row.p_own_spread,
        "p_clips_alone": found.p_value_clips,
        "resolvable": found.resolvable,
        "resolvable_clips_alone": found.resolvable_clips,
        "runs_of_each": found.seeds,
    }


def _gap(row: RowSummary, gap: RecipeGap | None) -> dict[str, Any] | None:
    if gap is None:
        return None
    shown = row.shown_gap is not None
    return {
        "share": row.shown_gap,
        "ci95": list(gap.ci95) if shown and gap.ci95 else None,
        "gap_in_standard_errors": gap.gap_in_standard_errors,
    }


def _csv_line(row: dict[str, Any]) -> dict[str, Any]:
    figures, against, gap = row["figures"], row["against_reference"] or {}, row["gap_closed"] or {}
    line: dict[str, Any] = {
        "row": row["name"],
        "label": row["label"],
        "network": row["network"],
        "corpus": "; ".join(row["corpora"]),
        "runs": len(row["runs"]),
        "wanted_runs": row["wanted_runs"],
    }
    about_classes = row["task"] == "class"
    for name in _CLASS_FIGURES if about_classes else _FIGURES:
        found = figures.get(name, {})
        line |= {name: found.get("mean"), f"{name}_deviation": found.get("deviation")}
    low, high = row["test_ci95"] or (None, None)
    measure = "top1" if about_classes else "test_wer"
    line |= {f"{measure}_low": low, f"{measure}_high": high, "difference": against.get("difference")}
    low, high = against.get("difference_ci95") or (None, None)
    line |= {"difference_low": low, "difference_high": high}
    line |= {key: against.get(key) for key in ("p_holm", "p", "p_own_spread", "p_clips_alone")}
    low, high = gap.get("ci95") or (None, None)
    line |= {"gap_closed": gap.get("share"), "gap_closed_low": low, "gap_closed_high": high}
    published = _PUBLISHED["class" if about_classes else "glosses"]
    line |= {f"paper_{key}": row["paper"].get(key) for key in published}
    notes = [*row["notes"], *(f"paper {key}: {flag}" for key, flag in row["paper_flags"].items())]
    return {**line, "notes": "; ".join(notes)}
