"""What the steps of a clip listen to: the adaptive adjacencies of teacher and student (the paper's Figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from slr.scoring import Transcript
from workbench.analysis.relations import SIDES, Matrix, Relations, by_distance, mean_relations
from workbench.figures.style import RELATIONS, WIDTH, grid, line, looks, plain, save, styled

_LONGEST = 7  # characters of a gloss beside an axis


@dataclass(frozen=True)
class RelatedClip:
    """A clip to show: what it is called, its relations, its transcript in time if it has one, and its length."""

    title: str
    relations: Relations
    reference: Transcript | None
    seconds: float


@styled
def draw_adjacency(
    every: Sequence[Relations], shown: Sequence[RelatedClip], step_seconds: float, title: str, folder: Path, name: str
) -> list[Path]:
    """The mean over ``every`` clip, how it depends on the distance, and a pair of heat maps per clip ``shown``.

    Args:
        every: relations of all clips.
        shown: clips with a row of their own.
        step_seconds: how long a step lasts.
        title: of the figure.
        folder: where it goes.
        name: of the files, without ending.
    """
    lines = 1 + len(shown)
    figure, panels = grid(lines, 3, (WIDTH, 0.5 + 2.15 * lines))
    steps = int(np.median([len(clip.student) for clip in every]))
    both = {side: [getattr(clip, side) for clip in every] for side in SIDES}
    means = [mean_relations(both[side], steps) for side in SIDES]
    _pair(panels[:2], means, f"mean of {len(every)} clips", 1.0)
    for axes in panels[:2]:
        axes.set(xlabel="part of the clip listened to", ylabel="part of the clip")
    _distances(panels[2], both, step_seconds)
    for number, clip in enumerate(shown, start=1):
        pair = panels[3 * number : 3 * number + 2]
        _pair(pair, [getattr(clip.relations, side) for side in SIDES], clip.title, clip.seconds)
        for axes in pair:
            _mark_glosses(axes, clip.reference)
        _listened_to(panels[3 * number + 2], clip)
    figure.suptitle(plain(title))
    return save(figure, folder, name)


def _pair(panels: Sequence[Axes], matrices: Sequence[Matrix], what: str, end: float) -> None:
    """The teacher's matrix and the student's on one scale."""
    most = max(float(matrix.max()) for matrix in matrices)
    image = None
    for axes, matrix, side in zip(panels, matrices, SIDES, strict=True):
        image = _heat_map(axes, matrix, end, most)
        # The name of a clip may run on above the panel beside it.
        axes.set_title(f"{plain(what) if side == SIDES[0] else ''}\n{side}", loc="left")
    if image is not None:
        bar = panels[0].figure.colorbar(image, ax=list(panels), fraction=0.05, pad=0.02)
        bar.outline.set_linewidth(0.4)


def _heat_map(axes: Axes, matrix: Matrix, end: float, most: float) -> AxesImage:
    axes.grid(False)
    return axes.imshow(matrix, cmap=RELATIONS, vmin=0, vmax=most, extent=(0, end, end, 0), interpolation="nearest")


def _distances(axes: Axes, both: dict[str, list[Matrix]], step_seconds: float) -> None:
    for side, look in looks(SIDES).items():
        distances, means = by_distance(both[side])
        line(axes, zip(distances * step_seconds, means, strict=True), look, label=side)
    axes.axhline(1, color="0.5", linewidth=0.6)
    axes.set(xlabel="seconds later", ylabel="times the even share", ylim=(0, None))
    axes.set_title("by distance, all clips", loc="left")
    axes.legend(loc="lower center")


def _listened_to(axes: Axes, clip: RelatedClip) -> None:
    """How the two sides share out what is listened to, over all steps: column means, as multiples of an even share."""
    for side, look in looks(SIDES).items():
        matrix = getattr(clip.relations, side)
        middles = (np.arange(len(matrix)) + 0.5) / len(matrix) * clip.seconds
        line(axes, zip(middles, len(matrix) * matrix.mean(axis=0), strict=True), look, label=side)
    axes.axhline(1, color="0.5", linewidth=0.6)
    axes.set(xlim=(0, clip.seconds), ylim=(0, None), ylabel="times the even share")
    axes.set_title("what all steps listen to", loc="left")
    _mark_glosses(axes, clip.reference, vertical=False)


def _mark_glosses(axes: Axes, reference: Transcript | None, *, vertical: bool = True) -> None:
    """The glosses at the middle of where they lie; seconds where the transcript is not known in time."""
    if reference is None or not reference.times:
        return
    middles = [(start + end) / 2 for start, end in reference.times]
    names = [plain(_short(gloss)) for gloss in reference.glosses]
    axes.set_xticks(middles, names, rotation=90)
    if vertical:
        axes.set_yticks(middles, names)


def _short(gloss: str) -> str:
    return gloss if len(gloss) <= _LONGEST else f"{gloss[: _LONGEST - 1]}…"
