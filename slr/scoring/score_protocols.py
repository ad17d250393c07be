"""The same hypotheses under every protocol, to see what a published figure means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slr.scoring.files import read_transcripts
from slr.scoring.protocols import PROTOCOLS, Protocol
from slr.scoring.wer import Counts, WerReport, score

_KINDS = (("honest", True), ("what others publish", False))


@dataclass(frozen=True)
class ProtocolScores:
    """Systems by the name of their file, each under every protocol, beside what a perfect transcript scores.

    Attributes:
        names: of the systems.
        protocols: in the order of the figures.
        systems: the reports of each system, one for each protocol.
        perfect: the references scored as hypotheses, one for each protocol.
    """

    names: tuple[str, ...]
    protocols: tuple[Protocol, ...]
    systems: tuple[tuple[WerReport, ...], ...]
    perfect: tuple[Counts, ...]

    def render(self) -> RenderableType:
        """A table for each system, for a rich console."""
        tables = (_table(name, reports, self.perfect) for name, reports in zip(self.names, self.systems, strict=True))
        return Group(*(part for table in tables for part in table), _descriptions(self.protocols))

    def to_json(self) -> str:
        """Everything as JSON: for each of ``systems`` its ``protocols`` by name with their counts."""
        systems = [
            {
                "name": name,
                "missing": list(reports[0].missing),
                "protocols": {
                    report.protocol.name: _json_figures(report, perfect)
                    for report, perfect in zip(reports, self.perfect, strict=True)
                },
            }
            for name, reports in zip(self.names, self.systems, strict=True)
        ]
        return json.dumps({"systems": systems}, ensure_ascii=False, indent=1) + "\n"


def score_protocols(reference: Path, hypotheses: Sequence[Path]) -> ProtocolScores:
    """Score files of hypotheses under every protocol.

    Raises:
        ValueError: when a file has no form that can be read, or a hypothesis no reference; the file is named.
        OSError: when a file cannot be read.
    """
    protocols = tuple(PROTOCOLS.values())
    references = _glosses(reference)

    def system(path: Path) -> tuple[WerReport, ...]:
        found = _glosses(path)
        try:
            return tuple(score(references, found, protocol) for protocol in protocols)
        except ValueError as error:
            raise ValueError(f"{path} cannot be scored against {reference}: {error}") from None

    names = tuple(path.name for path in hypotheses)
    return ProtocolScores(
        names=names if len(set(names)) == len(names) else tuple(map(str, hypotheses)),
        protocols=protocols,
        systems=tuple(map(system, hypotheses)),
        perfect=tuple(score(references, references, protocol).counts for protocol in protocols),
    )


def _glosses(path: Path) -> dict[str, tuple[str, ...]]:
    return {clip: transcript.glosses for clip, transcript in read_transcripts(path).items()}


def _json_figures(report: WerReport, perfect: Counts) -> dict[str, Any]:
    return {
        **report.counts.as_dict(),
        "perfect_transcript": perfect.as_dict()["wer"],
        "honest": report.protocol.honest,
        "description": report.protocol.description,
    }


def _table(name: str, reports: Sequence[WerReport], perfect: Sequence[Counts]) -> list[RenderableType]:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("protocol", no_wrap=True)
    for heading in ("WER", "sub", "del", "ins", "glosses", "a perfect\ntranscript"):
        table.add_column(heading, justify="right", vertical="bottom")
    for title, honest in _KINDS:
        table.add_row(Text(title, style="italic"))
        for report, ideal in zip(reports, perfect, strict=True):
            if report.protocol.honest == honest:
                table.add_row(*_row(report, ideal))
    missing = len(reports[0].missing)
    clips = f"{len(reports[0].clips)} clips" + (f", {missing} of them without hypothesis" if missing else "")
    return [Text(name, style="bold"), Text(clips), table]


def _row(report: WerReport, perfect: Counts) -> list[Text]:
    counts = report.counts
    return [
        Text(f"  {report.protocol.name}"),
        Text(f"{counts.wer:.2%}" if counts.reference else "-", "bold"),
        *(Text(str(number)) for number in (counts.substitutions, counts.deletions, counts.insertions)),
        Text(str(counts.reference)),
        Text(f"{perfect.wer:.2%}" if perfect.reference else "-", "red" if perfect.errors else ""),
    ]


def _descriptions(protocols: Sequence[Protocol]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for protocol in protocols:
        table.add_row(Text(protocol.name), Text(protocol.description))
    return table
