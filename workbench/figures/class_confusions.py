"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from slr.scoring import AccuracyReport
from workbench.figures.style import RELATIONS, WIDTH, grid, plain, save, styled

MOST = 40  # classes beside which there is room for their names
_COUNTED = 12  # classes in whose cells there is room for numbers
_LONGEST = 18  # characters of a name


@styled
def draw_class_confusions(
    report: AccuracyReport, classes: Sequence[str], title: str, folder: Path, name: str = "confusion"
) -> list[Path]:
    """The confusion matrix, every row as shares of the clips of its class, as ``NAME.png`` and ``NAME.svg``.

    Of more than 40 classes those are shown that are confused most, as label or in the place of another, and the
    title says so.
    """
    matrix = report.confusion()
    shown = _shown(matrix)
    clips = matrix.sum(axis=1)[shown]
    shares = matrix[np.ix_(shown, shown)] / np.maximum(clips, 1)[:, None]
    names = [plain(_short(classes[index])) for index in shown]
    row = 0.24 if len(shown) <= _COUNTED else 0.13
    figure, (axes,) = grid(1, 1, (WIDTH, 1.7 + row * len(shown)))
    image = axes.imshow(100 * shares, cmap=RELATIONS, vmin=0, vmax=100, interpolation="nearest", aspect="auto")
    axes.grid(False)
    axes.set_xticks(range(len(shown)), names, rotation=90)
    axes.set_yticks(range(len(shown)), [f"{one} ({number})" for one, number in zip(names, clips, strict=True)])
    axes.tick_params(labelsize=8 if len(shown) <= 20 else 6, length=0)
    axes.set(xlabel="taken for", ylabel="class (clips)")
    if len(shown) <= _COUNTED:
        _write_counts(axes, matrix[np.ix_(shown, shown)], shares)
    bar = figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02, label="% of the clips of the class")
    bar.outline.set_linewidth(0.4)
    some = f"; the {len(shown)} most confused of {len(classes)} classes" if len(shown) < len(classes) else ""
    figure.suptitle(plain(f"{title}{some}"))
    return save(figure, folder, name)


def _shown(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which classes are shown, in their own order."""
    if len(matrix) <= MOST:
        return np.arange(len(matrix))
    confused = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    return np.sort(np.argsort(-confused, kind="stable")[:MOST])


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=7, color=colour)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
