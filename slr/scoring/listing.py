"""Every alignment as text to read: what was taken for what, gloss by gloss and clip by clip."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from slr.scoring.wer import ClipScore, Counts, WerReport

_CONFUSIONS_SHOWN = 50


def alignments_text(report: WerReport) -> str:
    """Which gloss was taken for which, the counts of every gloss, and every clip in three aligned lines.

    The three lines are those of sclite: reference, hypothesis, and a letter under each error; asterisks fill the side
    on which a gloss is missing.
    """
    totals = report.counts
    heading = (
        f"{_errors(totals)} of {len(report.clips)} clips: {totals.substitutions} substituted, "
        f"{totals.deletions} deleted, {totals.insertions} inserted"
    )
    clips = "\n".join(map(_clip, report.clips))
    return "\n".join([heading, "", _confusions(report), _glosses(report), "CLIPS", "", clips])


def _errors(counts: Counts) -> str:
    errors, glosses = counts.errors, counts.reference
    return f"{errors} error{'s' * (errors != 1)} in {glosses} gloss{'es' * (glosses != 1)}"


def _confusions(report: WerReport) -> str:
    found = [
        (str(times), reference, hypothesis)
        for (reference, hypothesis), times in report.confusions().most_common()
        if reference is not None and hypothesis is not None
    ]
    shown = found[:_CONFUSIONS_SHOWN]
    heading = "CONFUSIONS" + (f", the {len(shown)} most frequent of {len(found)}" if len(shown) < len(found) else "")
    return f"{heading}\n\n" + _columns([("times", "reference", "hypothesis"), *shown], numbers=(0,))


def _glosses(report: WerReport) -> str:
    rows = [
        (gloss, *map(str, (c.reference, c.correct, c.substitutions, c.deletions, c.insertions)))
        for gloss, c in report.by_gloss().items()
    ]
    return "GLOSSES\n\n" + _columns(
        [("gloss", "reference", "correct", "sub", "del", "ins"), *rows], numbers=(1, 2, 3, 4, 5)
    )


def _columns(rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(_pad(cell, widths[place], right=place in numbers) for place, cell in enumerate(row)) for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _pad(cell: str, width: int, right: bool = False) -> str:
    blanks = " " * (width - cell_len(cell))  # a Chinese gloss is two places wide a character
    return blanks + cell if right else cell + blanks


def _clip(clip: ClipScore) -> str:
    rows: tuple[list[str], ...] = (["REF: "], ["HYP: "], ["Eval:"])
    for position in clip.alignment():
        reference, hypothesis = position.reference, position.hypothesis
        width = max(cell_len(gloss) for gloss in (reference, hypothesis) if gloss is not None)
        letter = position.operation if position.operation != "C" else ""
        for row, cell in zip(rows, (reference, hypothesis, letter), strict=True):
            row.append("*" * width if cell is None else _pad(cell, width))
    return "\n".join([f"{clip.clip}: {_errors(clip.counts)}", *(" ".join(row).rstrip() for row in rows), ""])
