from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.data import Clip, Corpus, Phoenix2014T, write_keypoints
from slr.data.phoenix2014t import read_annotations
from slr.scoring import read_transcripts

from .conftest import CLIPS, HEIGHT, STORED, WIDTH, clip_keypoints, frame_image, write_frames

SPLITS = ("train", "dev", "test")
HEADER = "name|video|start|end|speaker|orth|translation"


def write_release(root: Path, *, below: str = "PHOENIX-2014-T", subfolder: str = "", header: bool = True) -> Path:
    folder = root / below
    manual = folder / "annotations" / "manual"
    manual.mkdir(parents=True)
    for split in SPLITS:
        rows = [HEADER] * header
        of_split = {name: clip for name, clip in CLIPS.items() if clip[0] == split}
        rows += [f"{name}|{name}/1/*.png|-1|-1|{c[1]}|{c[2]}|es regnet ." for name, c in of_split.items()]
        (manual / f"PHOENIX-2014-T.{split}.corpus.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        for name, clip in of_split.items():
            write_frames(folder / "features" / "fullFrame-210x260px" / split / name / subfolder, clip[3])
        store = {name: clip_keypoints(clip[3]) for name, clip in of_split.items()}
        write_keypoints(folder / "keypoints" / f"{split}.safetensors", store, layout=STORED, size=(WIDTH, HEIGHT))
    return root


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return lambda **what: write_release(tmp_path / "release", **what)


@pytest.mark.shared
def test_the_real_annotations_have_the_known_counts_and_agree_with_the_references(
    tmp_path: Path, shared_data: Path
) -> None:
    manual = tmp_path / "annotations" / "manual"
    manual.mkdir(parents=True)
    for split in SPLITS:
        name = f"PHOENIX-2014-T.{split}.corpus.csv"
        (manual / name).symlink_to(shared_data / "phoenix2014T" / name)
    corpus = Phoenix2014T(tmp_path, features=None)
    assert {split: len(corpus.clips(split)) for split in SPLITS} == {"train": 7096, "dev": 519, "test": 642}
    assert (len(corpus.vocabulary().glosses), len(corpus.vocabulary("union").glosses)) == (1085, 1115)
    assert len({clip.signer for split in SPLITS for clip in corpus.clips(split)}) == 9
    for split in SPLITS:
        references = read_transcripts(shared_data / "phoenix2014T" / f"phoenix2014-T-groundtruth-{split}.stm")
        clips = corpus.clips(split)
        assert {clip.id: (clip.signer, clip.glosses) for clip in clips} == {
            name: (one.signer, one.glosses) for name, one in references.items()
        }


@pytest.mark.parametrize("below", ["", "PHOENIX-2014-T", "PHOENIX-2014-T-release-v3/PHOENIX-2014-T"])
@pytest.mark.parametrize("subfolder", ["", "1"])
def test_frames_are_found_in_the_folder_of_the_clip_or_where_the_annotation_says(
    make: Callable[..., Path], below: str, subfolder: str
) -> None:
    corpus = Phoenix2014T(make(below=below, subfolder=subfolder))
    assert isinstance(corpus, Corpus)
    assert [clip.id for clip in corpus.clips("train")] == ["monday-0", "monday-1", "monday-2"]
    clip = corpus.clips("train")[1]
    assert clip.glosses == ("SONNE", "SONNE", "WIND")
    assert corpus.num_frames(clip) == 14
    frames = torch.tensor([13, 2, 2])
    assert torch.equal(corpus.rgb(clip, frames), torch.stack([frame_image(frame) for frame in frames.tolist()]))
    assert corpus.pose(clip, frames).shape == (3, 27, 3)
    assert (corpus.fps, corpus.frame_size, corpus.name) == (25.0, (WIDTH, HEIGHT), "RWTH-PHOENIX-Weather 2014-T")
    assert len({corpus.fingerprint(clip), corpus.fingerprint(clip, "pose")}) == 2


def test_training_clips_can_be_excluded_and_missing_frames_are_named(make: Callable[..., Path]) -> None:
    root = make()
    corpus = Phoenix2014T(root, exclude=["monday-1"])
    assert [clip.id for clip in corpus.clips("train")] == ["monday-0", "monday-2"]
    clip = corpus.clips("dev")[0]
    folder = root / "PHOENIX-2014-T" / "features" / "fullFrame-210x260px" / "dev" / "tuesday-0"
    for image in folder.iterdir():
        image.unlink()
    with pytest.raises(ValueError, match=r"no frames of clip 'tuesday-0' at .*tuesday-0/\*\.png"):
        corpus.num_frames(clip)


def test_a_missing_release_or_annotation_file_is_named(make: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"there is no corpus at .*nowhere: give the folder of the Phoenix-2014-T release"
    ):
        Phoenix2014T(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is no Phoenix-2014-T release"):
        Phoenix2014T(tmp_path)
    root = make()
    with pytest.raises(ValueError, match=r"fullFrame-1x1px is missing: features can be fullFrame-210x260px"):
        Phoenix2014T(root, features="fullFrame-1x1px")
    (root / "PHOENIX-2014-T" / "annotations" / "manual" / "PHOENIX-2014-T.dev.corpus.csv").unlink()
    with pytest.raises(ValueError, match=r"annotation file .*PHOENIX-2014-T\.dev\.corpus\.csv is missing"):
        Phoenix2014T(root)


WORD = st.text(
    st.characters(codec="utf-8", exclude_characters="|", exclude_categories=("C", "Z")), min_size=1, max_size=8
)


@given(
    rows=st.lists(
        st.tuples(WORD, WORD, st.lists(WORD, max_size=4), st.lists(WORD, max_size=4)),
        min_size=1, max_size=6, unique_by=lambda row: row[0],
    ),
    header=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_annotations_written_as_rows_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list, header: bool, ending: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "PHOENIX-2014-T.train.corpus.csv"
    lines = [HEADER] * header
    lines += [
        f"{name}|{name}/1/*.png|-1|-1|{who}|{' '.join(glosses)}|{' '.join(text)}" for name, who, glosses, text in rows
    ]
    path.write_bytes(ending.join([*lines, ""]).encode())
    expected = [Clip(name, "train", who, tuple(glosses), f"{name}/1/*.png") for name, who, glosses, _ in rows]
    assert read_annotations(path, "train") == expected


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a|a/1/*.png|-1|-1|S|X|y\nb|b/1/*.png|S|X\n", r"line 2 of .* is not name\|video\|start\|end\|speaker"),
        (b"a|a/1/*.png|-1|-1|S|X|y\na|a/1/*.png|-1|-1|S|X|y\n", "line 2 of .* repeats clip 'a'"),
        (b"a||-1|-1|S|X|y\n", "line 1 of"),
        (HEADER.encode(), "lists no clip"),
        (b"a|a/1/*.png|-1|-1|S|X|f\xfcr\n", r"is not UTF-8 text"),
    ],
)
def test_malformed_annotations_are_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "PHOENIX-2014-T.train.corpus.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        read_annotations(path, "train")
