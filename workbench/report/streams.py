"""The binary part of a page: what every clip shows, as good as the room on the page allows."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from slr.data import Clip, Corpus
from workbench.analysis.relations import Matrix, Relations, resampled
from workbench.report.moving import MARGIN, ShownSkeleton, deflated, differences, quantised
from workbench.report.pictures import Sheet, mime_type, sheet

MOST_STEPS = 24  # of relations; longer clips are resampled
_LADDER = ((12.5, ()), (8.4, ()), (12.5, ("face",)), (8.4, ("face",)), (6.3, ("face", "mouth")))
# Height in pixels, tiles per second; the rate goes last, lest a fast hand is elsewhere than its skeleton.
_PICTURES = ((104, 8.4), (84, 8.4), (84, 6.3), (72, 6.3), (64, 6.3), (56, 6.3), (52, 5.0), (44, 5.0), (40, 4.2))
_SAMPLE = 4  # clips by which the size of pictures is estimated
Advance = Callable[[], None]


@dataclass
class Streams:
    """Pieces of bytes one behind the other, and where those of each clip lie.

    ``about`` says what the pieces are, ``clips`` where they lie and how long they are, both as plain JSON values.
    """

    about: dict[str, Any] = field(default_factory=dict)
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _content: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """All pieces as base64."""
        return base64.b64encode(self._content).decode()

    def add(self, piece: bytes) -> list[int]:
        """Append a piece; returns where it begins and how long it is."""
        place = [len(self._content), len(piece)]
        self._content += piece
        return place

    @property
    def size(self) -> int:
        """Characters of :attr:`text`."""
        return _characters(len(self._content))


def make_streams(
    corpus: Corpus,
    clips: Sequence[Clip],
    relations: Mapping[str, Mapping[str, Relations]],
    least_confidence: float,
    room: int,
    *,
    pictures: bool,
    advance: Advance,
) -> Streams:
    """What fits into ``room`` characters: skeletons of all clips, at a lower rate or without face where need be, then
    the relations, then frames as far as they go. ``clips`` that come first are the last to be left out.
    """
    streams = Streams()
    _add_skeletons(streams, corpus, clips, relations, least_confidence, room)
    if pictures:
        _add_pictures(streams, corpus, clips, room, advance)
    return streams


def _add_skeletons(
    streams: Streams,
    corpus: Corpus,
    clips: Sequence[Clip],
    relations: Mapping[str, Mapping[str, Relations]],
    least: float,
    room: int,
) -> None:
    poses = {clip.id: corpus.pose(clip, torch.arange(corpus.num_frames(clip))).numpy() for clip in clips}
    related = {clip.id: _relations_of(clip.id, relations) for clip in clips}
    pieces: dict[str, bytes] = {}
    for rate, without in _LADDER:
        every, shown = max(1, round(corpus.fps / rate)), ShownSkeleton.of(corpus.layout, without)
        for clip, pose in poses.items():
            places = quantised(pose[::every][:, list(shown.joints)], corpus.frame_size, least)
            pieces[clip] = deflated(differences(places) + b"".join(piece for _, piece in related[clip].values()))
        if _characters(sum(map(len, pieces.values()))) <= room:
            break
    streams.about |= {
        "every": every,
        "bones": shown.bones,
        "groups": shown.groups,
        "joints": len(shown.joints),
        "margin": MARGIN,
    }
    for clip, piece in pieces.items():
        if _characters(len(streams._content) + len(piece)) > room:
            streams.notes.append(
                f"The page has room for the skeletons of {len(streams.clips)} of {len(clips)} clips, those with the "
                "most errors."
            )
            break
        steps = {name: found for name, (found, _) in related[clip].items()}
        streams.clips[clip] = {"at": streams.add(piece), "steps": -(-len(poses[clip]) // every), "related": steps}


def _relations_of(
    clip: str, relations: Mapping[str, Mapping[str, Relations]]
) -> dict[str, tuple[dict[str, Any], bytes]]:
    """For every loss: how many steps are shown and what the largest byte stands for, and the bytes."""
    found = {}
    for name, every in relations.items():
        one = every[clip]
        steps = min(len(one.student), MOST_STEPS)
        sides = [side if len(side) == steps else resampled(side, steps) for side in (one.teacher, one.student)]
        found[name] = packed_relations(sides)
    return found


def packed_relations(sides: Sequence[Matrix]) -> tuple[dict[str, Any], bytes]:
    """Matrices of one size as bytes, row by row, 255 being the largest value of all."""
    most = max(float(side.max()) for side in sides)
    packed = b"".join(np.rint(side / most * 255).astype(np.uint8).tobytes() for side in sides)
    return {"size": len(sides[0]), "most": round(most, 5)}, packed


def _add_pictures(streams: Streams, corpus: Corpus, clips: Sequence[Clip], room: int, advance: Advance) -> None:
    """Frames at the best size and rate that lets all clips have some, or else of the first clips alone."""
    left = room - streams.size
    sample = clips[:: max(1, len(clips) // _SAMPLE)][:_SAMPLE]
    try:
        for height, rate in _PICTURES:
            every = max(1, round(corpus.fps / rate))
            sizes = [len(one.content) for one in _sheets(corpus, sample, height, every)]
            if _characters(sum(sizes)) * len(clips) / len(sample) <= 0.9 * left:
                break
    except ValueError as error:
        streams.notes.append(f"There are no frames on this page: {error}.")
        return
    streams.about["pictures"] = {"type": mime_type(), "every": every}
    number = 0
    for clip, one in zip(clips, _sheets(corpus, clips, height, every), strict=True):
        advance()
        if clip.id not in streams.clips or streams.size + _characters(len(one.content)) > room:
            break
        place = streams.add(one.content)
        streams.clips[clip.id]["picture"] = [*place, one.width, one.height, one.columns]
        number += 1
    if number < len(clips):
        streams.notes.append(
            f"The page has room for the frames of {number} of {len(clips)} clips, those with the most errors."
        )


def _sheets(corpus: Corpus, clips: Iterable[Clip], height: int, every: int) -> Iterator[Sheet]:
    for clip in clips:
        frames = corpus.rgb(clip, torch.arange(0, corpus.num_frames(clip), every))
        yield sheet(frames.permute(0, 2, 3, 1).numpy(), height)


def _characters(size: int) -> int:
    """Characters of so many bytes in base64."""
    return -(-size // 3) * 4
