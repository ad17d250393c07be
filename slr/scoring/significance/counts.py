"""Errors of several systems side by side, clip by clip, after a check that they may be compared at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slr.scoring.wer import ClipScore, WerReport


def paired_clips(*reports: WerReport) -> list[tuple[ClipScore, ...]]:
    """The scores of every clip by all systems, in the order of the first.

    Raises:
        ValueError: when the reports are not about the same clips and references under the same protocol.
    """
    first = reports[0]
    by_clip = [{clip.clip: clip for clip in report.clips} for report in reports]
    for report, clips in zip(reports, by_clip, strict=True):
        if clips.keys() != by_clip[0].keys() or report.protocol.name != first.protocol.name:
            raise ValueError(
                "only systems scored on the same clips under one protocol can be compared, not "
                f"{len(by_clip[0])} clips under {first.protocol.name!r} and {len(clips)} under {report.protocol.name!r}"
            )
    rows = [tuple(clips[clip.clip] for clips in by_clip) for clip in first.clips]
    for row in rows:
        if any(clip.reference != row[0].reference for clip in row):
            raise ValueError(
                f"only systems scored against the same references can be compared: those of clip {row[0].clip!r} differ"
            )
    return rows


def errors_and_glosses(*reports: WerReport) -> NDArray[np.int64]:
    """Errors of every system and reference glosses, ``[clips, systems + 1]``.

    Raises:
        ValueError: as :func:`paired_clips`, and when the references hold no gloss at all.
    """
    rows = paired_clips(*reports)
    counts = [(*(clip.counts.errors for clip in row), row[0].counts.reference) for row in rows]
    table = np.array(counts, np.int64).reshape(-1, len(reports) + 1)
    if not table[:, -1].any():
        raise ValueError("there is no word error rate over references that hold no gloss at all")
    return table
