"""When which gloss was signed and read: the transcript and every network, clip by clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from workbench.analysis.timeline import REFERENCE, Placed, Timeline
from workbench.figures.style import CORRECT, MUTED, WIDTH, WRONG, grid, plain, save, styled

_FILL = {"R": MUTED, "C": CORRECT, "S": WRONG, "I": WRONG}
_HEIGHT = 0.34
_CHARACTER = 0.0085  # width of one, as a share of the figure


@styled
def draw_timelines(
    shown: Sequence[tuple[Timeline, str]], titles: Mapping[str, str], title: str, folder: Path
) -> list[Path]:
    """Each clip with why it is shown, as ``timelines.png`` and ``.svg``; nothing where there is no clip.

    Right glosses are filled; substituted and inserted ones are hatched and written in italics, inserted ones with a
    plus, so that they can be told apart without colour.
    """
    if not shown:
        return []
    rows = {REFERENCE: REFERENCE, **titles}
    figure, panels = grid(len(shown), 1, (WIDTH, 0.55 + len(shown) * (0.42 + 0.24 * len(rows))))
    for axes, (timeline, why) in zip(panels, shown, strict=True):
        _clip(axes, timeline, rows)
        axes.set_title(plain(f"{timeline.clip} ({why})"), loc="left")
    panels[-1].set_xlabel("seconds; hatched, italic: taken for another; with +: inserted")
    figure.suptitle(plain(title))
    return save(figure, folder, "timelines")


def _clip(axes: Axes, timeline: Timeline, rows: Mapping[str, str]) -> None:
    character = timeline.seconds * _CHARACTER
    for height, role in enumerate(rows):
        placed, free = timeline.rows.get(role, ()), 0.0
        for index, gloss in enumerate(placed):
            _box(axes, gloss, height)
            following = placed[index + 1].start if index + 1 < len(placed) else timeline.seconds
            free = _name(axes, gloss, height, free, following, character)
    axes.set(xlim=(0, timeline.seconds), ylim=(len(rows) - 0.35, -0.55))
    axes.set_yticks(range(len(rows)), list(rows.values()))
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)


def _box(axes: Axes, gloss: Placed, height: int) -> None:
    wrong, colour = gloss.operation in "SI", _FILL[gloss.operation]
    fill, hatch = ("white", "////////") if wrong else (colour, None)
    width = gloss.end - gloss.start
    axes.barh(height + 0.15, width, _HEIGHT, gloss.start, color=fill, edgecolor=colour, hatch=hatch, linewidth=0.7)


def _name(axes: Axes, gloss: Placed, height: int, free: float, following: float, character: float) -> float:
    """The name above the box: from its start to that of the next, and to the left where that is too little.

    Returns:
        where the name ends, in seconds.
    """
    wrong = gloss.operation in "SI"
    name = f"+{gloss.gloss}" if gloss.operation == "I" else gloss.gloss
    start = max(free, min(gloss.start, following - character * (len(name) + 0.5)))
    room = int((following - start) / character - 0.5)
    if room < len(name):
        name = f"{name[: room - 1]}…" if room > 2 else ""
    style: dict[str, Any] = {"fontsize": 6.5, "style": "italic" if wrong else "normal", "va": "bottom"}
    axes.text(start, height - 0.08, plain(name), color=WRONG if wrong else "black", **style)
    return max(free, start + character * (len(name) + 0.5))
