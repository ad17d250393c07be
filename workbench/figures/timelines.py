"""When which gloss was signed and read: the transcript and every network, clip by clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from workbench.figures.style import CORRECT, MUTED, WIDTH, WRONG, grid, save, styled
from workbench.report.timeline import REFERENCE, Placed, Timeline

_FILL = {"R": MUTED, "C": CORRECT, "S": WRONG, "I": WRONG}
_HEIGHT = 0.62
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
    figure, panels = grid(len(shown), 1, (WIDTH, 0.55 + len(shown) * (0.42 + 0.19 * len(rows))))
    for axes, (timeline, why) in zip(panels, shown, strict=True):
        _clip(axes, timeline, rows)
        axes.set_title(f"{timeline.clip} ({why})", loc="left")
    panels[-1].set_xlabel("seconds; hatched: taken for another, with +: inserted")
    figure.suptitle(title)
    return save(figure, folder, "timelines")


def _clip(axes: Axes, timeline: Timeline, rows: Mapping[str, str]) -> None:
    for height, role in enumerate(rows):
        placed = timeline.rows.get(role, ())
        for index, gloss in enumerate(placed):
            before = placed[index - 1].end if index else 0.0
            after = placed[index + 1].start if index + 1 < len(placed) else timeline.seconds
            _box(axes, gloss, height)
            _name(axes, gloss, height, (before, after), timeline.seconds * _CHARACTER)
    axes.set(xlim=(0, timeline.seconds), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), list(rows.values()))
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)


def _box(axes: Axes, gloss: Placed, height: int) -> None:
    wrong, colour = gloss.operation in "SI", _FILL[gloss.operation]
    fill, hatch = ("white", "//////") if wrong else (colour, None)
    width = gloss.end - gloss.start
    axes.barh(height, width, _HEIGHT, gloss.start, color=fill, edgecolor=colour, hatch=hatch, linewidth=0.7)


def _name(axes: Axes, gloss: Placed, height: int, between: tuple[float, float], character: float) -> None:
    """The name in the box, or else beside it, where there is more room ``between`` its neighbours; cut to fit."""
    wrong = gloss.operation in "SI"
    name = f"+{gloss.gloss}" if gloss.operation == "I" else gloss.gloss
    style: dict[str, Any] = {"va": "center", "fontsize": 6.5, "style": "italic" if wrong else "normal"}
    colour = WRONG if wrong else "black"
    if gloss.end - gloss.start > character * (len(name) + 2):
        back = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if wrong else None
        middle = (gloss.start + gloss.end) / 2
        axes.text(middle, height, name, ha="center", color=colour if wrong else "white", bbox=back, **style)
        return
    left, right = (int(room / character) for room in (gloss.start - between[0], between[1] - gloss.end))
    room = right if right >= len(name) else max(left, right)
    if room < len(name):
        name = f"{name[: room - 1]}…" if room > 2 else ""
    if room == right:
        axes.text(gloss.end, height, f" {name}", color=colour, **style)
    else:
        axes.text(gloss.start, height, f"{name} ", color=colour, ha="right", **style)
