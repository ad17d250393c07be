"""What was found in a corpus, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slr.data import Finding

_COLOURS = {"info": "", "warning": "yellow", "error": "bold red"}


def told(findings: Sequence[Finding], corpus: str, console: Console) -> bool:
    """Print a row per finding, and return whether none is an error."""
    table = Table("", "split", "what was found", "what to do", title=corpus, title_justify="left")
    for finding in findings:
        style = _COLOURS[finding.severity]
        table.add_row(Text(finding.severity, style), finding.split, Text(finding.message), Text(finding.remedy))
    console.print(table)
    return all(finding.severity != "error" for finding in findings)
