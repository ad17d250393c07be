from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
import torch

from tests.workbench.analysis.made_up import MadeUpCorpus
from tests.workbench.report.test_moving import restored
from workbench.analysis.relations import Relations
from workbench.report.moving import quantised
from workbench.report.streams import Streams, make_streams


def streams(corpus: MadeUpCorpus, room: int, pictures: bool = False, relations: dict | None = None) -> Streams:
    return make_streams(
        corpus, corpus.clips("test"), relations or {}, 0.0, room, pictures=pictures, advance=lambda: None
    )  # type: ignore[arg-type]


def piece(found: Streams, at: list[int]) -> bytes:
    return base64.b64decode(found.text)[at[0] : at[0] + at[1]]


def test_skeletons_and_relations_come_back() -> None:
    corpus = MadeUpCorpus(3)
    chance = np.random.default_rng(0)
    every = {clip.id: Relations(chance.random((5, 5)), chance.random((5, 5))) for clip in corpus.clips("test")}
    found = streams(corpus, 1_000_000, relations={"trkd": every})
    assert found.about["every"] == 2  # 12.5 of 25 frames
    for clip in corpus.clips("test"):
        about = found.clips[clip.id]
        content = zlib.decompress(piece(found, about["at"]), -15)
        pose = corpus.pose(clip, torch.arange(0, corpus.num_frames(clip), 2)).numpy()
        size = about["steps"] * 27 * 2
        assert np.array_equal(restored(content[:size], about["steps"], 27), quantised(pose, corpus.frame_size, 0.0))
        related, most = np.frombuffer(content[size:], np.uint8).reshape(2, 5, 5), about["related"]["trkd"]["most"]
        assert about["related"]["trkd"]["size"] == 5
        for side, known in zip(related, (every[clip.id].teacher, every[clip.id].student), strict=True):
            np.testing.assert_allclose(side / 255 * most, known, atol=0.5 / 255 * most + 1e-5)


def test_with_less_room_there_are_fewer_steps_then_no_face_then_fewer_clips() -> None:
    corpus = MadeUpCorpus(6, layout="coco-wholebody-133")
    whole = streams(corpus, 10_000_000)
    assert (whole.about["every"], "face" in whole.about["groups"]) == (2, True)
    slower = streams(corpus, whole.size - 1)
    assert (slower.about["every"], "face" in slower.about["groups"]) == (3, True)
    faceless = streams(corpus, slower.size - 1)
    assert "face" not in faceless.about["groups"]
    tight = streams(corpus, faceless.size // 6)
    assert 0 < len(tight.clips) < 6
    assert list(tight.clips) == [clip.id for clip in corpus.clips("test")][: len(tight.clips)]
    (note,) = tight.notes
    assert note.startswith(f"The page has room for the skeletons of {len(tight.clips)} of 6 clips")
    for found, room in ((slower, whole.size - 1), (faceless, slower.size - 1), (tight, faceless.size // 6)):
        assert len(found.text) == found.size <= room


@pytest.mark.parametrize("share", [0.3, 0.8, 2.0])
def test_frames_take_what_is_left_and_no_more(share: float) -> None:
    corpus = MadeUpCorpus(10)
    bare, full = streams(corpus, 10_000_000), streams(corpus, 10_000_000, pictures=True)
    room = bare.size + round(share * (full.size - bare.size))
    found = streams(corpus, room, pictures=True)
    assert found.size <= room
    number = sum("picture" in clip for clip in found.clips.values())
    assert number == 10 or found.notes == [
        f"The page has room for the frames of {number} of 10 clips, those with the most errors."
    ]
    assert number > 0
