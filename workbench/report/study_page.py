"""The page of a study."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slr.data import Clip
from workbench.analysis.looks import look
from workbench.analysis.run_folder import Entry, RunFolder
from workbench.analysis.shown import Read, Shown, best_aligner
from workbench.analysis.study_folder import StudyFolder, StudyRow
from workbench.progress import Progress
from workbench.report.page import Page, Section, build_page
from workbench.report.study_sections import runs_section, table_section, training_of_rows
from workbench.workplace import Workplace

MOST_ROWS = 12  # beside each other over a clip; of more, those that read best
_REFERENCE_STYLE = 1  # that of a student alone


@dataclass(frozen=True)
class StudyClips:
    """The clips of a study in front of its rows, and what is needed to show them."""

    shown: Shown
    least_confidence: float


def study_page(
    study: StudyFolder,
    split: str,
    path: Path,
    words: Sequence[str],
    progress: Progress,
    *,
    clips: bool = True,
    pictures: bool = True,
) -> str:
    """A study on one page, which will lie at ``path``.

    With ``clips`` the corpus is opened, and the rows are shown beside each other over every clip of a split: one run of
    each, the first. Without, nothing but the folder of the study and its runs is read.

    Raises:
        ValueError: when run folders and corpus do not fit, or something in them is missing or damaged.
    """
    if clips and study.task == "class":
        progress.line("there are no clips on the page: they are shown with the glosses of sentences in time")
    found = study_clips(study, split, words, progress) if clips and study.task == "glosses" else None
    table = study.table
    page = Page(
        name=str(table["title"]),
        corpus="; ".join(table["corpora"]) or "no run is finished",
        about="; ".join([*table["protocols"], *table["decoders"]] or table.get("judged", [])),
        sections=[
            Section("result", "Table", table_section(study)),
            Section("training", "Training", training_of_rows(study)),
            Section("runs", "Runs", runs_section(study, path)),
        ],
        clips=found.shown if found else None,
        styles=_styles(found.shown) if found else None,
        least_confidence=found.least_confidence if found else 0.0,
        pictures=pictures,
    )
    return build_page(page, progress)


def study_clips(study: StudyFolder, split: str, words: Sequence[str], progress: Progress) -> StudyClips | None:
    """The rows of a study in front of the clips of a split; None where no row has a run folder.

    Rows whose first run was made on another corpus than that of the reference row are left out.
    """
    runs = study.open_runs(words)
    if study.known_from_records:
        progress.line(
            "clips are shown of runs whose folders are at hand; these rows are known from records alone: "
            f"{'; '.join(study.known_from_records)}"
        )
    if not runs:
        return None
    reference = next((row.name for row in study.rows if row.is_reference and row.name in runs), next(iter(runs)))
    base = runs[reference]
    place = Workplace.open(base.settings.run, base.settings.data, base.settings.evaluate, progress)
    clips = place.corpus.clips(split)
    base.check_clips(split, clips, place.corpus.name)
    rows = _rows(study, runs, split, clips, reference)
    reads = {row.name: _read(row, runs[row.name], split) for row in rows}
    looks = look(base, place, split)
    aligned = {role: Read(entry, {}, base.scores[role, split]) for entry in base.entries
               if (role := entry.role, split) in base.scores}  # fmt: skip
    by = best_aligner(aligned, looks.aligned)
    shown = Shown(
        place.corpus,
        clips,
        reads,
        _best(rows, reference),
        reference,
        looks.aligned[by] if by is not None else {},
        aligned[by].entry.title if by is not None else None,
    )
    return StudyClips(shown, float(base.settings.data.streams.pose.get("min_confidence", 0.0)))


def _rows(
    study: StudyFolder, runs: Mapping[str, RunFolder], split: str, clips: Sequence[Clip], reference: str
) -> list[StudyRow]:
    """The rows to show, in the order of the table."""
    fitting = [
        row
        for row in study.rows
        if row.name in runs and (row.network, split) in runs[row.name].scores and runs[row.name].has_clips(split, clips)
    ]
    if len(fitting) <= MOST_ROWS:
        return fitting
    by_rate = sorted(fitting, key=lambda row: (row.name != reference, row.test if row.test is not None else 2.0))
    kept = {row.name for row in by_rate[:MOST_ROWS]}
    return [row for row in fitting if row.name in kept]


def _best(rows: Sequence[StudyRow], reference: str) -> str:
    """The row by whose errors clips are sorted: of the lowest WER, the reference row and teachers aside."""
    students = [row for row in rows if row.name != reference and row.network != "teacher"]
    return min(students or rows, key=_rate).name


def _rate(row: StudyRow) -> float:
    """For ordering: rows that were not measured come last."""
    return math.inf if row.test is None else row.test


def _read(row: StudyRow, run: RunFolder, split: str) -> Read:
    role = str(row.network)
    found = next(entry.found for entry in run.entries if entry.role == role)
    return Read(Entry(row.name, row.label, found), run.hypotheses(role, split), run.scores[role, split])


def _styles(shown: Shown) -> dict[str, int]:
    others = [name for name in shown.reads if name not in (shown.main, shown.before)]
    styles = {name: 3 + number for number, name in enumerate(others)}
    return {**styles, shown.main: 2, **({shown.before: _REFERENCE_STYLE} if shown.before is not None else {})}
