"""Scores as something to read: tables for a terminal, JSON for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slr.scoring.significance import Interval, wer_interval
from slr.scoring.wer import ClipScore, Counts, WerReport

_ERRORS_SHOWN = 5
_CLIPS_SHOWN = 8
_FIGURES = ("WER", "sub", "del", "ins", "correct", "clips\nwrong")


def render_report(report: WerReport, title: str, signers: Mapping[str, str]) -> RenderableType:
    """Totals, figures per signer when there are several, and the most frequent errors, for a rich console."""
    protocol = report.protocol
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Text(f"{len(report.clips)} clips, {report.counts.reference} glosses to recognise"),
        Text(f"protocol {protocol.name}: {protocol.description}"),
    ]
    if report.missing:
        parts.append(_missing(report.missing))
    parts.append(_totals(report))
    by_signer = report.grouped(signers)
    if len(by_signer) > 1:
        parts.append(_signers(by_signer))
    if report.counts.errors:
        parts.append(_frequent_errors(report))
    return Group(*parts)


def as_json(report: WerReport, signers: Mapping[str, str]) -> dict[str, Any]:
    """Everything in a report as plain lists, dictionaries and numbers."""
    bare = _without_markers(report)
    return {
        "protocol": report.protocol.name,
        **_json_totals(report),
        "without_markers": _json_totals(bare) if bare else None,
        "signers": {name: _json_totals(group) for name, group in report.grouped(signers).items()},
        "missing": list(report.missing),
        "confusions": [
            {"reference": reference, "hypothesis": hypothesis, "times": times}
            for (reference, hypothesis), times in report.confusions().most_common()
        ],
        "glosses": {gloss: _json_gloss(counts) for gloss, counts in report.by_gloss().items()},
        "alignments": [_json_clip(clip) for clip in report.clips],
    }


def _missing(clips: Sequence[str]) -> Text:
    """The clips without hypothesis, as many by name as one likes to read; all of them are in the JSON."""
    named = "".join(f"\n  {clip}" for clip in clips[:_CLIPS_SHOWN])
    more = f"\n  and {len(clips) - _CLIPS_SHOWN} more" if len(clips) > _CLIPS_SHOWN else ""
    return Text(f"clips without hypothesis, scored as empty: {len(clips)}{named}{more}", "yellow")


def _json_clip(clip: ClipScore) -> dict[str, str]:
    return {
        "clip": clip.clip,
        "reference": " ".join(clip.reference),
        "hypothesis": " ".join(clip.hypothesis),
        "operations": clip.operations,
    }


def _json_gloss(counts: Counts) -> dict[str, int]:
    return {
        "ref": counts.reference,
        "correct": counts.correct,
        "sub": counts.substitutions,
        "del": counts.deletions,
        "ins": counts.insertions,
    }


def _json_totals(report: WerReport) -> dict[str, Any]:
    return {
        **report.counts.as_dict(),
        "correct": report.counts.correct,
        "sentence_error_rate": report.sentence_error_rate,
        "clips": len(report.clips),
    }


def _without_markers(report: WerReport) -> WerReport | None:
    return report.without(report.protocol.markers) if report.protocol.markers else None


def _totals(report: WerReport) -> Table:
    table = _empty_table("", *_FIGURES, "95 %\ninterval")
    bare = _without_markers(report)
    rows = [("all glosses", report)] + ([(f"without {' '.join(report.protocol.markers)}", bare)] if bare else [])
    for name, scored in rows:
        bounds = _bounds(wer_interval(scored)) if scored.counts.reference else "-"
        table.add_row(Text(name), *_figures(scored), bounds)
    return table


def _signers(by_signer: Mapping[str, WerReport]) -> Table:
    table = _empty_table("signer", *_FIGURES, "clips", "glosses")
    for name, report in by_signer.items():
        table.add_row(Text(name), *_figures(report), str(len(report.clips)), str(report.counts.reference))
    return table


def _figures(report: WerReport) -> list[RenderableType]:
    counts = report.counts
    known = counts.reference > 0
    return [
        Text(f"{counts.wer:.2%}" if known else "-", style="bold"),
        *(str(number) for number in (counts.substitutions, counts.deletions, counts.insertions)),
        f"{counts.correct / counts.reference:.1%}" if known else "-",
        f"{report.sentence_error_rate:.1%}",
    ]


def _empty_table(first: str, *numbers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold", vertical="bottom")
    for heading in numbers:
        table.add_column(heading, justify="right", vertical="bottom")
    return table


def _frequent_errors(report: WerReport) -> Table:
    kinds: dict[str, list[str]] = {"most often substituted": [], "deleted": [], "inserted": []}
    substituted, deleted, inserted = kinds.values()
    for (reference, hypothesis), times in report.confusions().most_common():
        if reference is None:
            inserted.append(f"{times} x {hypothesis}")
        elif hypothesis is None:
            deleted.append(f"{times} x {reference}")
        else:
            substituted.append(f"{times} x {reference} as {hypothesis}")
    table = Table(*kinds, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in zip_longest(*(found[:_ERRORS_SHOWN] for found in kinds.values()), fillvalue=""):
        table.add_row(*(Text(cell) for cell in row))
    return table


def _bounds(interval: Interval, sign: str = "") -> str:
    return f"{100 * interval.low:{sign}.2f} to {100 * interval.high:{sign}.2f}"
