"""The rows of a study side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.analysis.forest import ForestRow
from workbench.figures.style import CORRECT, WIDTH, grid, plain, save, styled


@styled
def draw_forest(rows: Sequence[ForestRow], title: str, folder: Path, measure: str = "test WER") -> list[Path]:
    """What ``measure`` names, of every row: runs, mean and 95 % interval, as ``rows.png`` and ``rows.svg``.

    A dashed line leads down from the mean of the reference row. Without a row nothing is drawn.
    """
    if not rows:
        return []
    figure, (axes,) = grid(1, 1, (WIDTH, 0.9 + 0.2 * len(rows)))
    for place, row in enumerate(rows):
        if row.bounds is not None:
            axes.plot([100 * bound for bound in row.bounds], [place, place], color=CORRECT, linewidth=1)
        if len(row.rates) > 1:
            axes.plot(
                [100 * rate for rate in row.rates], [place] * len(row.rates), "o", color=CORRECT, fillstyle="none"
            )
        axes.plot([100 * row.mean], [place], "D", color=CORRECT, markersize=4)
        if row.is_reference:
            axes.axvline(100 * row.mean, color="0.4", linewidth=0.7, linestyle="--", zorder=0)
    axes.set_yticks(range(len(rows)), [plain(row.label) for row in rows])
    axes.set(xlabel=f"{measure} in %; circles: runs, diamonds: means, lines: 95 %", ylim=(len(rows) - 0.5, -0.5))
    figure.suptitle(plain(title))
    return save(figure, folder, "rows")
