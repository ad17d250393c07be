"""A table as text, before any file format: headings, cells with marks, footnotes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slr.scoring import RecipeComparison
from workbench.study.columns import COLUMNS, heading_of
from workbench.study.grid import Clips
from workbench.study.schema import PaperFigure
from workbench.study.summary import RowSummary, Summary

NOTHING = "-"
_PAPER_HEADINGS: dict[PaperFigure, str] = {
    "pla": "PLA",
    "dev_wer": "dev WER",
    "test_wer": "test WER",
    "top1": "top-1",
    "top5": "top-5",
    "top1_per_class": "top-1 per class",
    "top5_per_class": "top-5 per class",
}


@dataclass(frozen=True)
class SheetCell:
    """A text, and the letters of the footnotes that belong to it."""

    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heading:
    """The heading of a column, below that of its group; ``published`` where it holds the figures of a paper."""

    text: str
    group: str = ""
    published: bool = False


@dataclass
class Sheet:
    """A whole table.

    Attributes:
        title: of the study.
        lead: sentences above the table, the corpus first.
        headings: of all columns, the first one that of the rows.
        rows: cells of every row.
        lines_after: numbers of rows below which a line is drawn.
        notes: footnotes by letter.
        remarks: sentences below the table.
    """

    title: str
    lead: list[str]
    headings: list[Heading]
    rows: list[list[SheetCell]] = field(default_factory=list)
    lines_after: list[int] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def mark(self, note: str) -> str:
        """The letter of a footnote, the same one for the same words."""
        known = {text: letter for letter, text in self.notes.items()}
        if note not in known:
            known[note] = _letter(len(self.notes))
            self.notes[known[note]] = note
        return known[note]


def make_sheet(summary: Summary) -> Sheet:
    """Lay a summary out."""
    study = summary.grid.study
    columns = [(name, heading_of(name, summary.grid.task), COLUMNS[name][1]) for name in study.columns]
    published = [key for key in _PAPER_HEADINGS if any(key in row.paper for row in study.rows)]
    many = len(_corpora(summary)) > 1
    ours = f"ours, {_corpora(summary)[0]}" if len(_corpora(summary)) == 1 else "ours"
    headings = [Heading(""), *(Heading(heading, ours if published else "") for _, heading, _ in columns)]
    if study.paper is not None:
        headings += [Heading(_PAPER_HEADINGS[key], f"paper, {study.paper.corpus}", published=True) for key in published]
    if many:
        headings.append(Heading("corpus"))
    sheet = Sheet(study.title, _lead(summary), headings)
    for row in summary.rows:
        cells = [SheetCell(row.row.label, tuple(sheet.mark(note) for note in _notes(row)))]
        cells += [SheetCell(_shown(of, row)) for _, _, of in columns]
        for key in published:
            flag = row.row.flags.get(key)
            text = f"{row.row.paper[key]:.1f}" if key in row.row.paper else NOTHING
            cells.append(SheetCell(text, (sheet.mark(flag),) if flag else ()))
        if many:
            cells.append(SheetCell("; ".join(row.corpora) or NOTHING))
        sheet.rows.append(cells)
    names = [row.name for row in study.rows]
    sheet.lines_after = [names.index(name) for name in study.lines_after]
    sheet.remarks = _remarks(summary)
    return sheet


def _letter(number: int) -> str:
    """a to z, then aa, ab and so on."""
    letters = ""
    number += 1
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters


def _corpora(summary: Summary) -> list[str]:
    return summary.each(lambda run: run.corpus)


def _notes(row: RowSummary) -> list[str]:
    missing = [] if row.row.paper_only or row.runs else ["no finished run"]
    return [*row.notes, *missing]


def _shown(of: Callable[[RowSummary], str | None], row: RowSummary) -> str:
    return (of(row) if row.runs else None) or NOTHING


def _lead(summary: Summary) -> list[str]:
    study = summary.grid.study
    lines = [study.about.strip()] if study.about.strip() else []
    corpora = _corpora(summary)
    if not corpora:
        return [*lines, "No run of ours is finished."]
    judged = "; ".join(summary.each(lambda run: run.judged))
    lines.append(f"Ours: {'; '.join(corpora)}. {_capital(judged)}. {_seeds(summary)}.")
    if study.paper is not None:
        paper = f"Paper: {study.paper.source}, {study.paper.corpus}"
        if {_bare(name) for name in corpora} != {_bare(study.paper.corpus)}:
            paper += ": another corpus than ours, so compare differences between rows and not rates"
        lines.append(f"{paper}.")
    return lines


def _bare(corpus: str) -> str:
    """The name of a corpus without what says how it was read: remarks in parentheses, keypoints, the usual setup."""
    parts = re.sub(r" \([^)]*\)", "", corpus).split(", ")
    return ", ".join(part for part in parts if part != "multi-signer" and not part.startswith("keypoints "))


def _seeds(summary: Summary) -> str:
    study = summary.grid.study
    seeds = f"Seed {study.seeds[0]}" if len(study.seeds) == 1 else f"Seeds {', '.join(map(str, study.seeds))}"
    if study.splits is not None:
        seeds += f" on {', '.join(study.splits)}"
    if study.corpus_seeds is None:
        return seeds
    return f"{seeds} on the corpora of seeds {', '.join(map(str, study.corpus_seeds))}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _remarks(summary: Summary) -> list[str]:
    remarks = []
    if any(row.runs for row in summary.rows):
        remarks.append(_about_figures(summary))
    remarks += [line for line in (_resolution(summary), _commits(summary), _machines(summary), _kept(summary)) if line]
    remarks += [f"Not in the table: {problem}." for problem in summary.problems]
    return remarks


def _about_figures(summary: Summary) -> str:
    study = summary.grid.study
    several = max((len(row.runs) for row in summary.rows), default=0) > 1
    measure = "Accuracy" if summary.grid.task == "class" else "WER"
    over = "seeds" if study.splits is None and study.corpus_seeds is None else "runs"
    text = f"{measure} in % (mean and standard deviation over {over}" if several else f"{measure} in % (one seed"
    text += "); intervals are of 95 %."
    if any(row.comparison for row in summary.rows):
        alone = study.reference is None
        reference = "the student alone of the same runs" if alone else summary.row(str(study.reference)).row.label
        text += f" Differences and p are against {reference}: paired bootstrap ({_drawn(summary, several)}), "
        text += "p with Holm's correction."
        if not several:
            text += " One seed says whether these networks differ, and not whether their recipes do."
    return text


def _drawn(summary: Summary, several: bool) -> str:
    if not several:
        return "clips resampled"
    spread = summary.spread
    whose = "of the two" if spread is None else f"of all rows together, {spread.freedom} degrees of freedom"
    return f"clips resampled, seeds drawn from Student's t with the spread {whose}"


def _resolution(summary: Summary) -> str | None:
    """What a test set like this can tell apart: the median over the comparisons of the table."""
    found = [row.comparison for row in summary.rows if row.comparison is not None]
    recipes = sorted(one.resolvable for one in found if one.resolvable is not None)
    networks = sorted(one.resolvable_clips for one in found if one.resolvable_clips is not None)
    if not recipes:
        return None
    text = f"On these {_size(summary)} and {_runs_each(found)} a true difference of "
    text += f"{100 * _middle(recipes):.1f} points is found four times out of five"
    if networks and max(one.seeds for one in found) > 1:
        text += f", between networks as they are (clips alone) one of {100 * _middle(networks):.1f}"
    return f"{text} (5 % level, two-sided, before Holm's correction)."


def _runs_each(found: Sequence[RecipeComparison]) -> str:
    numbers = sorted({one.seeds for one in found})
    several = "run" if numbers == [1] else "runs"
    return f"{' or '.join(map(str, numbers))} {several} of each row"


def _middle(values: Sequence[float]) -> float:
    return values[len(values) // 2]


def _size(summary: Summary) -> str:
    """What the networks were tested on."""
    if summary.grid.task == "class":
        return _clips_of_classes(summary)
    sizes = set()
    for row in summary.rows:
        for run in row.runs.values():
            report = run.report(row.network or "student", "test")
            if report is not None:
                sizes.add((len(report.clips), report.counts.reference))
    ordered = sorted(sizes)
    clips, glosses = (" or ".join(str(size[index]) for size in ordered) for index in (0, 1))
    return f"{clips} test clips with {glosses} glosses"


def _commits(summary: Summary) -> str | None:
    found = summary.each(lambda run: (run.commit, bool(run.uncommitted_changes)))
    commits = [f"{commit[:10]}{' with uncommitted changes' if edited else ''}" for commit, edited in found if commit]
    return f"Made at commit {', '.join(commits)}." if commits else None


def _machines(summary: Summary) -> str | None:
    """What the runs were made on, where it was not the same for all: seconds can then not be compared."""
    if len(summary.machines) < 2:
        return None
    kinds = "; ".join(_machine(machine) for machine in summary.machines)
    return f"Made on {len(summary.machines)} kinds of machine, between which seconds cannot be compared: {kinds}."


def _machine(machine: Mapping[str, Any]) -> str:
    what = machine["gpu"] or f"{machine['cpu'] or 'a CPU'}, threads {machine['threads']}"
    return f"{what}, torch {machine['torch']}"


def _kept(summary: Summary) -> str | None:
    """How many runs are known from records alone."""
    kept = [run for run in summary.runs if run.folder is None]
    return f"{len(kept)} of {len(summary.runs)} runs are known from records alone." if kept else None


def _clips_of_classes(summary: Summary) -> str:
    found: dict[Clips, int] = {}
    for row in summary.rows:
        for cell, run in row.runs.items():
            report = run.accuracy(row.network or "network", "test")
            if report is not None:
                found[cell.clips] = len(report)
    return f"{sum(found.values())} test clips{f' in {len(found)} splits' if len(found) > 1 else ''}"
