"""Recorded signs become bodies without gaps, in the units of the simulated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slr.synthesis.phonology import Array
from slr.synthesis.recordings import RecordedClip, read_wlasl50
from tests.slr.synthesis.conftest import GLOSSES, write_recordings

SHOULDER, ELBOW, WRIST = 0, 1, 2
RIGHT, LEFT = 0, 1


def plain_rows(frames: int = 6) -> tuple[Any, Any, Any]:
    """Rows ``[1, 30, 170]`` of one clip; views of its pose ``[30, 11, 4]`` and hands ``[30, 2, 21, 3]``, left first.

    Shoulders at x .4 and .6, y .5: a shoulder half-width is .1 of the width, .1333 of the height at 4:3.
    """
    rows = np.zeros((1, 30, 170), np.float32)
    pose, hands = rows[0, :, :44].reshape(30, 11, 4), rows[0, :, 44:].reshape(30, 2, 21, 3)
    assert np.shares_memory(pose, rows)
    assert np.shares_memory(hands, rows)
    pose[:frames, :, 3] = 1.0
    pose[:frames, 0, :2] = 0.5, 0.3
    pose[:frames, 1:7, :2] = (0.6, 0.5), (0.4, 0.5), (0.65, 0.6), (0.35, 0.6), (0.6, 0.7), (0.4, 0.7)
    return rows, pose, hands


def read_rows(tmp_path: Path, rows: Array, frames: int = 6) -> RecordedClip:
    arrays = {"x": rows, "label": np.array([1]), "n_frames": np.array([frames])}
    return read_wlasl50(write_recordings(tmp_path / "signs.npz", **arrays))[0]


def test_every_clip_has_its_gloss_id_and_frames(recordings: Path) -> None:
    clips = read_wlasl50(recordings)
    assert [clip.gloss for clip in clips] == [gloss for gloss in GLOSSES for _ in range(4)]
    assert len({clip.id for clip in clips}) == 12
    with np.load(recordings) as arrays:
        assert [len(clip) for clip in clips] == arrays["n_frames"].tolist()
    for clip in clips:
        frames = len(clip)
        assert clip.nose.shape == (frames, 2)
        assert clip.arms.shape == (frames, 2, 3, 2)
        assert clip.hands.shape == (frames, 2, 21, 3)
        assert clip.seen.shape == (frames, 2)
        assert clip.arm_seen.shape == (frames, 2, 3)


def test_lengths_are_in_shoulder_half_widths_about_the_middle_of_the_shoulders(tmp_path: Path) -> None:
    rows, _, hands = plain_rows()
    hands[:6, 1] = 0.4, 0.7, 0.0  # the right hand at the right wrist
    clip = read_rows(tmp_path, rows)
    np.testing.assert_allclose(clip.arms[0, RIGHT, SHOULDER], [-1, 0], atol=1e-5)
    np.testing.assert_allclose(clip.arms[0, LEFT, SHOULDER], [1, 0], atol=1e-5)
    # Frames are half as wide again as high: a tenth of the height is two thirds of a tenth of the width.
    np.testing.assert_allclose(clip.arms[0, RIGHT, ELBOW], [-1.5, 2 / 3], atol=1e-5)
    np.testing.assert_allclose(clip.arms[0, LEFT, WRIST], [1, 4 / 3], atol=1e-5)
    np.testing.assert_allclose(clip.nose[0], [0, -4 / 3], atol=1e-5)
    np.testing.assert_allclose(clip.hands[0, RIGHT, :, :2], np.tile([-1, 4 / 3], (21, 1)), atol=1e-5)


def test_a_signer_who_stands_elsewhere_or_farther_away_is_brought_to_the_same_size(tmp_path: Path) -> None:
    rows, pose, hands = plain_rows()
    hands[:6] = np.random.default_rng(0).uniform(0.3, 0.7, (2, 21, 3))
    near = read_rows(tmp_path, rows.copy())
    pose[:6, :, :2] = 0.5 * pose[:6, :, :2] + (0.2, 0.1)
    hands[:6, ..., :2] = 0.5 * hands[:6, ..., :2] + (0.2, 0.1)
    hands[:6, ..., 2] *= 0.5
    far = read_rows(tmp_path, rows)
    for part in ("nose", "arms", "hands"):
        np.testing.assert_allclose(getattr(near, part), getattr(far, part), atol=1e-4)


def test_the_file_stores_the_left_hand_first(tmp_path: Path) -> None:
    rows, _, hands = plain_rows()
    hands[:6, 0] = 0.6, 0.7, 0.0
    clip = read_rows(tmp_path, rows)
    assert clip.seen.tolist() == [[False, True]] * 6
    np.testing.assert_allclose(clip.hands[:, LEFT, 0, :2], np.tile([1, 4 / 3], (6, 1)), atol=1e-5)


def test_a_point_nearer_to_the_camera_has_more_depth(tmp_path: Path) -> None:
    rows, _, hands = plain_rows()
    hands[:6, 1, :, :2] = 0.4, 0.7
    hands[:6, 1, 8, 2] = -0.05  # MediaPipe counts depth away from the camera
    clip = read_rows(tmp_path, rows)
    assert (clip.hands[:, RIGHT, 8, 2] > clip.hands[:, RIGHT, 0, 2] + 0.3).all()


def test_gaps_are_interpolated_between_recorded_frames_and_held_at_the_ends(tmp_path: Path) -> None:
    rows, _, hands = plain_rows()
    shape = np.random.default_rng(0).uniform(0.3, 0.7, (2, 21, 3)).astype(np.float32)
    hands[1, 1], hands[4, 1] = shape
    clip = read_rows(tmp_path, rows)
    assert clip.seen[:, RIGHT].tolist() == [False, True, False, False, True, False]
    first, last = clip.hands[1, RIGHT], clip.hands[4, RIGHT]
    np.testing.assert_allclose(clip.hands[2, RIGHT], (2 * first + last) / 3, atol=1e-9)
    np.testing.assert_allclose(clip.hands[3, RIGHT], (first + 2 * last) / 3, atol=1e-9)
    np.testing.assert_array_equal(clip.hands[0, RIGHT], first)
    np.testing.assert_array_equal(clip.hands[5, RIGHT], last)


def test_a_hand_that_was_never_recorded_hangs_at_its_wrist(tmp_path: Path) -> None:
    clip = read_rows(tmp_path, plain_rows()[0])
    assert not clip.seen.any()
    np.testing.assert_allclose(clip.hands[:, :, 0, :2], clip.arms[:, :, WRIST], atol=1e-5)
    forearm = clip.arms[:, :, WRIST] - clip.arms[:, :, ELBOW]
    along = clip.hands[:, :, 9, :2] - clip.hands[:, :, 0, :2]
    assert (np.sum(forearm * along, axis=-1) > 0.1).all()


def test_joints_that_were_guessed_are_marked(tmp_path: Path) -> None:
    rows, pose, _ = plain_rows()
    pose[2:4, 6, 3] = 0.3  # the right wrist
    clip = read_rows(tmp_path, rows)
    assert clip.arm_seen[:, RIGHT, WRIST].tolist() == [True, True, False, False, True, True]
    assert clip.arm_seen[:, LEFT].all()


def test_shoulders_at_one_place_give_no_infinite_body(tmp_path: Path) -> None:
    rows, pose, _ = plain_rows()
    pose[:6, 2] = pose[:6, 1]
    clip = read_rows(tmp_path, rows)
    assert np.isfinite(clip.arms).all()
    assert np.isfinite(clip.hands).all()


# --- refusals


def test_a_missing_file_or_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"signs\.npz does not exist: this needs the WLASL-50 keypoint file"):
        read_wlasl50(tmp_path / "signs.npz")
    (tmp_path / "text.npz").write_text("x, label\n")
    np.save(tmp_path / "array.npy", np.zeros((3, 30, 170)))
    for name in ("text.npz", "array.npy"):
        with pytest.raises(ValueError, match="is no WLASL-50 keypoint file: such a file is an npz archive"):
            read_wlasl50(tmp_path / name)


def test_missing_and_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "few.npz", x=np.zeros((1, 30, 170)), label=np.zeros(1, int))
    with pytest.raises(ValueError, match=r"few\.npz is no WLASL-50 keypoint file .* it needs x \[N, 30, 170\], label"):
        read_wlasl50(tmp_path / "few.npz")
    pickled = write_recordings(tmp_path / "pickled.npz", classes=np.array(["a", None, "c"], dtype=object))
    with pytest.raises(ValueError, match=r"pickled\.npz is no WLASL-50 keypoint file .*Object arrays"):
        read_wlasl50(pickled)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x": np.zeros((12, 20, 170))}, r"x has shape \[12, 20, 170\] with 12 labels"),
        ({"x": np.zeros((12, 5100))}, r"x has shape \[12, 5100\]"),
        ({"label": np.zeros(11, int)}, "with 11 labels and 12 n_frames"),
        ({"label": np.full(12, 3)}, "clip 0 of .* has label 3 of 3 classes"),
        ({"n_frames": np.array([9] * 11 + [31])}, "clip 11 of .* and 31 frames: it needs .* 1 to 30 frames"),
        ({"n_frames": np.array([9, 0] + [9] * 10)}, "clip 1 of .* and 0 frames"),
        ({"x": np.full((12, 30, 170), np.nan)}, "clip 0 of .* finite coordinates"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Array], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_wlasl50(write_recordings(tmp_path / "signs.npz", **changed))


# --- real recordings


@pytest.mark.shared
def test_the_recorded_signs_are_all_read(shared_data: Path) -> None:
    clips = read_wlasl50(shared_data / "wlasl50-keypoints" / "wlasl50_real.npz")
    assert len(clips) == 423
    counts = [[clip.gloss for clip in clips].count(gloss) for gloss in {clip.gloss for clip in clips}]
    assert len(counts) == 50
    assert (min(counts), max(counts)) == (4, 13)


@pytest.mark.shared
def test_recorded_hands_sit_at_their_own_wrists(shared_data: Path) -> None:
    clips = read_wlasl50(shared_data / "wlasl50-keypoints" / "wlasl50_real.npz")
    for side in (RIGHT, LEFT):
        off: dict[int, list[Array]] = {other: [] for other in (RIGHT, LEFT)}
        for clip in clips:
            seen = clip.seen[:, side]
            for other in off:
                way = clip.hands[seen, side, 0, :2] - clip.arms[seen, other, WRIST]
                off[other].append(np.linalg.norm(way, axis=-1))
        assert np.median(np.concatenate(off[side])) < 0.25  # shoulder half-widths
        assert np.median(np.concatenate(off[1 - side])) > 1.0
    assert np.concatenate([clip.seen for clip in clips]).mean(axis=0) == pytest.approx((0.96, 0.45), abs=0.01)
