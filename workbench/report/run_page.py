"""The page of a run."""

from __future__ import annotations

from workbench.analysis.findings import Findings
from workbench.report.page import Page, Section, build_page
from workbench.report.relations_section import relations_section
from workbench.report.sections import about_section, errors_section, result_section, style_of, training_section


def run_page(findings: Findings, *, pictures: bool = True) -> str:
    """Everything about a run on one page.

    Frames of the corpus are part of it where there are any and ``pictures`` wants them.
    """
    result, place = findings.run.result, findings.place
    page = Page(
        name=findings.run.name,
        corpus=place.corpus.name,
        about=f"{findings.split} split, {len(findings.clips)} clips; protocol {result['protocol']}, decoder "
        f"{result['decoder']}, seed {result['seed']}",
        sections=[
            Section("result", "Result", result_section(findings)),
            Section("errors", "Errors", errors_section(findings)),
            Section("training", "Training", training_section(findings.run.rows)),
            Section("relations", "Relations", relations_section(findings)),
            Section("made", "How it was made", about_section(findings)),
        ],
        clips=findings.shown,
        styles=style_of(list(findings.reads)),
        least_confidence=float(place.data.streams.pose.get("min_confidence", 0.0)),
        pictures=pictures,
    )
    return build_page(page, place.progress)
