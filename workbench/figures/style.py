"""How all figures look, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")  # no window, on any machine

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from slr.files import whole_file

FOLDER = "figures"  # of a run
WIDTH = 7.0  # inches, the text width of most papers
RELATIONS = "magma_r"  # light is nothing: the paper stays white, and the order survives in grey


class Look(NamedTuple):
    """How a network is drawn: colour, line and marker each tell it apart alone."""

    colour: str
    line: str
    marker: str


# Okabe and Ito's colours, which colour-blind people tell apart.
CORRECT, WRONG, MUTED = "#0072B2", "#D55E00", "#8A8A8A"
_LOOKS = {
    "teacher": Look("#0072B2", "-", "o"),
    "baseline": Look("#D55E00", "--", "s"),
    "student": Look("#009E73", "-.", "^"),
    "network": Look("#0072B2", "-", "o"),
}
_FURTHER = (
    Look("#CC79A7", ":", "D"),
    Look("#E69F00", (0, (5, 1, 1, 1, 1, 1)), "v"),  # type: ignore[arg-type]
    Look("#56B4E9", (0, (8, 2)), "P"),  # type: ignore[arg-type]
    Look("#000000", (0, (1, 3)), "X"),  # type: ignore[arg-type]
)

# Glosses may be Chinese; the first of these that is installed stands in for what the usual font lacks.
_WIDE = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "PingFang SC",
         "Microsoft YaHei", "SimHei")  # fmt: skip
_INSTALLED = {font.name for font in fontManager.ttflist}
_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans", *(name for name in _WIDE if name in _INSTALLED)],
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 3,
    "figure.titlesize": 9,
    "svg.hashsalt": "figures of a run",  # or every drawing would have ids of its own
    "pdf.fonttype": 42,
}


# Every function that draws runs within it.
styled = matplotlib.rc_context(_SETTINGS)


def looks(roles: Iterable[str]) -> dict[str, Look]:
    """The look of every network, by role; those of several teachers follow the fixed ones."""
    further = iter(_FURTHER * 8)
    return {role: _LOOKS[role] if role in _LOOKS else next(further) for role in roles}


def plain(text: str) -> str:
    """A text from outside, in which a dollar begins no formula."""
    return text.replace("$", r"\$")


def grid(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of ``rows`` times ``columns`` panels and these panels, row by row; ``size`` in inches."""
    figure, panels = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False, **options)
    return figure, list(panels.flat)


def line(axes: Axes, points: Iterable[tuple[float, float | None]], look: Look, **options: Any) -> None:
    """A line through points, nothing where there are none."""
    pairs = list(points)
    if pairs:
        axes.plot(*zip(*pairs, strict=True), color=look.colour, linestyle=look.line, **options)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``NAME.png`` and ``NAME.svg``, each whole or not at all and the same for the same content."""
    paths = [folder / f"{name}.{ending}" for ending in ("png", "svg")]
    metadata: Mapping[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}}
    for path in paths:
        with whole_file(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=200, metadata=metadata[path.suffix[1:]])
        figure.set_layout_engine("none")  # it is found once, which takes most of the time
    plt.close(figure)
    return paths
