"""Whether a student writes its glosses when the teacher does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from workbench.analysis.histogram import histogram
from workbench.figures.style import WIDTH, grid, looks, plain, save, styled


@styled
def draw_spike_offsets(
    offsets: Mapping[str, Sequence[float]], step_seconds: float, titles: Mapping[str, str], title: str, folder: Path
) -> list[Path]:
    """How far each gloss of the transcripts lies from where the teacher sees it; nothing without a teacher.

    Args:
        offsets: in seconds, later than the teacher is positive, by the role of the student.
        step_seconds: how long an output step lasts; a bar is as wide.
        titles: what the students are called, by role.
        title: of the figure.
        folder: where ``spikes.png`` and ``spikes.svg`` go.
    """
    offsets = {role: found for role, found in offsets.items() if found}
    if not offsets:
        return []
    figure, (axes,) = grid(1, 1, (WIDTH, 2.4))
    for role, look in looks(offsets).items():
        middles, shares = histogram(offsets[role], step_seconds)
        spread = float(np.median(np.abs(offsets[role])))
        label = f"{titles[role]}: median distance {1000 * spread:.0f} ms, {len(offsets[role])} glosses"
        axes.step(middles, 100 * shares, where="mid", color=look.colour, linestyle=look.line, label=label)
    axes.axvline(0, color="0.5", linewidth=0.6)
    axes.set(xlabel="seconds later than the teacher", ylabel="glosses in %", ylim=(0, None))
    axes.legend()
    axes.set_title("middles of the glosses of the transcripts, by forced alignment with each network", loc="left")
    figure.suptitle(plain(title))
    return save(figure, folder, "spikes")
