"""A network that reads frames teaches one that reads keypoints, on clips of which both are at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from slr.data import RgbPipeline
from slr.data.isolated import FrameFolders, IsolatedDataset, IsolatedStore, Mirror, RgbView, StoredCorpus
from slr.data.isolated import SampleWithReplacement as Resample
from tests.workbench.running import Done, here, read_json
from workbench.checkpoint import read_card

from .test_distill import STUDENT, config, stages
from .waving import waving_config

SIZE = (16, 20)  # width and height in pixels
TEACHER: dict[str, Any] = {
    "_target_": "teachers.CNN2DCNN1D", "channels": [4, 6], "frame_width": 8, "width": 8, "hidden": 4,
    "recurrent_layers": 1, "temporal_layers": "K3-P2", "dropout": 0.0,
}  # fmt: skip
LOSSES: dict[str, Any] = {
    "dkd": {"weight": 0.5, "loss": {"_target_": "kd.losses.ClassDKD"}},
    "hint": {"weight": 1, "loss": {"_target_": "kd.losses.FitNet", "tap": "pooled"}},
    "crd": {
        "weight": 1,
        "loss": {
            "_target_": "kd.losses.CRD", "tap": "pooled", "width": 4, "exclude_same_gloss": False,
            "exclude_neighbours": 0,
        },
    },
}  # fmt: skip


def draw(clip: np.ndarray, frame: int) -> Image.Image:
    """Two hands as bright bars, as high as they are; the number of the frame in the first pixel."""
    pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for hand, column in ((3, 3), (4, 11)):
        row = int(np.clip(10 - 6 * clip[frame, 0, hand, 1], 0, SIZE[1] - 3))
        pixels[row : row + 3, column : column + 3] = 255
    pixels[0, 0] = frame
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def frames(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of all clips of the store, a folder of images for each."""
    root, clips = tmp_path_factory.mktemp("frames"), IsolatedStore(store)
    for index in range(len(clips)):
        folder = root / clips.row(index).id
        folder.mkdir()
        clip = clips.read(index)
        for frame in range(len(clip)):
            draw(clip, frame).save(folder / f"{frame}.png")
    return root


def node(frames: Path, **settings: Any) -> dict[str, Any]:
    return {"_target_": "slr.data.isolated.FrameFolders", "root": str(frames), "size": list(SIZE), **settings}


def cross(folder: Path, store: Path, frames: Path, network: dict[str, Any], **changes: Any) -> Path:
    path = config(
        folder,
        store,
        teacher={"network": network, "stages": stages(12), **changes},
        assistants=[],
        student={"network": STUDENT, "stages": stages(2)},
        distillation={"losses": LOSSES},
    )
    text = path.read_text()
    assert "data:\n" in text
    path.write_text(text.replace("data:\n", f"data:\n  frames: {json.dumps(node(frames))}\n", 1))
    return path


@pytest.fixture(scope="module")
def run(store: Path, frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("cross")
    done = here("distill", cross(folder, store, frames, TEACHER), "--out", folder / "runs")
    assert done.code == 0, done.err
    return done


def test_a_network_of_frames_teaches_one_of_keypoints(run: Done) -> None:
    result = read_json(run.folder / "result.json")
    assert result["teacher"]["name"] == "CNN2DCNN1D"
    assert result["student"]["name"] == "LightDKEGCN"
    assert result["teacher"]["train"]["top1"] > 0.6, "what is waved can be seen"
    rows = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    distilled = [row for row in rows if row["network"] == "student"]
    assert set(distilled[-1]["terms"]) == {"ce", *LOSSES}
    assert all(distilled[-1]["terms"][name] > 0 for name in LOSSES)


def test_cards_say_what_a_network_reads(run: Done) -> None:
    assert read_card(run.folder / "teacher").preprocessing["rgb"]["crop"] is None
    assert "rgb" not in read_card(run.folder / "student").preprocessing


@pytest.mark.slow
def test_a_teacher_that_reads_frames_is_evaluated_and_teaches_from_its_checkpoint_or_its_scores(
    run: Done, store: Path, frames: Path, tmp_path: Path
) -> None:
    told = {}
    for split in ("train", "test"):
        done = here("evaluate", run.folder, "--network", "teacher", "--split", split)
        assert done.code == 0, done.err
        told[split] = str(done.folder)
    path = cross(tmp_path, store, frames, TEACHER)
    words = ["student.stages.classes.epochs=1", "run.name=again"]
    loaded = here(
        "distill", path, *words, f"teacher={{checkpoint: {run.folder / 'teacher'}}}", "--out", tmp_path / "runs"
    )
    assert loaded.code == 0, loaded.err
    scores = [*words, f"teacher={{scores: {json.dumps(told)}}}", "distillation.losses.hint=null"]
    known = here(
        "distill", path, *scores, "distillation.losses.crd=null", "data.frames=null", "--out", tmp_path / "two"
    )
    assert known.code == 0, known.err
    first = read_json(run.folder / "result.json")["teacher"]["test"]
    assert read_json(loaded.folder / "result.json")["teacher"]["test"] == first
    assert read_json(known.folder / "result.json")["teacher"]["test"] == first


def test_i3d_teaches_too_and_need_not_be_asked_in_every_step(store: Path, frames: Path, tmp_path: Path) -> None:
    network = {"_target_": "teachers.I3D", "width_multiplier": 1 / 64, "dropout": 0.0}
    path = cross(tmp_path, store, frames, network, live=False)
    words = ["teacher.stages.classes.epochs=1", "student.stages.classes.epochs=1"]
    words += ["distillation.losses.hint=null", "distillation.losses.crd=null"]
    done = here("distill", path, *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    assert read_json(done.folder / "result.json")["teacher"]["name"] == "I3D"


def test_frames_are_augmented_in_training(store: Path, frames: Path, tmp_path: Path) -> None:
    """Testing draws nothing, so only a training step asks the augmentations."""
    words = [f"data.frames={json.dumps(node(frames))}", f"network={json.dumps(TEACHER)}", "stages.0.epochs=1"]
    shift = {"_target_": "slr.data.ShiftFrames", "pixels": 2}
    words.append(f"data.rgb={json.dumps({'augment': [shift]})}")
    done = here("train", waving_config(tmp_path, store), *words, "--out", tmp_path / "runs")
    assert done.code == 0, done.err


def view(frames: Path, **settings: Any) -> RgbView:
    return RgbView(FrameFolders(frames, SIZE, **settings), RgbPipeline())


@pytest.mark.parametrize("cache_mb", [0, 1])
def test_frames_are_those_that_the_skeleton_shows_and_mirrored_with_it(
    store: Path, frames: Path, cache_mb: float
) -> None:
    corpus = StoredCorpus(store)
    pipeline = [Mirror(probability=0.5), Resample(length=6)]
    dataset = IsolatedDataset(corpus, "train", pipeline, training=True, rgb=view(frames, cache_mb=cache_mb))
    flipped = set()
    for index in range(len(dataset)):
        sample = dataset[index]
        flipped.add(sample.flipped)
        assert sample.rgb is not None
        assert sample.rgb.shape == (6, 3, SIZE[1], SIZE[0])
        corner = sample.rgb[:, 0, 0, -1 if sample.flipped else 0]
        assert torch.allclose(corner, sample.frames / 127.5 - 1, atol=1e-5)
    assert flipped == {True, False}
    batch = dataset.collate([dataset[0], dataset[1]])
    assert batch.stream("rgb").values.shape == (2, 6, 3, SIZE[1], SIZE[0])
    assert IsolatedDataset(corpus, "train", pipeline)[0].rgb is None


def test_what_is_wrong_with_frames_is_told(store: Path, frames: Path, tmp_path: Path) -> None:
    def says(*words: str, path: Path | None = None) -> str:
        path = path or cross(tmp_path, store, frames, TEACHER)
        done = here("distill", path, *words, "--out", tmp_path / "runs")
        assert done.code == 2, done.err
        return done.err

    assert "there is no folder nowhere" in says("data.frames.root=nowhere")
    assert "is the same for every clip: write ID" in says("data.frames.pattern=clip/*.png")
    assert "have 16x20 pixels, and data.frames.size says 16x16" in says("data.frames.size=[16, 16]")
    assert "no frames of clip" in says("data.frames.pattern=ID/*.jpg")
    mixup = "student.stages.classes.mixup={_target_: slr.data.isolated.MixUp}"
    assert "mixes skeletons, and not the frames beside them" in says(mixup)
    assert "does not say where there are any" in says("data.frames=null", "data.rgb={crop: 8}")
    assert "it is no slr.data.isolated.frames.ClipFrames" in says("data.frames={_target_: slr.data.isolated.MixUp}")
    short = tmp_path / "short"
    short.mkdir()
    for folder in frames.iterdir():
        (short / folder.name).mkdir()
        (short / folder.name / "0.png").write_bytes((folder / "0.png").read_bytes())
    assert "has 1 images below" in says(f"data.frames.root={short}")
    done = here("train", waving_config(tmp_path, store), "network={_target_: teachers.I3D}", "--out", tmp_path / "runs")
    assert "say in data.frames where they are" in done.err


def test_the_hash_of_frames_changes_with_them(frames: Path, tmp_path: Path) -> None:
    first = FrameFolders(frames, SIZE).contents()
    assert FrameFolders(frames, SIZE).contents() == first
    copied = tmp_path / "copied"
    (copied / "one").mkdir(parents=True)
    assert FrameFolders(copied, SIZE).contents() != first


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [("VIDEO/ID/*.png", "VIDEO/one"), ("ID_ID/*.png", "one_one"), ("a-ID.d/1/*.png", "a-one.d/1")],
)
def test_an_id_stands_where_it_is_no_part_of_a_word(tmp_path: Path, pattern: str, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    Image.new("RGB", SIZE, (9, 9, 9)).save(tmp_path / folder / "0.png")
    found = FrameFolders(tmp_path, SIZE, pattern)
    assert found.read("one", torch.tensor([0])).unique().tolist() == [9]
    with pytest.raises(ValueError, match="is the same for every clip: write ID where the id stands"):
        FrameFolders(tmp_path, SIZE, "VIDEO/*.png")
