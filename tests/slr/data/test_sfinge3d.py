from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.data import Corpus, PosePipeline, Sfinge3D, SignDataset, inspect, without_test
from slr.data.sfinge3d import photographed
from slr.data.sfinge3d_folder import GESTURES, read_truth
from slr.data.tracks import Part

SPLITS = ("train", "dev", "test")
TRUTH = "1,2,8,3,6,13,9,11\n2,1,5,0,4\n3,1,5,2,9\n6,1,1,1,7\n"
FRAMES = 12


def hand(seed: int, frames: int = FRAMES) -> np.ndarray:
    """``[T, 20, 3]`` metres."""
    return np.random.default_rng(seed).uniform(0.1, 0.5, (frames, 20, 3)).astype(np.float32)


SEQUENCES = {number: hand(number) for number in (1, 2, 3, 6)}
ISOLATED = {(5, 1): hand(51, 8), (1, 2): hand(12, 5)}


def write_text(path: Path, joints: np.ndarray, apart: str = ";") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = np.concatenate([joints, np.full((*joints.shape[:2], 4), 0.5)], axis=-1)
    lines = [apart.join(f"{value:.6f}" for value in frame.ravel()) for frame in whole]
    path.write_text("\n".join(lines) + "\n")


def ragged(recordings: list[np.ndarray]) -> dict[str, np.ndarray]:
    offsets = np.cumsum([0, *(len(one) for one in recordings)])
    return {"joints": np.concatenate(recordings), "offsets": offsets}


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes a release, as archives or as texts."""

    def write(archives: bool = True, truth: str = TRUTH) -> Path:
        (tmp_path / "sequencesGT.csv").write_text(truth)
        if archives:
            np.savez(tmp_path / "sequences.npz", **ragged(list(SEQUENCES.values())), index=np.array(list(SEQUENCES)))
            labels, instances = np.array(list(ISOLATED)).T
            recordings = ragged(list(ISOLATED.values()))
            np.savez(tmp_path / "dictionary.npz", **recordings, label=labels, instance=instances)
            return tmp_path
        for number, joints in SEQUENCES.items():
            write_text(tmp_path / "Sequences" / f"{number}.txt", joints)
        for (label, instance), joints in ISOLATED.items():
            write_text(tmp_path / "Dictionary" / str(label) / f"{instance}.txt", joints, ", ")
        return tmp_path

    return write


@pytest.mark.shared
def test_the_real_corpus_has_the_known_counts(shared_data: Path) -> None:
    corpus = Sfinge3D(shared_data / "sfinge3d")
    assert isinstance(corpus, Corpus)
    counts = {
        split: (len(corpus.clips(split)), sum(len(clip.glosses) for clip in corpus.clips(split))) for split in SPLITS
    }
    assert counts == {"train": (36 + 468, 141 + 468), "dev": (12, 51), "test": (24, 86)}
    assert set(corpus.vocabulary().glosses) == set(GESTURES)
    assert all(3 <= len(clip.glosses) <= 5 for split in ("dev", "test") for clip in corpus.clips(split))
    frames = [corpus.num_frames(clip) for split in SPLITS for clip in corpus.clips(split)]
    assert sum(frames) == 27501 + 20732
    alone = Sfinge3D(shared_data / "sfinge3d", isolated=False)
    assert len(alone.clips("train")) == 36
    assert alone.clips("test") == corpus.clips("test")
    assert "rendered" in corpus.name
    assert "isolated" in corpus.name
    assert "isolated" not in alone.name


@pytest.mark.shared
def test_the_doctor_finds_nothing_wrong_with_the_real_corpus(shared_data: Path) -> None:
    corpus = Sfinge3D(shared_data / "sfinge3d")
    findings = inspect(corpus, corpus.vocabulary(), lambda lengths: (lengths + 3) // 4)
    assert not [one.message for one in findings if one.severity != "info"]


@pytest.mark.shared
def test_real_hands_stay_in_the_drawn_frame_and_a_swipe_to_the_left_goes_left(shared_data: Path) -> None:
    corpus = Sfinge3D(shared_data / "sfinge3d")
    inside, way = [], []
    for track in corpus.tracks("train"):
        places = track.joints[..., :2]
        inside.append(((places > -0.5) & (places < 111.5)).all(dim=-1).float().mean())
        if track.clip.glosses == ("SWIPE-LEFT",):
            palm = track.joints[:, 0, 0]
            way.append(palm[palm.argmin() :].numel() - palm[palm.argmax() :].numel())
    assert torch.stack(inside).mean() > 0.99
    assert np.median(way) < 0  # rightmost first, leftmost later


@pytest.mark.parametrize("archives", [True, False], ids=["archives", "texts"])
def test_a_release_is_read_from_archives_and_from_the_published_texts(
    make: Callable[..., Path], archives: bool
) -> None:
    corpus = Sfinge3D(make(archives))
    assert [clip.id for clip in corpus.clips("test")] == ["sfinge3d-sequence-01"]
    assert [clip.id for clip in corpus.clips("dev")] == ["sfinge3d-sequence-06"]
    assert [clip.id for clip in corpus.clips("train")] == [
        "sfinge3d-sequence-02", "sfinge3d-sequence-03", "sfinge3d-gesture-one-02", "sfinge3d-gesture-ok-01"
    ]  # fmt: skip
    first = corpus.tracks("test")[0]
    assert first.clip.glosses == ("EXPAND", "SWIPE-O")
    assert first.parts == (Part("EXPAND", 3, 7), Part("SWIPE-O", 9, 12))
    frames = torch.tensor([5, 0, 5])
    assert torch.allclose(corpus.pose(first.clip, frames), photographed(SEQUENCES[1])[frames], atol=1e-3)
    isolated = corpus.clips("train")[3]
    assert isolated.glosses == ("OK",)
    assert corpus.num_frames(isolated) == 8


def test_the_camera_only_turns_moves_and_scales() -> None:
    joints = hand(3)
    seen = photographed(joints).double()
    assert torch.equal(seen[..., 3], torch.ones(FRAMES, 20).double())
    metres, pixels = (torch.pdist(frames) for frames in (torch.from_numpy(joints[4]).double(), seen[4, :, :3]))
    assert torch.allclose(pixels, 180 * metres, atol=1e-3)
    palm = seen[:, 0, :3].median(dim=0).values
    assert torch.allclose(palm[:2], torch.tensor([55.5, 55.5]).double(), atol=12)
    # Up is up in the picture, and what is farther from the body is higher in it and farther from the camera.
    moved = joints.copy()
    moved[:, 7] += (0.0, 0.1, 0.0)
    higher = photographed(moved)[0, 7] - photographed(joints)[0, 7]
    assert higher[1] < -10
    away = joints.copy()
    away[:, 7] += (0.0, 0.0, 0.1)
    farther = photographed(away)[0, 7] - photographed(joints)[0, 7]
    assert farther[1] < -10
    assert farther[2] < -10
    right = joints.copy()
    right[:, 7] += (0.1, 0.0, 0.0)
    assert torch.allclose(
        photographed(right)[0, 7] - photographed(joints)[0, 7], torch.tensor([18.0, 0, 0, 0]), atol=1e-3
    )


def test_nearer_joints_are_drawn_brighter_and_over_the_others(make: Callable[..., Path]) -> None:
    corpus = Sfinge3D(make())
    track = corpus.tracks("test")[0]
    video = corpus.rgb(track.clip, torch.arange(FRAMES))
    assert video.shape == (FRAMES, 3, 112, 112)
    for shown, joints in zip(video, track.joints, strict=True):
        nearest = joints[joints[:, 2].argmax()]
        assert int(shown[:, round(float(nearest[1])), round(float(nearest[0]))].max()) > 200


def test_training_reads_it_in_three_dimensions(make: Callable[..., Path]) -> None:
    corpus = without_test(Sfinge3D(make()))
    pipeline = PosePipeline(normalise="signer")
    sample = SignDataset(corpus, "train", corpus.vocabulary(), training=True, pose_pipeline=pipeline)[0]
    assert sample.pose is not None
    assert sample.pose.shape == (FRAMES, 20, 4)


@given(
    st.dictionaries(
        st.integers(1, 99),
        st.lists(st.tuples(st.integers(1, 13), st.integers(1, 9), st.integers(1, 9)), max_size=5),
        min_size=1,
    )
)
def test_truth_that_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, sequences: dict) -> None:
    path = tmp_path_factory.mktemp("truth") / "sequencesGT.csv"
    lines, expected, lengths = [], {}, {}
    for number, gestures in sequences.items():
        row, end, parts = [number, len(gestures)], 0, []
        for label, gap, length in gestures:
            row += [label, end + gap, end + gap + length - 1]
            parts.append(Part(GESTURES[label - 1], end + gap, end + gap + length))
            end += gap + length
        lines.append(",".join(map(str, row)))
        expected[number], lengths[number] = parts, end + 3
    path.write_text("\n".join(lines))
    assert read_truth(path, lengths) == expected


@given(st.text(alphabet="0123456789,;- x\n", max_size=60))
def test_truth_of_any_other_kind_is_refused_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("truth") / "sequencesGT.csv"
    path.write_text(text)
    found, said = None, ""
    try:
        found = read_truth(path, {1: 12, 2: 12})
    except ValueError as fault:
        said = str(fault)
    assert str(path) in said if found is None else found.keys() == {1, 2}


BROKEN = [
    ("1,2,8,3,6,13,9,11", "1,2,8,3,6", r"line 1 of .* is not sequence,count and count times label,first,last"),
    ("1,2,8,3,6,13,9,11", "1,2,14,3,6,13,9,11", r"line 1 of .* has the gesture 14: there are 1 \(ONE\) to 13"),
    ("1,2,8,3,6,13,9,11", "1,2,8,3,6,13,1,11", "has SWIPE-O in frames 1 to 11: gestures follow each other"),
    ("1,2,8,3,6,13,9,11", "1,2,8,3,6,13,12,14", "has SWIPE-O in frames 12 to 14: .* begin in frames 0 to 11"),
    ("2,1,5,0,4", "1,1,5,0,4", "describes sequence 1, which stands twice"),
    ("2,1,5,0,4", "7,1,5,0,4", "describes sequence 7, which is not recorded"),
    ("2,1,5,0,4\n", "", "does not describe sequence 2, which is recorded"),
    ("2,1,5,0,4", "2,1,5,0,x", "should hold whole numbers alone"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "complaint"), BROKEN, ids=[row[2][-30:] for row in BROKEN])
def test_broken_truth_is_named(make: Callable[..., Path], old: str, new: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Sfinge3D(make(truth=TRUTH.replace(old, new)))


def test_a_gesture_that_lasts_beyond_its_recording_ends_with_it(make: Callable[..., Path]) -> None:
    corpus = Sfinge3D(make(truth=TRUTH.replace("13,9,11", "13,9,15")))
    assert corpus.tracks("test")[0].parts[-1] == Part("SWIPE-O", 9, FRAMES)


def test_a_broken_recording_is_named(make: Callable[..., Path]) -> None:
    root = make(archives=False)
    path = root / "Sequences" / "2.txt"
    whole = path.read_text()
    for text, complaint in (
        (whole.replace(";", " ", 1), None),
        (whole.replace("0.500000\n", "\n", 1), r"2\.txt has 139 numbers in line 1: it needs 7 for each of 20 joints"),
        ("", r"2\.txt has no line"),
        ("x" + whole, r"2\.txt should hold numbers alone"),
        ("nan" + whole[8:], r"2\.txt has a coordinate that is not finite"),
    ):
        path.write_text(text)
        if complaint is None:
            Sfinge3D(root)
            continue
        with pytest.raises(ValueError, match=complaint):
            Sfinge3D(root)
    path.rename(root / "Sequences" / "last.txt")
    with pytest.raises(ValueError, match="is named after no number"):
        Sfinge3D(root)


def test_a_broken_archive_is_named(make: Callable[..., Path]) -> None:
    root = make()
    good = dict(np.load(root / "sequences.npz"))
    for change, complaint in (
        ({"offsets": good["offsets"] + 1}, r"sequences\.npz does not fit together: joints should be \[frames, 20, 3\]"),
        ({"joints": good["joints"][:, :5]}, "does not fit together"),
        ({"index": good["index"][1:]}, "index have one entry per recording"),
        ({"joints": np.where(good["joints"] > 0.49, np.nan, good["joints"])}, "not finite"),
        ({"index": None}, r"sequences\.npz is no such archive .*: it needs joints, offsets, index"),
        ({"index": np.array([object()] * 4)}, r"sequences\.npz is no such archive"),
    ):
        arrays = {name: value for name, value in {**good, **change}.items() if value is not None}
        np.savez(root / "sequences.npz", **arrays)
        with pytest.raises(ValueError, match=complaint):
            Sfinge3D(root)
    (root / "sequences.npz").write_bytes(b"PK cut short")
    with pytest.raises(ValueError, match=r"sequences\.npz is no such archive"):
        Sfinge3D(root)


def test_missing_files_are_named(make: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"there are no recordings at .*Sequences \(texts\), nor is there .*sequences\.npz"
    ):
        Sfinge3D(tmp_path)
    root = make()
    (root / "dictionary.npz").unlink()
    assert len(Sfinge3D(root, isolated=False).clips("train")) == 2
    with pytest.raises(ValueError, match=r"there are no recordings at .*Dictionary"):
        Sfinge3D(root)
    (root / "sequencesGT.csv").unlink()
    with pytest.raises(ValueError, match=r"sequencesGT\.csv is missing"):
        Sfinge3D(root)
