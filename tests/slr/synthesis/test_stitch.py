"""Stitched sentences hold the recorded signs, and no recorded clip is in two splits."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from slr.synthesis.recordings import RecordedClip, read_wlasl50
from slr.synthesis.render import render
from slr.synthesis.stitch import StitchedClips, StitchSpec, join_recordings, split_recordings

SPLITS = ("train", "dev", "test")
RIGHT, LEFT = slice(112, 133), slice(91, 112)


@pytest.fixture(scope="module")
def stitched(recordings: Path) -> StitchedClips:
    return StitchSpec(str(recordings), sentences=(8, 3, 4), length=(2, 4)).open()


@pytest.fixture(scope="module")
def clips(recordings: Path) -> list[RecordedClip]:
    return read_wlasl50(recordings)


def recorded(clips: list[RecordedClip], stitched: StitchedClips, split: str, index: int) -> list[RecordedClip]:
    by_id = {clip.id: clip for clip in clips}
    return [by_id[name] for name in stitched.recordings_of(split, index)]


# --- which clips


def test_no_recorded_clip_is_in_two_splits_and_none_is_lost(clips: list[RecordedClip]) -> None:
    splits = split_recordings(clips, np.random.default_rng(0))
    ids = {split: [clip.id for group in splits[split].values() for clip in group] for split in SPLITS}
    assert sorted(clip for split in SPLITS for clip in ids[split]) == sorted(clip.id for clip in clips)
    for split in SPLITS:
        assert set(splits[split]) == {"book", "drink", "go"}
        assert all(clip.gloss == gloss for gloss, group in splits[split].items() for clip in group)


def test_sentences_are_made_of_the_clips_of_their_split(stitched: StitchedClips) -> None:
    used = {
        split: {
            name for index in range(len(stitched.sentences[split])) for name in stitched.recordings_of(split, index)
        }
        for split in SPLITS
    }
    for first, second in combinations(SPLITS, 2):
        assert used[first]
        assert used[second]
        assert not used[first] & used[second]
    described = stitched.describe()
    for split in SPLITS:
        assert used[split] <= {name for group in described[split].values() for name in group}


def test_a_gloss_with_two_clips_is_refused(clips: list[RecordedClip]) -> None:
    few = [clip for clip in clips if clip.gloss != "go"] + [clip for clip in clips if clip.gloss == "go"][:2]
    with pytest.raises(ValueError, match="gloss 'go' has 2 recorded clips: every split needs one of its own"):
        split_recordings(few, np.random.default_rng(0))
    three = few + [replace(few[-1], id="another")]
    splits = split_recordings(three, np.random.default_rng(0))
    assert [len(splits[split]["go"]) for split in SPLITS] == [1, 1, 1]


def test_one_gloss_alone_makes_no_sentences(clips: list[RecordedClip]) -> None:
    with pytest.raises(ValueError, match="recordings of 1 glosses: sentences, which repeat none, need two"):
        split_recordings([clip for clip in clips if clip.gloss == "go"], np.random.default_rng(0))


def test_sentences_have_the_sizes_asked_for_and_repeat_no_gloss_at_once(stitched: StitchedClips) -> None:
    assert [len(stitched.sentences[split]) for split in SPLITS] == [8, 3, 4]
    everything = [sentence for split in SPLITS for sentence in stitched.sentences[split]]
    assert {len(sentence.glosses) for sentence in everything} == {2, 3, 4}
    assert len({sentence.id for sentence in everything}) == 15
    for sentence in everything:
        assert all(first != second for first, second in zip(sentence.glosses, sentence.glosses[1:], strict=False))
        assert set(sentence.glosses) <= {"BOOK", "DRINK", "GO"}


def test_a_seed_makes_one_corpus(recordings: Path, stitched: StitchedClips) -> None:
    again, other = (StitchSpec(str(recordings), seed, (8, 3, 4), (2, 4)).open() for seed in (0, 1))
    assert again.sentences == stitched.sentences
    assert other.describe() != stitched.describe()
    np.testing.assert_array_equal(again.keypoints("dev", 0, "high"), stitched.keypoints("dev", 0, "high"))


# --- how they are joined


def test_joined_clips_hold_the_recorded_ones_unchanged(clips: list[RecordedClip]) -> None:
    chosen = [clips[0], clips[5], clips[10]]
    joined = join_recordings(chosen)
    assert [segment.gloss for segment in joined.segments] == ["BOOK", "DRINK", "GO"]
    for segment, clip in zip(joined.segments, chosen, strict=True):
        for part in ("nose", "arms", "hands", "seen", "arm_seen"):
            np.testing.assert_array_equal(getattr(joined, part)[segment.start : segment.end], getattr(clip, part))
    assert joined.segments[0].start == 0
    assert joined.segments[-1].end == len(joined.nose)


def test_bridges_are_short_smooth_and_straight(clips: list[RecordedClip]) -> None:
    for first, second in combinations(clips[::3], 2):
        joined = join_recordings([first, second])
        start, end = joined.segments[0].end, joined.segments[1].start
        assert 4 <= end - start <= 10
        way = joined.hands[start - 1 : end + 1]
        share = np.linalg.norm(way - way[0], axis=-1) / np.maximum(np.linalg.norm(way[-1] - way[0], axis=-1), 1e-9)
        assert (np.diff(share, axis=0) > 0).all()
        np.testing.assert_allclose(share + share[::-1], 1.0, atol=1e-6)


def test_a_longer_way_takes_a_longer_bridge(clips: list[RecordedClip]) -> None:
    here = clips[0]
    frames = []
    for way in (0.0, 1.5, 9.0):
        there = replace(here, hands=here.hands + (way, 0.0, 0.0))
        there = replace(there, hands=there.hands - there.hands[0] + here.hands[-1] + (way, 0.0, 0.0))
        joined = join_recordings([here, there])
        frames.append(joined.segments[1].start - joined.segments[0].end)
    assert frames == [4, 5, 10]


def test_a_hand_is_seen_on_a_bridge_only_when_it_is_seen_at_both_ends(clips: list[RecordedClip]) -> None:
    for before in ((True, True), (True, False)):
        for after in ((True, False), (False, True)):
            first, second = (replace(clip, seen=clip.seen.copy()) for clip in (clips[0], clips[4]))
            first.seen[-1], second.seen[0] = before, after
            joined = join_recordings([first, second])
            bridge = joined.seen[joined.segments[0].end : joined.segments[1].start]
            expected = [before[0] and after[0], before[1] and after[1]]
            assert bridge.tolist() == [expected] * len(bridge)


def test_one_clip_needs_no_bridge(clips: list[RecordedClip]) -> None:
    assert len(join_recordings(clips[:1]).nose) == len(clips[0])


# --- what is seen of them


def test_keypoints_contain_the_recorded_ones(stitched: StitchedClips, clips: list[RecordedClip]) -> None:
    for index in range(4):
        motion, _, camera = stitched.motion("train", index)
        keypoints = stitched.keypoints("train", index, "none")
        for segment, clip in zip(motion.segments, recorded(clips, stitched, "train", index), strict=True):
            part = keypoints[segment.start : segment.end]
            for where, side in ((RIGHT, 0), (LEFT, 1)):
                pixels = camera.project(clip.hands[:, side])
                inside = ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(-1) & clip.seen[:, side, None]
                np.testing.assert_allclose(part[:, where, :2][inside], pixels[inside], atol=1e-3)
                np.testing.assert_array_equal(part[:, where, 2] > 0, inside)
            shoulders = camera.project(np.concatenate([clip.arms[:, ::-1, 0], np.zeros((len(clip), 2, 1))], axis=-1))
            np.testing.assert_allclose(part[:, 5:7, :2], shoulders, atol=1e-3)


@pytest.mark.parametrize("level", ["none", "high"])
def test_what_was_not_recorded_has_confidence_zero(stitched: StitchedClips, level: str) -> None:
    unseen = 0
    for index in range(4):
        joined = join_recordings(stitched._choices["train", index])
        keypoints = stitched.keypoints("train", index, level)
        for where, side in ((RIGHT, 0), (LEFT, 1)):
            hidden = ~joined.seen[:, side]
            unseen += int(hidden.sum())
            assert (keypoints[hidden, where] == 0).all()
        assert (keypoints[:, 1:5] == 0).all()  # eyes and ears
        assert (keypoints[:, 11:91] == 0).all()  # legs, feet and face
        assert (keypoints[:, 0, 2] > 0).all()
    assert unseen > 20


def test_guessed_arm_joints_have_confidence_zero(stitched: StitchedClips, clips: list[RecordedClip]) -> None:
    hidden = [replace(clip, arm_seen=clip.arm_seen.copy()) for clip in clips]
    for clip in hidden:
        clip.arm_seen[:, 0, 1] = False  # right elbow
    keypoints = StitchedClips(stitched.spec, hidden).keypoints("train", 0, "none")
    assert (keypoints[:, 8] == 0).all()
    assert (keypoints[:, [5, 6, 7], 2] > 0).all()


def test_levels_disturb_the_recorded_points(stitched: StitchedClips) -> None:
    clean, noisy = (stitched.keypoints("train", 0, level) for level in ("none", "mid"))
    both = (clean[..., 2] > 0) & (noisy[..., 2] > 0)
    assert both.any()
    assert 0.3 < np.linalg.norm(clean[both] - noisy[both], axis=-1).mean() < 10
    assert ((noisy[..., 2] > 0) <= (clean[..., 2] > 0) | (noisy[..., :2] > 0).all(-1)).all()


def test_palms_look_where_the_knuckles_say(stitched: StitchedClips) -> None:
    motion, _, _ = stitched.motion("train", 0)
    assert np.linalg.norm(motion.palms, axis=-1) == pytest.approx(1.0)
    for side, mirror in ((0, 1.0), (1, -1.0)):
        hands = motion.hands[:, side]
        for frame in range(len(motion)):
            along, across = hands[frame, 9] - hands[frame, 0], hands[frame, 5] - hands[frame, 17]
            normal = mirror * np.cross(along, across)
            np.testing.assert_allclose(motion.palms[frame, side], normal / np.linalg.norm(normal), atol=1e-9)


def test_a_stitched_clip_can_be_rendered(stitched: StitchedClips) -> None:
    motion, look, camera = stitched.motion("dev", 0)
    frames = render(motion, look, camera)
    width, height = stitched.frame_size
    assert frames.shape == (len(motion), height, width, 3)
    assert stitched.signer_of("dev", 0) == look.name
    x, y = np.rint(camera.project(motion.head[0])).astype(int)
    assert abs(frames[0, y, x].astype(int) - look.skin).max() < 60


# --- real recordings


@pytest.mark.shared
def test_real_recordings_make_disjoint_splits_of_fifty_glosses(shared_data: Path) -> None:
    clips = StitchSpec(str(shared_data / "wlasl50-keypoints" / "wlasl50_real.npz")).open()
    described = clips.describe()
    ids = {split: {name for group in described[split].values() for name in group} for split in SPLITS}
    assert sum(len(names) for names in ids.values()) == len(set().union(*ids.values())) == 423
    assert all(len(described[split]) == 50 for split in SPLITS)
    assert [len(clips.sentences[split]) for split in SPLITS] == [300, 80, 160]
    keypoints = clips.keypoints("test", 0, "none")
    assert keypoints.shape == (len(clips.motion("test", 0)[0]), 133, 3)
    assert np.isfinite(keypoints).all()
