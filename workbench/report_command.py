"""The command behind ``scripts/report.py``: figures into the folder of a run or a study, and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from workbench.analysis.findings import Findings
from workbench.analysis.forest import forest_rows
from workbench.analysis.run_folder import RunFolder
from workbench.analysis.study_folder import StudyFolder
from workbench.disk import saying_when_full, write_text
from workbench.figures import FOLDER
from workbench.figures.forest import draw_forest
from workbench.figures.of_run import draw_figures
from workbench.progress import Progress
from workbench.report.run_page import run_page
from workbench.report.study_page import study_page


@dataclass(frozen=True)
class Wanted:
    """What to make of a run.

    Attributes:
        split: which clips are shown.
        html: the file of the page, None for none.
        figures: the folder of the figures, None for one in that of the run or study.
        pictures: whether the page holds frames of the corpus.
        clips: whether the page of a study shows clips, for which its corpus is opened.
    """

    split: str = "test"
    html: Path | None = None
    figures: Path | None = None
    pictures: bool = True
    clips: bool = True


def report(folder: Path, wanted: Wanted, words: Sequence[str], progress: Progress, console: Console) -> Path:
    """Draw the figures of a finished run or of a study and, where it is asked for, write its page.

    ``words`` change settings of the runs, such as ``data.root``.

    Returns:
        the page, or the folder of the figures where no page was asked for.

    Raises:
        ValueError: when the folder is neither a finished run nor a study, was copied by half or changed, or its corpus
            is missing.
    """
    if StudyFolder.holds(folder):
        return _report_on_study(StudyFolder.open(folder), wanted, words, progress, console)
    if not wanted.clips:
        raise ValueError(f"{folder} is a run, which is shown with its clips: --no-clips is for studies")
    findings = Findings.gather(RunFolder.open(folder, words), wanted.split, progress)
    for note in findings.looks.notes:
        progress.line(note)
    figures = _draw(wanted.figures or folder / FOLDER, partial(draw_figures, findings), console)
    if wanted.html is None:
        return figures
    return _write(wanted.html, run_page(findings, pictures=wanted.pictures), console)


def _report_on_study(
    study: StudyFolder, wanted: Wanted, words: Sequence[str], progress: Progress, console: Console
) -> Path:
    title = f"{study.table['title']}: {'; '.join(study.table['corpora'])}"
    draw = partial(draw_forest, forest_rows(study), title, measure=f"test {study.measure.name}")
    figures = _draw(wanted.figures or study.path / FOLDER, draw, console)
    if wanted.html is None:
        return figures
    page = study_page(study, wanted.split, wanted.html, words, progress, clips=wanted.clips, pictures=wanted.pictures)
    return _write(wanted.html, page, console)


def _draw(folder: Path, draw: Callable[[Path], list[Path]], console: Console) -> Path:
    with saying_when_full(folder):
        written = draw(folder)
    console.print(f"{len(written)} figures in {folder}", highlight=False, soft_wrap=True)
    return folder


def _write(path: Path, page: str, console: Console) -> Path:
    write_text(path, page)
    console.print(f"page of {len(page.encode()) / 1e6:.1f} MB", highlight=False)
    return path
