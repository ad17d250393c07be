"""The grid of a study on a terminal: what is done, what is running, what is left."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.table import Table
from rich.text import Text

from workbench.study.grid import Cell, Grid

_STYLES = {"done": "green", "running": "cyan", "failed": "bold red", "refused": "bold red"}


def render_grid(grid: Grid, words: Mapping[Cell, str], statuses: Mapping[Cell, str]) -> Table:
    """One line per row, one column per seed on each corpus or split; ``words`` is what stands in each cell.

    ``statuses`` decide their colours.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("row", overflow="fold")
    table.add_column("run as", overflow="fold")
    columns = list(dict.fromkeys((cell.clips, cell.seed) for cell in grid.runs))
    for (corpus_seed, split), seed in columns:
        above = "" if corpus_seed is None else f"corpus {corpus_seed}\n"
        above += "" if split is None else f"{split}\n"
        table.add_column(f"{above}seed {seed}", justify="right", no_wrap=True, vertical="bottom")
    for row in grid.study.rows:
        if row.paper_only:
            table.add_row(Text(row.label), Text("published figures", style="dim"))
        elif row.runs_of is not None:
            table.add_row(Text(row.label), Text(f"{row.network} of {row.runs_of}", style="dim"))
        elif row.fuse is not None:
            table.add_row(Text(row.label), Text(f"fused of {', '.join(row.fuse.rows)}", style="dim"))
        else:
            cells = {(cell.clips, cell.seed): cell for cell in grid.cells(row.name)}
            shown = [Text(words[cells[key]], style=_STYLES.get(statuses[cells[key]], "")) for key in columns]
            table.add_row(Text(row.label), Text(row.name), *shown)
    return table
