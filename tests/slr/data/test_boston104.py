from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.data import Boston104, Corpus, PosePipeline, SignDataset, inspect, without_test
from slr.data.boston104 import choose_dev

SPLITS = ("train", "dev", "test")
# Enough sentences that one of them can be spared: video -> words with first and last frame.
TRAIN = {number: [("JOHN", 1, 3), ("READ" if number % 2 else "WRITE", 4, 8)] for number in range(1, 14)}
TEST = {20: [("JOHN", 0, 2), ("MUST", 2, 5)]}


def hands_of(video: int, frame: int) -> list[int]:
    """Left, right and nose as the table has them."""
    return [180 + frame, 150 + video, 120 - frame, 140, 150, 60 + video % 3]


def write_table(path: Path, header: str, rows: list[list[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Writes the four tables."""

    def write(train: Mapping[int, list] = TRAIN, test: Mapping[int, list] = TEST, frames: int = 10) -> Path:
        videos = [*train, *(video for video in test if video not in train)]
        header = "video,frame,left-x,left-y,right-x,right-y,nose-x,nose-y"
        hands = [[video, frame, *hands_of(video, frame)] for video in videos for frame in range(frames)]
        write_table(tmp_path / "hands_condensed.csv", header, hands)
        signers = {video: ("man-1", "woman-1")[video % 2] for video in videos}
        write_table(tmp_path / "speaker.csv", "video,speaker", [list(row) for row in signers.items()])
        for name, sentences in (("train", train), ("test", test)):
            rows = [[video, signers[video], *word] for video, words in sentences.items() for word in words]
            write_table(tmp_path / f"{name}_words.csv", "video,speaker,word,startframe,endframe", rows)
        return tmp_path

    return write


@pytest.mark.shared
def test_the_real_corpus_has_the_official_test_split_and_the_known_counts(shared_data: Path) -> None:
    corpus = Boston104(shared_data / "boston104-hands")
    assert isinstance(corpus, Corpus)
    clips = {split: corpus.clips(split) for split in SPLITS}
    assert len(clips["train"]) + len(clips["dev"]) == 161
    assert (len(clips["dev"]), len(clips["test"])) == (22, 40)
    both = [gloss for clip in (*clips["train"], *clips["dev"]) for gloss in clip.glosses]
    assert (len(both), len(set(both))) == (710, 112)
    assert len(corpus.vocabulary().glosses) == 112  # dev took none of them away
    test = [gloss for clip in clips["test"] for gloss in clip.glosses]
    assert len(test) == 178
    assert set(test) - set(corpus.vocabulary().glosses) == {"MUST"}
    assert {clip.signer for split in SPLITS for clip in clips[split]} == {"man-1", "woman-1", "woman-2"}
    frames = [corpus.num_frames(clip) for split in SPLITS for clip in clips[split]]
    assert (sum(frames), min(frames), max(frames)) == (15746, 41, 162)
    assert "rendered" in corpus.name
    numbers = [int(clip.id[-3:]) for split in SPLITS for clip in clips[split]]
    assert sorted(numbers) == list(range(1, 202))


@pytest.mark.shared
def test_the_doctor_finds_nothing_wrong_with_the_real_corpus_but_its_unknown_word(shared_data: Path) -> None:
    corpus = Boston104(shared_data / "boston104-hands")
    findings = inspect(corpus, corpus.vocabulary(), lambda lengths: (lengths + 3) // 4)
    assert [(one.check, one.split, one.values["tokens"]) for one in findings if one.severity != "info"] == [
        ("vocabulary", "test", 1)
    ]


@pytest.mark.shared
def test_the_right_hand_of_the_real_signers_lies_left_in_the_picture(shared_data: Path) -> None:
    corpus = Boston104(shared_data / "boston104-hands")
    for clip in corpus.clips("train")[:20]:
        pose = corpus.pose(clip, torch.arange(corpus.num_frames(clip)))
        assert pose[..., 0].median(dim=0).values[corpus.layout.index("right_hand_middle")] < pose[:, 0, 0].mean()


def test_joints_are_those_of_the_table_in_the_drawn_frame(make: Callable[..., Path]) -> None:
    corpus = Boston104(make())
    clip = corpus.clips("test")[0]
    assert (clip.id, clip.glosses, clip.signer) == ("boston104-020", ("JOHN", "MUST"), "man-1")
    pose = corpus.pose(clip, torch.tensor([4, 0, 4]))
    assert pose.shape == (3, 3, 3)
    left_x, left_y, right_x, right_y, nose_x, nose_y = hands_of(20, 4)
    third = [
        [(value + 0.5) / 3 - 0.5 for value in point]
        for point in ((nose_x, nose_y), (left_x, left_y), (right_x, right_y))
    ]
    assert torch.allclose(pose[0], torch.tensor([[*point, 1.0] for point in third]))
    assert torch.equal(pose[0], pose[2])
    assert (corpus.fps, corpus.frame_size) == (30.0, (104, 84))


def test_frames_show_a_disc_of_its_own_colour_at_every_joint(make: Callable[..., Path]) -> None:
    corpus = Boston104(make(), layout="nose-hands-3")
    clip = corpus.clips("train")[0]
    frames = torch.tensor([7, 2, 7])
    video = corpus.rgb(clip, frames)
    assert video.shape == (3, 3, 84, 104)
    assert video.dtype == torch.uint8
    assert torch.equal(video[0], video[2])
    assert not torch.equal(video[0], video[1])
    for shown, joints in zip(video, corpus.pose(clip, frames), strict=True):
        colours = [tuple(shown[:, round(float(y)), round(float(x))].tolist()) for x, y, _ in joints]
        assert len(set(colours)) == 3
        assert tuple(shown[:, 0, 0].tolist()) not in colours


def test_every_sixth_sentence_that_training_can_spare_is_dev(make: Callable[..., Path]) -> None:
    corpus = Boston104(make())
    assert [clip.id for clip in corpus.clips("dev")] == ["boston104-006", "boston104-012"]
    assert len(corpus.clips("train")) == 11


@given(st.dictionaries(st.integers(1, 60), st.lists(st.sampled_from("ABCDEFGH"), min_size=1, max_size=4), max_size=40))
def test_dev_never_takes_a_gloss_away_from_training(sentences: dict[int, list[str]]) -> None:
    dev = choose_dev(sentences)
    assert dev == choose_dev(dict(reversed(sentences.items())))
    left = Counter(gloss for video, glosses in sentences.items() if video not in dev for gloss in glosses)
    assert all(left[gloss] for glosses in sentences.values() for gloss in glosses)
    assert len(dev) <= len(sentences) / 6


def test_fingerprints_change_with_a_track_and_differ_by_stream(make: Callable[..., Path]) -> None:
    root = make()
    before = Boston104(root)
    clip, other = before.clips("train")[:2]
    prints = {stream: before.fingerprint(clip, stream) for stream in ("rgb", "pose")}
    assert prints["rgb"] != prints["pose"]
    kept = before.fingerprint(other)
    table = root / "hands_condensed.csv"
    table.write_text(table.read_text().replace("1,3,183,", "1,3,184,", 1))
    after = Boston104(root)
    assert all(after.fingerprint(clip, stream) != prints[stream] for stream in prints)
    assert after.fingerprint(other) == kept


def test_training_reads_it_and_cannot_open_test(make: Callable[..., Path]) -> None:
    corpus = without_test(Boston104(make()))
    data = SignDataset(
        corpus, "train", corpus.vocabulary(), pose_pipeline=PosePipeline(normalise="frame"), training=True
    )
    assert data[0].pose.shape == (10, 3, 3)
    assert data[0].rgb.shape == (10, 3, 84, 104)
    with pytest.raises(ValueError, match="training may not open the test split"):
        corpus.clips("test")


BROKEN: list[tuple[str, str, str, str]] = [
    ("hands_condensed.csv", "1,3,", "1,4,", "line 5 of .* is frame 4 of video 1, where frame 3 should be"),
    ("hands_condensed.csv", "nose-x", "nose", "lacks the columns nose-x"),
    ("hands_condensed.csv", "1,3,183,151", "1,3,183", "is cut short"),
    ("hands_condensed.csv", "1,3,183", "1,3,x", "line 5 of .* has 'x' where a whole number should stand"),
    ("train_words.csv", "1,woman-1,JOHN,1,3", "1,woman-1,JOHN,3,1", "'JOHN' in frames 3 to 1 of video 1: a word"),
    ("train_words.csv", "1,woman-1,JOHN,1,3", "1,woman-1,JOHN,1,10", "frames 0 to 9 should stand there"),
    ("train_words.csv", "1,woman-1,JOHN,1,3", "1,woman-1,JO HN,1,3", "a word without blanks"),
    ("train_words.csv", "1,woman-1,JOHN,1,3", "99,woman-1,JOHN,1,3", "names video 99, of which there are no tracks"),
    ("test_words.csv", "20,man-1,JOHN", "1,man-1,JOHN", "video 1 is in train_words.csv and in test_words.csv"),
    ("speaker.csv", "20,man-1\n", "", "does not say who signs in video 20"),
]


@pytest.mark.parametrize(("table", "old", "new", "complaint"), BROKEN, ids=[row[3][:40] for row in BROKEN])
def test_a_broken_table_is_named(make: Callable[..., Path], table: str, old: str, new: str, complaint: str) -> None:
    path = make() / table
    text = path.read_text().replace("\r\n", "\n")
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=complaint):
        Boston104(path.parent)


def test_a_missing_table_and_a_video_without_words_are_named(make: Callable[..., Path]) -> None:
    root = make(test={**TEST, 21: [("JOHN", 0, 1)]})
    words = root / "test_words.csv"
    words.write_text("".join(line for line in words.read_text().splitlines(True) if not line.startswith("21,")))
    with pytest.raises(ValueError, match=r"video 21 of .*hands_condensed\.csv has words neither to train nor to test"):
        Boston104(root)
    words.unlink()
    with pytest.raises(ValueError, match=r"test_words\.csv is missing: RWTH-BOSTON-104 is read from four tables"):
        Boston104(root)


def test_a_corpus_without_a_dev_sentence_is_incomplete(make: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="has no clip in dev: is the corpus complete"):
        Boston104(make(train={1: [("JOHN", 0, 1)]}))


def test_joints_that_were_not_tracked_cannot_be_asked_for(make: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="'sign-27' cannot be picked from 'nose-hands-3'"):
        Boston104(make(), layout="sign-27")
