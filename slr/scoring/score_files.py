"""Score files of hypotheses against a file of references."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Group, RenderableType

from slr.scoring.files import Transcript, read_transcripts
from slr.scoring.listing import alignments_text
from slr.scoring.protocols import Protocol, protocol_by_name
from slr.scoring.report import as_json, render_comparison, render_report
from slr.scoring.significance import Comparison, paired_bootstrap
from slr.scoring.wer import WerReport, score


@dataclass(frozen=True)
class FileScores:
    """Reports of one or two systems by the name of their file, and the comparison when there are two."""

    names: tuple[str, ...]
    reports: tuple[WerReport, ...]
    signers: dict[str, str]
    comparison: Comparison | None

    def render(self) -> RenderableType:
        """Everything worth reading at once, for a rich console."""
        named = zip(self.names, self.reports, strict=True)
        parts = [render_report(report, name, self.signers) for name, report in named]
        if self.comparison is not None:
            parts.append(render_comparison(self.comparison, *self.names))
        return Group(*parts)

    def alignments(self) -> str:
        """The alignments of every clip, system by system."""
        named = zip(self.names, self.reports, strict=True)
        return "\n".join(
            f";; {name}, protocol {report.protocol.name}\n\n{alignments_text(report)}" for name, report in named
        )

    def to_json(self) -> str:
        """Everything as JSON: ``systems`` with counts, figures per signer and alignments, and the ``comparison``."""
        named = zip(self.names, self.reports, strict=True)
        content = {
            "systems": [{"name": name, **as_json(report, self.signers)} for name, report in named],
            "comparison": asdict(self.comparison) if self.comparison is not None else None,
        }
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def score_files(reference: Path, hypotheses: Sequence[Path], protocol: str = "phoenix2014") -> FileScores:
    """Score one or two files of hypotheses; clips are paired by their ids, signers are those of the reference file.

    Raises:
        ValueError: when a file has no form that can be read, or a hypothesis no reference; the file is named.
        OSError: when a file cannot be read.
    """
    chosen = protocol_by_name(protocol)
    references = read_transcripts(reference)
    reports = tuple(_score(references, reference, path, chosen) for path in hypotheses)
    names = tuple(path.name for path in hypotheses)
    return FileScores(
        names=names if len(set(names)) == len(names) else tuple(map(str, hypotheses)),
        reports=reports,
        signers={clip: transcript.signer for clip, transcript in references.items() if transcript.signer},
        comparison=paired_bootstrap(*reports) if len(reports) == 2 else None,
    )


def _score(references: Mapping[str, Transcript], reference: Path, path: Path, protocol: Protocol) -> WerReport:
    hypotheses = read_transcripts(path)
    try:
        return score(_glosses(references), _glosses(hypotheses), protocol)
    except ValueError as error:
        raise ValueError(f"{path} cannot be scored against {reference}: {error}") from None


def _glosses(transcripts: Mapping[str, Transcript]) -> dict[str, tuple[str, ...]]:
    return {clip: transcript.glosses for clip, transcript in transcripts.items()}
