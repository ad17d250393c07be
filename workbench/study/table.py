"""The files of a table, in the folder of its study."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench.disk import write_text
from workbench.study.formats import as_html, as_latex, as_markdown
from workbench.study.records import as_csv, as_json
from workbench.study.sheet import Sheet
from workbench.study.summary import Summary

TABLE = "table"
_FORMATS: Mapping[str, Callable[[Summary, Sheet], str]] = {
    "md": lambda summary, sheet: as_markdown(sheet),
    "csv": lambda summary, sheet: as_csv(summary),
    "tex": lambda summary, sheet: as_latex(sheet, summary.grid.name),
    "json": lambda summary, sheet: as_json(summary, sheet),
    "html": lambda summary, sheet: as_html(sheet),
}


def write_table(summary: Summary, sheet: Sheet) -> None:
    """Write a table in every format.

    Raises:
        NoRoomError: when there is no room for it.
    """
    for ending, text in _FORMATS.items():
        write_text(summary.grid.out / f"{TABLE}.{ending}", text(summary, sheet))
