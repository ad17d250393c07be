from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slr.data import Clip, Exclusion, Phoenix2014, TemporalPlan, write_keypoints
from slr.data.phoenix2014_folder import read_annotations
from slr.skeleton import skeleton_layout

from .conftest import CLIPS, HEIGHT, STORED, WIDTH, clip_keypoints, frame_image, write_annotations, write_png

BROKEN = "13April_2011_Wednesday_tagesschau_default-14"
FRAMES = "features/fullFrame-210x260px"


def release(root: Path, shared_data: Path, ending: str) -> Path:
    manual = root / "annotations" / "manual"
    manual.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (manual / f"{split}{ending}").symlink_to(shared_data / "phoenix2014" / f"{split}{ending}")
    return root


@pytest.mark.shared
def test_the_real_multisigner_annotations_have_the_known_counts(tmp_path: Path, shared_data: Path) -> None:
    release(tmp_path / "phoenix-2014-multisigner", shared_data, ".corpus.csv")
    corpus = Phoenix2014(tmp_path, features=None)
    assert {split: len(corpus.clips(split)) for split in ("train", "dev", "test")} == {
        "train": 5672 - 1,
        "dev": 540,
        "test": 629,
    }
    assert [(left_out.clip, left_out.split) for left_out in corpus.excluded] == [(BROKEN, "train")]
    assert len(corpus.vocabulary("train").glosses) == 1231
    assert len(corpus.vocabulary("union").glosses) == 1295
    assert len({clip.signer for split in ("train", "dev", "test") for clip in corpus.clips(split)}) == 9
    assert corpus.fps == 25.0
    assert "PHOENIX" in corpus.name
    for split in ("train", "dev", "test"):
        table = (shared_data / "phoenix2014" / f"{split}.tsv").read_text().splitlines()[1:]
        expected = {row.split("\t")[0]: tuple(row.split("\t")[3].split()) for row in table}
        assert {clip.id: clip.glosses for clip in corpus.clips(split)} == expected


@pytest.mark.shared
def test_the_real_si5_annotations_are_read_without_a_header(tmp_path: Path, shared_data: Path) -> None:
    release(tmp_path / "phoenix-2014-signerindependent-SI5", shared_data, ".SI5.corpus.csv")
    corpus = Phoenix2014(tmp_path, setup="si5", features=None)
    # Signer 5 of the multi-signer release: 111 of its 540 dev and 180 of its 629 test clips.
    assert {split: len(corpus.clips(split)) for split in ("train", "dev", "test")} == {
        "train": 4376 - 1,
        "dev": 111,
        "test": 180,
    }
    assert "Signer05" not in {clip.signer for clip in corpus.clips("train")}
    assert {clip.signer for split in ("dev", "test") for clip in corpus.clips(split)} == {"Signer05"}
    assert [left_out.clip for left_out in corpus.excluded] == [BROKEN]


def test_frames_are_read_by_number_in_order_with_repeats(tiny: Phoenix2014) -> None:
    clip = tiny.clips("train")[1]
    frames = torch.tensor([13, 0, 0, 5])
    video = tiny.rgb(clip, frames)
    assert video.dtype == torch.uint8
    assert torch.equal(video, torch.stack([frame_image(frame) for frame in frames.tolist()]))


def test_frame_numbers_without_leading_zeros_are_ordered_as_numbers(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny()
    folder = root / FRAMES / "train" / "monday-1" / "1"
    for number, image in enumerate(sorted(folder.iterdir())):
        image.rename(folder / f"{number}.png")
    corpus = Phoenix2014(root)
    video = corpus.rgb(corpus.clips("train")[1], torch.arange(14))
    assert video[:, 0, 0, 0].tolist() == [10 * frame for frame in range(14)]


def test_files_that_are_no_frames_are_ignored(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny()
    (root / FRAMES / "train" / "monday-0" / "1" / "Thumbs.db").write_bytes(b"")
    corpus = Phoenix2014(root)
    assert corpus.num_frames(corpus.clips("train")[0]) == 9


def test_keypoints_come_in_the_layout_asked_for(tiny_root: Path) -> None:
    corpus = Phoenix2014(tiny_root, layout="sign-27")
    clip = corpus.clips("dev")[0]
    pose = corpus.pose(clip, torch.tensor([3, 3, 7]))
    assert pose.dtype == torch.float32
    assert pose.shape == (3, 27, 3)
    stored = skeleton_layout(STORED)
    expected = clip_keypoints(8)[[3, 3, 7]]
    for place, joint in enumerate(corpus.layout.joints):
        assert torch.equal(pose[:, place], expected[:, stored.index(joint)])


def test_keypoints_found_in_resized_frames_are_scaled_to_ours(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny()
    keypoints = clip_keypoints(8)
    keypoints[0, 0] = torch.tensor([-0.5, 2 * HEIGHT - 0.5, 1.0])
    path = root / "keypoints" / "dev.safetensors"
    write_keypoints(path, {"tuesday-0": keypoints}, layout=STORED, size=(4 * WIDTH, 2 * HEIGHT))
    corpus = Phoenix2014(root, layout=STORED)
    pose = corpus.pose(corpus.clips("dev")[0], torch.arange(8))
    # The edges of the one frame are the edges of the other.
    assert torch.allclose(pose[0, 0], torch.tensor([-0.5, HEIGHT - 0.5, 1.0]))
    assert torch.allclose(pose[1, 8, :2], torch.tensor([(1 + 0.5) / 4 - 0.5, (0.5 + 0.5) / 2 - 0.5]))
    assert torch.equal(pose[0, 105], torch.zeros(3))


def test_a_corpus_without_frames_lives_on_its_keypoints(make_tiny: Callable[..., Path]) -> None:
    corpus = Phoenix2014(make_tiny(frames=False), features=None)
    clip = corpus.clips("train")[1]
    assert corpus.num_frames(clip) == 14
    assert corpus.frame_size == (WIDTH, HEIGHT)
    assert corpus.pose(clip, torch.arange(14)).shape == (14, 27, 3)
    with pytest.raises(ValueError, match="opened without its frames"):
        corpus.rgb(clip, torch.tensor([0]))


def test_a_corpus_without_keypoints_lives_on_its_frames(make_tiny: Callable[..., Path]) -> None:
    corpus = Phoenix2014(make_tiny(keypoints=False))
    clip = corpus.clips("train")[0]
    assert corpus.rgb(clip, torch.tensor([1])).shape == (1, 3, HEIGHT, WIDTH)
    with pytest.raises(ValueError, match=r"there are no keypoints at .*keypoints: run a keypoint estimator"):
        corpus.pose(clip, torch.tensor([1]))


def test_keypoint_folders_are_found_below_the_root_or_by_their_own_path(
    make_tiny: Callable[..., Path], tmp_path: Path
) -> None:
    root = make_tiny()
    (root / "keypoints").rename(root / "hidden")
    shutil.copytree(root / "hidden", root / "keypoints" / "high")
    for folder in ("hidden", str(root / "hidden"), "keypoints/high"):
        corpus = Phoenix2014(root, keypoints=folder)
        assert corpus.pose(corpus.clips("dev")[0], torch.tensor([0])).shape == (1, 27, 3)
    with pytest.raises(ValueError, match="no folder of keypoints elsewhere"):
        Phoenix2014(root, keypoints="elsewhere")


def test_the_only_set_of_keypoints_is_found_and_named_and_of_several_one_has_to_be_chosen(
    make_tiny: Callable[..., Path],
) -> None:
    root = make_tiny()
    plain = Phoenix2014(root)
    (root / "keypoints").rename(root / "high")
    (root / "keypoints").mkdir()
    (root / "keypoints" / "notes").mkdir()  # a folder without stores is none of them
    assert Phoenix2014(root).name == plain.name
    (root / "high").rename(root / "keypoints" / "high")
    corpus = Phoenix2014(root)
    assert corpus.name == f"{plain.name}, keypoints high"
    clip = corpus.clips("dev")[0]
    assert torch.equal(
        corpus.pose(clip, torch.arange(8)), Phoenix2014(root, keypoints="keypoints/high").pose(clip, torch.arange(8))
    )
    shutil.copytree(root / "keypoints" / "high", root / "keypoints" / "low")
    with pytest.raises(ValueError, match=r"several sets of keypoints, high, low: name .*data\.corpus\.keypoints"):
        Phoenix2014(root)
    assert Phoenix2014(root, keypoints="keypoints/low").name == f"{plain.name}, keypoints low"


def test_a_card_renames_the_corpus_so_that_simulated_data_show(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny(frames=False)
    card = {"name": "simulated corpus (tiny, seed 0)", "fps": 12.5, "frame_size": [64, 48], "simulated": True}
    (root / "CORPUS.json").write_text(json.dumps(card))
    corpus = Phoenix2014(root, features=None)
    assert corpus.name == "simulated corpus (tiny, seed 0)"
    assert corpus.fps == 12.5
    assert corpus.frame_size == (64, 48)


@pytest.mark.parametrize(
    ("card", "complaint"),
    [
        ("{", "no readable JSON"),
        ("[]", "does not name the corpus"),
        ('{"name": " "}', "does not name the corpus"),
        ('{"name": "x", "fps": 0}', "must be a number above 0"),
        ('{"name": "x", "frame_size": [1]}', r"must be \[width, height\]"),
    ],
)
def test_a_spoilt_card_is_refused(make_tiny: Callable[..., Path], card: str, complaint: str) -> None:
    root = make_tiny(frames=False)
    (root / "CORPUS.json").write_text(card)
    with pytest.raises(ValueError, match=complaint):
        Phoenix2014(root, features=None)


def test_the_broken_clip_is_left_out_and_said_so(tmp_path: Path) -> None:
    clips = {**CLIPS, BROKEN: ("train", "Signer07", "WOLKE", 1)}
    write_annotations(tmp_path / "annotations" / "manual", clips)
    corpus = Phoenix2014(tmp_path, features=None)
    assert BROKEN not in {clip.id for clip in corpus.clips("train")}
    assert corpus.excluded == (Exclusion(BROKEN, "train", "the release has no usable recording of it"),)
    assert "WOLKE" not in corpus.vocabulary()
    (tmp_path / "CORPUS.json").write_text('{"name": "simulated"}')
    assert BROKEN in {clip.id for clip in Phoenix2014(tmp_path, features=None).clips("train")}


def test_training_clips_can_be_excluded_by_name_and_no_others(tiny_root: Path) -> None:
    corpus = Phoenix2014(tiny_root, exclude=["monday-1", "monday-1"])
    assert [clip.id for clip in corpus.clips("train")] == ["monday-0", "monday-2"]
    assert corpus.excluded == (Exclusion("monday-1", "train", "named in exclude"),)
    for clip in ("tuesday-0", "monday-9"):
        with pytest.raises(ValueError, match=f"clip '{clip}' cannot be excluded, it is no training clip"):
            Phoenix2014(tiny_root, exclude=[clip])


@pytest.mark.parametrize("below", [".", "phoenix-2014-multisigner", "phoenix2014-release/phoenix-2014-multisigner"])
def test_the_root_may_be_the_release_or_the_folder_in_it(tmp_path: Path, below: str) -> None:
    write_annotations(tmp_path / below / "annotations" / "manual", CLIPS)
    assert len(Phoenix2014(tmp_path, features=None).clips("train")) == 3


def test_a_missing_root_or_annotation_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no corpus at"):
        Phoenix2014(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is no Phoenix-2014 release"):
        Phoenix2014(tmp_path)
    write_annotations(tmp_path / "annotations" / "manual", CLIPS)
    with pytest.raises(ValueError, match=r"annotation file .*train\.SI5\.corpus\.csv is missing"):
        Phoenix2014(tmp_path, setup="si5", features=None)
    (tmp_path / "annotations" / "manual" / "test.corpus.csv").unlink()
    with pytest.raises(ValueError, match=r"annotation file .*test\.corpus\.csv is missing"):
        Phoenix2014(tmp_path, features=None)
    with pytest.raises(ValueError, match="unknown set-up 'multi'"):
        Phoenix2014(tmp_path, setup="multi")


def test_a_missing_folder_of_features_names_those_that_are_there(tiny_root: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"fullFrame-256x256px is missing: features can be fullFrame-210x260px"):
        Phoenix2014(tiny_root, features="fullFrame-256x256px")
    write_annotations(tmp_path / "annotations" / "manual", CLIPS)
    with pytest.raises(ValueError, match="give features as null to read keypoints alone"):
        Phoenix2014(tmp_path)


def test_missing_frames_name_the_clip_the_place_and_the_likely_layout(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny(keypoints=False)
    corpus = Phoenix2014(root)
    clip = corpus.clips("train")[0]
    folder = root / FRAMES / "train" / "monday-0"
    for image in (folder / "1").iterdir():
        image.rename(folder / image.name)
    with pytest.raises(
        ValueError, match=r"no frames of clip 'monday-0' at .*/1/\*\.png: frames lie in .*monday-0 itself"
    ):
        corpus.num_frames(clip)
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match=r"the folder .*monday-0 is missing"):
        corpus.num_frames(clip)
    (folder / "1").mkdir(parents=True)
    with pytest.raises(ValueError, match="is there but holds none"):
        corpus.num_frames(clip)
    shutil.rmtree(root / FRAMES / "train")
    with pytest.raises(ValueError, match=r"the folder .*train is missing"):
        corpus.num_frames(clip)


def test_frames_that_cannot_be_decoded_or_differ_in_size_are_named(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny(keypoints=False)
    corpus = Phoenix2014(root)
    clip = corpus.clips("train")[2]
    folder = root / FRAMES / "train" / "monday-2" / "1"
    images = sorted(folder.iterdir())
    images[3].write_bytes(images[3].read_bytes()[:40])
    with pytest.raises(ValueError, match=r"frame .*fn000003.* of clip 'monday-2' cannot be decoded"):
        corpus.rgb(clip, torch.arange(6))
    write_png(torch.zeros(3, HEIGHT, WIDTH + 1, dtype=torch.uint8), images[3])
    with pytest.raises(ValueError, match=r"has 21x24 pixels and the first one 20x24"):
        corpus.rgb(clip, torch.arange(6))
    for image in images:
        write_png(torch.zeros(3, HEIGHT, WIDTH + 1, dtype=torch.uint8), image)
    with pytest.raises(ValueError, match=r"frames of clip 'monday-2' have 21x24 pixels and those of .* 20x24"):
        corpus.rgb(clip, torch.arange(6))


def test_more_images_than_keypoint_frames_is_a_fault(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny()
    write_png(frame_image(9), root / FRAMES / "dev" / "tuesday-0" / "1" / "clip.avi_pid0_fn000009-0.png")
    corpus = Phoenix2014(root)
    with pytest.raises(ValueError, match=r"clip 'tuesday-0' has 9 images and 8 frames of keypoints"):
        corpus.pose(corpus.clips("dev")[0], torch.tensor([0]))


def test_a_store_of_another_skeleton_is_a_fault(make_tiny: Callable[..., Path]) -> None:
    root = make_tiny(frames=False)
    path = root / "keypoints" / "dev.safetensors"
    write_keypoints(path, {"tuesday-0": torch.ones(8, 25, 3)}, layout="ntu-25", size=(WIDTH, HEIGHT))
    corpus = Phoenix2014(root, features=None)
    with pytest.raises(ValueError, match="'sign-27' cannot be picked from 'ntu-25'"):
        corpus.pose(corpus.clips("dev")[0], torch.tensor([0]))


def test_fingerprints_follow_the_content_and_not_the_place(make_tiny: Callable[..., Path], tmp_path: Path) -> None:
    root = make_tiny()
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    here, there = Phoenix2014(root), Phoenix2014(copy)
    clip = here.clips("train")[0]
    assert here.fingerprint(clip) == there.fingerprint(clip)
    assert here.fingerprint(clip, "pose") == there.fingerprint(clip, "pose")
    assert len({here.fingerprint(clip), here.fingerprint(clip, "pose"), here.fingerprint(here.clips("train")[1])}) == 3
    image = sorted((copy / FRAMES / "train" / "monday-0" / "1").iterdir())[4]
    changed = frame_image(4)
    changed[:, 0, 0] = 255
    write_png(changed, image)
    assert here.fingerprint(clip) != there.fingerprint(clip)
    keypoints = clip_keypoints(9)
    keypoints[5, 0, 0] += 1
    store = {name: clip_keypoints(CLIPS[name][3]) for name in ("monday-1", "monday-2")}
    path = copy / "keypoints" / "train.safetensors"
    write_keypoints(path, {**store, "monday-0": keypoints}, layout=STORED, size=(WIDTH, HEIGHT))
    assert here.fingerprint(clip, "pose") != Phoenix2014(copy).fingerprint(clip, "pose")
    with pytest.raises(ValueError, match="unknown stream 'audio'"):
        here.fingerprint(clip, "audio")


def test_unknown_splits_are_refused(tiny: Phoenix2014) -> None:
    with pytest.raises(ValueError, match="unknown split 'valid'"):
        tiny.clips("valid")


WORD = st.text(
    st.characters(codec="utf-8", exclude_characters="|", exclude_categories=("C", "Z")), min_size=1, max_size=8
)


@given(
    rows=st.lists(
        st.tuples(WORD, WORD, WORD, st.lists(WORD, max_size=4)), min_size=1, max_size=6, unique_by=lambda row: row[0]
    ),
    header=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
    gap=st.sampled_from([" ", "  "]),
)
def test_annotations_written_as_rows_are_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str, list[str]]],
    header: bool,
    ending: str,
    gap: str,
) -> None:
    path = tmp_path_factory.mktemp("csv") / "train.corpus.csv"
    lines = ["id|folder|signer|annotation"] * header + ["|".join((*row[:3], gap.join(row[3]))) for row in rows]
    path.write_bytes(ending.join([*lines, ""]).encode())
    expected = [Clip(clip, "train", signer, tuple(glosses), folder) for clip, folder, signer, glosses in rows]
    assert read_annotations(path, "train") == expected


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a|a/1/*.png|S|X\nb|b/1/*.png|S\n", r"line 2 of .* is not id\|folder\|signer\|annotation: .b\|b/1"),
        (b"a|a/1/*.png|S|X\n\na|a/1/*.png|S|Y\n", "line 3 of .* repeats clip 'a'"),
        (b"|a/1/*.png|S|X\n", "line 1 of"),
        (b"id|folder|signer|annotation\n", "lists no clip"),
        (b"a|a/1/*.png|S|\xdcBER\n", r"is not UTF-8 text \(byte 14\)"),
    ],
)
def test_malformed_annotations_are_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "train.corpus.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        read_annotations(path, "train")


def test_the_plan_of_a_clip_reads_no_more_frames_than_it_shows(
    tiny: Phoenix2014, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    original = Phoenix2014.rgb.__globals__["decode_frames"]

    def spy(paths: list[Path], clip: str) -> torch.Tensor:
        decoded.extend(path.name for path in paths)
        return original(paths, clip)

    assert tiny.frame_size == (WIDTH, HEIGHT)
    monkeypatch.setitem(Phoenix2014.rgb.__globals__, "decode_frames", spy)
    tiny.rgb(tiny.clips("train")[1], TemporalPlan(stride=5).draw(14))
    assert [int(name[-10:-6].strip("-")) for name in decoded] == [0, 5, 10]
