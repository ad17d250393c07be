from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from slr.data import Corpus, CslDaily, write_keypoints

from .conftest import STORED, clip_keypoints

SPLITS = ("train", "dev", "test")
CLIPS = {
    "S000000_P0000_T00": ("train", ["你们", "好"], 5),
    "S000000_P0004_T00": ("train", ["他", "谁", "好"], 7),
    "S000020_P0000_T00": ("dev", ["他", "年龄", "4"], 4),
    "S000020_P0008_T00": ("test", ["今天", "星期"], 3),
}


def info_of(clips: Mapping[str, tuple[str, list[str], int]] = CLIPS) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "length": length,
            "label_gloss": glosses,
            "label_char": ["你"],
            "signer": int(name[9:13]),
            "time": 0,
        }
        for name, (_, glosses, length) in clips.items()
    ]


def write_release(root: Path, frames: str = "sentence/frames_512x512", content: Any = None, stm: bool = False) -> Path:
    labels = root / "sentence_label"
    labels.mkdir(parents=True)
    if stm:
        for split in SPLITS:
            lines = [
                f"{name} 1 unknown 0.0 1.79769e+308 {' '.join(clip[1])}\n"
                for name, clip in CLIPS.items()
                if clip[0] == split
            ]
            (root / f"CSL-Daily-groundtruth-{split}.stm").write_text("".join(lines), encoding="utf-8")
    else:
        content = {"info": info_of(), "gloss_map": ["你们"]} if content is None else content
        (labels / "csl2020ct_v2.pkl").write_bytes(pickle.dumps(content))
        lines = ["name|split", *(f"{name}|{clip[0]}" for name, clip in CLIPS.items())]
        (labels / "split_1.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, (_, _, length) in CLIPS.items():
        (root / frames / name).mkdir(parents=True)
        for frame in range(length):
            Image.new("RGB", (16, 16), (0, 20 * frame, 0)).save(root / frames / name / f"{frame:06d}.jpg", quality=95)
    for split in SPLITS:
        store = {name: clip_keypoints(clip[2]) for name, clip in CLIPS.items() if clip[0] == split}
        write_keypoints(root / "keypoints" / f"{split}.safetensors", store, layout=STORED, size=(16, 16))
    return root


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return lambda **what: write_release(tmp_path / "csl", **what)


@pytest.mark.shared
def test_the_real_references_have_the_known_counts(shared_data: Path) -> None:
    corpus = CslDaily(shared_data / "csl-daily", annotations="stm", frames=None)
    assert {split: len(corpus.clips(split)) for split in SPLITS} == {"train": 18401, "dev": 1077, "test": 1176}
    assert len(corpus.vocabulary().glosses) == len(corpus.vocabulary("union").glosses) == 2000
    assert len({clip.signer for split in SPLITS for clip in corpus.clips(split)}) == 10


@pytest.mark.shared
def test_the_real_list_of_splits_with_labels_gives_what_the_references_say(tmp_path: Path, shared_data: Path) -> None:
    references = CslDaily(shared_data / "csl-daily", annotations="stm", frames=None)
    clips = [clip for split in SPLITS for clip in references.clips(split)]
    labels = tmp_path / "sentence_label"
    labels.mkdir()
    info = [{"name": clip.id, "label_gloss": list(clip.glosses)} for clip in reversed(clips)]
    (labels / "csl2020ct_v2.pkl").write_bytes(pickle.dumps({"info": info}))
    (labels / "split_1.txt").symlink_to(shared_data / "csl-daily" / "split_1.txt")
    corpus = CslDaily(tmp_path, frames=None)
    for split in SPLITS:
        assert {clip.id: clip for clip in corpus.clips(split)} == {clip.id: clip for clip in references.clips(split)}
    assert "S000007_P0003_T00" in {clip.id for clip in corpus.clips("train")}


@pytest.mark.parametrize("stm", [False, True], ids=["pickle", "stm"])
def test_a_release_is_read_by_either_kind_of_annotations(make: Callable[..., Path], stm: bool) -> None:
    corpus = CslDaily(make(stm=stm), annotations="stm" if stm else "pickle")
    assert isinstance(corpus, Corpus)
    assert [clip.id for clip in corpus.clips("train")] == list(CLIPS)[:2]
    clip = corpus.clips("train")[1]
    assert (clip.glosses, clip.signer) == (("他", "谁", "好"), "P0004")
    assert corpus.num_frames(clip) == 7
    video = corpus.rgb(clip, torch.tensor([6, 0, 6]))
    assert video.shape == (3, 3, 16, 16)
    assert [round(float(frame[1].float().mean()) / 20) for frame in video] == [6, 0, 6]
    assert corpus.pose(clip, torch.arange(7)).shape == (7, 27, 3)
    assert (corpus.fps, corpus.frame_size, corpus.name) == (30.0, (16, 16), "CSL-Daily")


def test_the_clip_that_the_list_of_splits_misprints_is_the_one_that_exists(make: Callable[..., Path]) -> None:
    root = make(content={"info": [*info_of(), {"name": "S000007_P0003_T00", "label_gloss": ["他", "谁"]}]})
    path = root / "sentence_label" / "split_1.txt"
    path.write_text(path.read_text().replace("name|split\n", "name|split\nS000005_P0004_T00|train\n"))
    assert [clip.id for clip in CslDaily(root).clips("train")] == ["S000007_P0003_T00", *list(CLIPS)[:2]]
    path.write_text(path.read_text() + "S000007_P0003_T00|train\n")
    with pytest.raises(
        ValueError, match=r"has no glosses of clip 'S000005_P0004_T00', which .*split_1\.txt puts into train"
    ):
        CslDaily(root)


def test_frames_elsewhere_have_to_be_named(make: Callable[..., Path]) -> None:
    root = make(frames="sentence_frames-512x512/frames_512x512")
    with pytest.raises(ValueError, match=r"frames can be sentence_frames-512x512/frames_512x512"):
        CslDaily(root)
    corpus = CslDaily(root, frames="sentence_frames-512x512/frames_512x512")
    assert corpus.num_frames(corpus.clips("test")[0]) == 3
    with pytest.raises(ValueError, match="give frames as null to read keypoints alone"):
        CslDaily(root / "sentence_label", annotations="stm")
    alone = CslDaily(root, frames=None)
    assert alone.num_frames(alone.clips("test")[0]) == 3
    with pytest.raises(ValueError, match="opened without its frames"):
        alone.rgb(alone.clips("test")[0], torch.tensor([0]))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], r"csl2020ct_v2\.pkl holds no list called info"),
        ({"info": {}}, "holds no list called info"),
        ({"info": [{"name": "S1"}]}, "entry 0 of info in .* lacks a text called name or a list label_gloss"),
        ({"info": [{"name": "S1", "label_gloss": ["a b"]}]}, r"clip 'S1' in .* has glosses \['a b'\]"),
        ({"info": info_of()[1:]}, r"has no glosses of clip 'S000000_P0000_T00', which .* puts into train"),
        ({"info": [*info_of(), torch.ones(1)]}, r"asks for torch\._utils\._rebuild_tensor_v2 .* it was not opened"),
    ],
)
def test_other_labels_are_refused(make: Callable[..., Path], content: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        CslDaily(make(content=content))


def test_missing_and_spoilt_files_are_named(make: Callable[..., Path]) -> None:
    root = make()
    labels = root / "sentence_label"
    split = labels / "split_1.txt"
    whole = split.read_text()
    for text, complaint in (
        (whole.replace("|dev", "|valid"), "puts clip 'S000020_P0000_T00' into the split 'valid'"),
        (whole.replace("|dev", ""), r"line 4 of .* is not name\|split"),
        (whole + "S000000_P0000_T00|dev\n", "repeats clip 'S000000_P0000_T00'"),
    ):
        split.write_text(text)
        with pytest.raises(ValueError, match=complaint):
            CslDaily(root)
    split.unlink()
    with pytest.raises(ValueError, match=r"split_1\.txt is missing"):
        CslDaily(root)
    (labels / "csl2020ct_v2.pkl").unlink()
    with pytest.raises(ValueError, match=r"csl2020ct_v2\.pkl is missing: the labels of CSL-Daily should be there"):
        CslDaily(root)
    with pytest.raises(ValueError, match=r"CSL-Daily-groundtruth-train\.stm is missing"):
        CslDaily(root, annotations="stm")
    with pytest.raises(ValueError, match="unknown annotations 'csv'"):
        CslDaily(root, annotations="csv")
    with pytest.raises(ValueError, match="there is no corpus at"):
        CslDaily(root / "nowhere")


def test_references_in_place_of_labels_are_pointed_out_and_a_clip_in_two_of_them_is_refused(
    make: Callable[..., Path],
) -> None:
    root = make(stm=True)
    with pytest.raises(ValueError, match="but there are references: set annotations to stm"):
        CslDaily(root)
    dev = root / "CSL-Daily-groundtruth-dev.stm"
    dev.write_text(dev.read_text() + (root / "CSL-Daily-groundtruth-train.stm").read_text())
    with pytest.raises(ValueError, match=r"clip 'S000000_P0000_T00' is in .*train\.stm and in .*dev\.stm"):
        CslDaily(root, annotations="stm")
