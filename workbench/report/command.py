"""The command behind ``scripts/report.py``: figures into the run folder, and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from workbench.disk import saying_when_full, write_text
from workbench.figures import FOLDER
from workbench.progress import Progress
from workbench.report.draw import draw_figures
from workbench.report.findings import Findings
from workbench.report.page import build_page
from workbench.report.run_folder import RunFolder


@dataclass(frozen=True)
class Wanted:
    """What to make of a run.

    Attributes:
        split: which clips are shown.
        html: the file of the page, None for none.
        figures: the folder of the figures, None for that of the run.
        pictures: whether the page holds frames of the corpus.
    """

    split: str = "test"
    html: Path | None = None
    figures: Path | None = None
    pictures: bool = True


def report(run: Path, wanted: Wanted, words: Sequence[str], progress: Progress, console: Console) -> Path:
    """Draw the figures of a finished run and, where it is asked for, write its page.

    ``words`` change settings of the run, such as ``data.root``.

    Returns:
        the page, or the folder of the figures where no page was asked for.

    Raises:
        ValueError: when the folder is no finished run, was copied by half or changed, or its corpus is missing.
    """
    findings = Findings.gather(RunFolder.open(run, words), wanted.split, progress)
    for note in findings.looks.notes:
        progress.line(note)
    folder = wanted.figures or run / FOLDER
    with saying_when_full(folder):
        written = draw_figures(findings, folder)
    console.print(f"{len(written)} figures in {folder}", highlight=False, soft_wrap=True)
    if wanted.html is None:
        return folder
    page = build_page(findings, pictures=wanted.pictures)
    write_text(wanted.html, page)
    console.print(f"page of {len(page.encode()) / 1e6:.1f} MB, {len(findings.clips)} clips", highlight=False)
    return wanted.html
