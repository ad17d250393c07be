"""What the script of a page knows of every clip, as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.analysis.relations import SIDES, mean_relations
from workbench.analysis.shown import Shown
from workbench.analysis.timeline import REFERENCE, Timeline, timelines
from workbench.report.streams import MOST_STEPS, Streams, packed_relations


class _Glosses:
    """Numbers for glosses, in the order they are met."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def number(self, gloss: str) -> int:
        return self.names.setdefault(gloss, len(self.names))


def clip_data(shown: Shown, styles: Mapping[str, int], streams: Streams) -> dict[str, Any]:
    """Networks, glosses, and for every clip its timeline, its alignments and where its bytes lie."""
    glosses = _Glosses()
    lines = timelines(shown)
    scores = {role: {one.clip: one for one in read.report.clips} for role, read in shown.reads.items()}
    clips = [
        {
            "id": clip.id,
            "signer": clip.signer,
            "seconds": round(lines[clip.id].seconds, 3),
            "rows": _rows(lines[clip.id], glosses),
            "reference": [glosses.number(gloss) for gloss in scores[shown.main][clip.id].reference],
            "read": {
                role: [[glosses.number(gloss) for gloss in found[clip.id].hypothesis], found[clip.id].operations]
                for role, found in scores.items()
            },
            **streams.clips.get(clip.id, {}),
        }
        for clip in shown.clips
    ]
    return {
        "fps": shown.corpus.fps,
        "size": shown.corpus.frame_size,
        "main": shown.main,
        "before": shown.before,
        "aligned_by": shown.aligned_by,
        "networks": [{"role": role, "title": title, "style": styles[role]} for role, title in shown.titles.items()],
        "glosses": list(glosses.names),
        **streams.about,
        "means": _means(shown),
        "clips": clips,
    }


def _rows(timeline: Timeline, glosses: _Glosses) -> dict[str, list[list[Any]]]:
    """Number, start and end in milliseconds, and operation of every gloss."""
    roles = [REFERENCE, *(role for role in timeline.rows if role != REFERENCE)]
    return {
        role: [
            [glosses.number(one.gloss), round(1000 * one.start), round(1000 * one.end), one.operation]
            for one in timeline.rows[role]
        ]
        for role in roles
        if role in timeline.rows
    }


def _means(shown: Shown) -> dict[str, dict[str, Any]]:
    """The mean relations of every loss: teacher, then student."""
    found = {}
    for name, every in shown.relations.items():
        sides: Sequence[Any] = [
            mean_relations([getattr(one, side) for one in every.values()], MOST_STEPS) for side in SIDES
        ]
        about, content = packed_relations(sides)
        found[name] = {**about, "values": list(content)}
    return found
