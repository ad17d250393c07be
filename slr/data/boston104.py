"""RWTH-BOSTON-104 (Dreuw et al., Interspeech 2007): hand and nose tracks of 201 recorded ASL sentences.

The tables are those of the Udacity AIND recognizer: the ground truth of both hands and the nose that RWTH Aachen
published for every frame, and where each word begins and ends.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from slr.data.corpus import Clip
from slr.data.drawing import Strokes
from slr.data.tracks import Part, Track, TrackCorpus
from slr.skeleton import SkeletonLayout, skeleton_layout

FPS = 30.0
# The published videos have 312 x 242 pixels; hands that leave the picture below are tracked down to y = 251.
VIDEO_SIZE = (312, 252)
_SCALE = 1 / 3  # of a drawn frame
_STROKES = Strokes(radius=4.0)
_STORED = "nose-hands-3"
_HANDS = ("video", "frame", "nose-x", "nose-y", "left-x", "left-y", "right-x", "right-y")  # points as in the layout
_WORDS = ("video", "speaker", "word", "startframe", "endframe")
_DEV_EVERY = 6


class Boston104(TrackCorpus):
    """RWTH-BOSTON-104 with its official test split: 161 sentences to train on, 40 to test, 3 signers.

    There is no official dev split. Dev is carved out of the 161, by a rule and not by chance: in the order of their
    numbers every sixth of the sentences that training can spare, those of which each gloss occurs in another sentence
    that is left. So dev has no gloss that training lacks; test has one, ``MUST``.

    ``root`` holds ``hands_condensed.csv``, ``speaker.csv``, ``train_words.csv`` and ``test_words.csv``. x and y are
    those of the video, scaled to the drawn frames of 104 x 84 pixels; every point is there in every frame, and "left"
    is the signer's left.

    Args:
        root: the folder of the four tables.
        layout: joints to deliver, out of ``nose-hands-3``.

    Raises:
        ValueError: when a table is missing or does not fit the others; file and line are named.
    """

    def __init__(self, root: Path | str, *, layout: str | SkeletonLayout = _STORED) -> None:
        root = Path(root)
        joints = read_hands(root / "hands_condensed.csv")
        signers = read_signers(root / "speaker.csv")
        sentences = {split: read_words(root / f"{split}_words.csv", joints) for split in ("train", "test")}
        _check_videos(root, sentences, joints, signers)
        dev = set(choose_dev({video: [part.gloss for part in parts] for video, parts in sentences["train"].items()}))
        super().__init__(
            name="RWTH-BOSTON-104 (recorded hand and nose tracks, rendered frames)",
            fps=FPS,
            frame_size=(round(VIDEO_SIZE[0] * _SCALE), round(VIDEO_SIZE[1] * _SCALE)),
            stored=skeleton_layout(_STORED),
            layout=skeleton_layout(layout),
            tracks=[
                _track(video, "dev" if video in dev else split, signers[video], joints[video], parts)
                for split, videos in sentences.items()
                for video, parts in videos.items()
            ],
            strokes=_STROKES,
        )


def _track(video: int, split: str, signer: str, joints: Tensor, parts: Sequence[Part]) -> Track:
    clip = Clip(f"boston104-{video:03d}", split, signer, tuple(part.gloss for part in parts), f"video {video}")
    return Track(clip, joints, tuple(parts))


def choose_dev(sentences: Mapping[int, Sequence[str]]) -> list[int]:
    """The training sentences, glosses by number, that are held out: see :class:`Boston104`."""
    left = Counter(gloss for glosses in sentences.values() for gloss in set(glosses))
    chosen, spared = [], 0
    for number in sorted(sentences):
        glosses = set(sentences[number])
        if any(left[gloss] < 2 for gloss in glosses):
            continue
        spared += 1
        if spared % _DEV_EVERY == 0:
            chosen.append(number)
            left.subtract(glosses)
    return chosen


def read_hands(path: Path) -> dict[int, Tensor]:
    """The joints ``[T, 3, 3]`` of every video, in pixels of a drawn frame, all of confidence 1.

    Raises:
        ValueError: when the file is missing or no such table, or a video does not count its frames from 0.
    """
    rows: dict[int, list[list[float]]] = defaultdict(list)
    for line, (video, frame, *places) in _read_numbers(path, _HANDS):
        if frame != len(rows[video]):
            raise ValueError(
                f"line {line} of {path} is frame {frame} of video {video}, where frame {len(rows[video])} should be: "
                "frames count from 0 and none is left out"
            )
        rows[video].append([float(value) for value in places])
    return {video: _placed(torch.tensor(frames)) for video, frames in rows.items()}


def _placed(pixels: Tensor) -> Tensor:
    """``[T, 6]`` pixels of the video as joints of the drawn frame; pixel centres lie at whole numbers."""
    places = (pixels.unflatten(1, (3, 2)) + 0.5) * _SCALE - 0.5
    return torch.cat([places, torch.ones(*places.shape[:2], 1)], dim=-1)


def read_signers(path: Path) -> dict[int, str]:
    """Who signs in which video.

    Raises:
        ValueError: when the file is missing or no such table.
    """
    signers = {}
    for line, (video, signer) in _read_table(path, ("video", "speaker")):
        signers[_number(video, path, line)] = signer
    return signers


def read_words(path: Path, joints: Mapping[int, Tensor]) -> dict[int, list[Part]]:
    """Where the words of every video lie, in their order. Neighbours may share some frames; the file has such.

    Raises:
        ValueError: when the file is missing or no such table, a video has no joints, or a word lies outside of it.
    """
    words: dict[int, list[Part]] = defaultdict(list)
    for line, (video, _, word, start, end) in _read_table(path, _WORDS):
        number, first, last = (_number(text, path, line) for text in (video, start, end))
        if number not in joints:
            raise ValueError(f"line {line} of {path} names video {number}, of which there are no tracks")
        if not word or len(word.split()) != 1 or not 0 <= first <= last < len(joints[number]):
            raise ValueError(
                f"line {line} of {path} has {word!r} in frames {first} to {last} of video {number}: a word without "
                f"blanks in frames 0 to {len(joints[number]) - 1} should stand there"
            )
        words[number].append(Part(word, first, last + 1))
    return {number: sorted(parts, key=lambda part: part.start) for number, parts in words.items()}


def _check_videos(
    root: Path, sentences: Mapping[str, Mapping[int, object]], joints: Mapping[int, Tensor], signers: Mapping[int, str]
) -> None:
    twice = sorted(sentences["train"].keys() & sentences["test"].keys())
    if twice:
        raise ValueError(
            f"video {twice[0]} is in train_words.csv and in test_words.csv of {root}: it may be in one only"
        )
    named = sentences["train"].keys() | sentences["test"].keys()
    unnamed = sorted(joints.keys() - named)
    if unnamed:
        raise ValueError(f"video {unnamed[0]} of {root / 'hands_condensed.csv'} has words neither to train nor to test")
    without = sorted(named - signers.keys())
    if without:
        raise ValueError(f"{root / 'speaker.csv'} does not say who signs in video {without[0]}")


def _read_numbers(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[int]]]:
    for line, row in _read_table(path, columns):
        yield line, [_number(text, path, line) for text in row]


def _number(text: str, path: Path, line: int) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"line {line} of {path} has {text!r} where a whole number should stand") from None


def _read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The line number and the named columns of every row of a CSV file with a header."""
    if not path.is_file():
        raise ValueError(f"{path} is missing: RWTH-BOSTON-104 is read from four tables, of which this is one")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path} lacks the columns {', '.join(missing)}: it needs {', '.join(columns)}")
        for row in reader:
            values = [row[column] for column in columns]
            if any(value is None for value in values):
                raise ValueError(f"line {reader.line_num} of {path} is cut short: it needs {', '.join(columns)}")
            yield reader.line_num, [value.strip() for value in values]
