"""All figures of a run, into its folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workbench.analysis.examples import Example, examples
from workbench.analysis.findings import Findings
from workbench.analysis.timeline import timelines
from workbench.figures import draw_training
from workbench.figures.adjacency import RelatedClip, draw_adjacency
from workbench.figures.errors import draw_breakdowns, draw_confusions
from workbench.figures.spikes import draw_spike_offsets
from workbench.figures.timelines import draw_timelines

_RELATED = 2  # clips with heat maps of their own


def draw_figures(findings: Findings, folder: Path) -> list[Path]:
    """Draw what there is to draw; returns the files."""
    titles, title = findings.titles, findings.title
    written = draw_training(findings.run.rows, f"{findings.run.name}: {findings.place.corpus.name}", folder)
    chosen = chosen_clips(findings)
    lines = timelines(findings.shown)
    written += draw_timelines([(lines[one.clip], one.why) for one in chosen], titles, title, folder)
    written += draw_breakdowns(findings.breakdowns, titles, title, folder)
    written += draw_confusions(findings.confusions, titles, title, folder)
    written += draw_spike_offsets(findings.spike_offsets, findings.step_seconds, titles, title, folder)
    for file in _adjacencies(findings, chosen, folder):
        written += file
    return written


def chosen_clips(findings: Findings) -> list[Example]:
    """The clips that stand for the others."""
    return examples(findings.reports, findings.shown.main, findings.shown.before)


def _adjacencies(findings: Findings, chosen: list[Example], folder: Path) -> Iterator[list[Path]]:
    corpus = findings.place.corpus
    references, frames = findings.shown.references, {clip.id: corpus.num_frames(clip) for clip in findings.clips}
    for name, found in findings.looks.relations.items():
        shown = [
            RelatedClip(one.clip, found[one.clip], references.get(one.clip), frames[one.clip] / corpus.fps)
            for one in chosen[:_RELATED]
        ]
        lengths = [frames[clip] / corpus.fps / len(relations.student) for clip, relations in found.items()]
        file = "adjacency" if len(findings.looks.relations) == 1 else f"adjacency.{name}"
        title = f"{findings.title}: relations learned by {name}"
        yield draw_adjacency(list(found.values()), shown, float(np.median(lengths)), title, folder, file)
