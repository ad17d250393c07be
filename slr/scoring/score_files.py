"""Score files of hypotheses against a file of references."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType

from slr.scoring.comparison_report import (
    comparison_as_dict,
    render_comparisons,
    render_resolution,
    resolution_as_dict,
)
from slr.scoring.files import Transcript, read_transcripts
from slr.scoring.listing import alignments_text
from slr.scoring.protocols import Protocol, protocol_by_name
from slr.scoring.report import as_json, render_report
from slr.scoring.significance import SystemComparison, compare_systems
from slr.scoring.wer import WerReport, score


@dataclass(frozen=True)
class FileScores:
    """Reports of systems by the name of their file, and how each of the others compares with the first."""

    names: tuple[str, ...]
    reports: tuple[WerReport, ...]
    signers: dict[str, str]
    comparisons: tuple[SystemComparison, ...]

    def render(self) -> RenderableType:
        """Everything worth reading at once, for a rich console."""
        named = zip(self.names, self.reports, strict=True)
        parts = [render_report(report, name, self.signers) for name, report in named]
        if self.comparisons:
            parts.append(render_comparisons(self.comparisons))
        elif self.reports[0].counts.reference:
            parts.append(render_resolution(self.reports[0]))
        return Group(*parts)

    def alignments(self) -> str:
        """The alignments of every clip, system by system."""
        named = zip(self.names, self.reports, strict=True)
        return "\n".join(
            f";; {name}, protocol {report.protocol.name}\n\n{alignments_text(report)}" for name, report in named
        )

    def to_json(self) -> str:
        """Everything as JSON: ``systems`` with counts, figures per signer and alignments, and ``comparisons``."""
        named = zip(self.names, self.reports, strict=True)
        content = {
            "systems": [
                {"name": name, **resolution_as_dict(report), **as_json(report, self.signers)} for name, report in named
            ],
            "comparisons": [comparison_as_dict(pair) for pair in self.comparisons],
        }
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def score_files(reference: Path, hypotheses: Sequence[Path], protocol: str = "phoenix2014") -> FileScores:
    """Score files of hypotheses, and compare all others with the first.

    Clips are paired by their ids, signers are those of the reference file.

    Raises:
        ValueError: when a file has no form that can be read, or a hypothesis no reference; the file is named.
        OSError: when a file cannot be read.
    """
    chosen = protocol_by_name(protocol)
    references = read_transcripts(reference)
    reports = tuple(_score(references, reference, path, chosen) for path in hypotheses)
    names = _names(hypotheses)
    return FileScores(
        names=names,
        reports=reports,
        signers={clip: transcript.signer for clip, transcript in references.items() if transcript.signer},
        comparisons=compare_systems(dict(zip(names, reports, strict=True))),
    )


def _names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Names of the files, with their folders where two have the same, and numbered where a file is given again."""
    short = [path.name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    again = [names[:index].count(name) for index, name in enumerate(names)]
    return tuple(f"{name} ({times + 1})" if times else name for name, times in zip(names, again, strict=True))


def _score(references: Mapping[str, Transcript], reference: Path, path: Path, protocol: Protocol) -> WerReport:
    hypotheses = read_transcripts(path)
    try:
        return score(_glosses(references), _glosses(hypotheses), protocol)
    except ValueError as error:
        raise ValueError(f"{path} cannot be scored against {reference}: {error}") from None


def _glosses(transcripts: Mapping[str, Transcript]) -> dict[str, tuple[str, ...]]:
    return {clip: transcript.glosses for clip, transcript in transcripts.items()}
