"""Tiny corpora laid out like Phoenix-2014, whose frames and keypoints tell who they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from slr.data import Phoenix2014, write_keypoints

WIDTH, HEIGHT = 20, 24
STORED = "coco-wholebody-133"

# id -> (split, signer, glosses, frames)
CLIPS: dict[str, tuple[str, str, str, int]] = {
    "monday-0": ("train", "Signer01", "REGEN SONNE", 9),
    "monday-1": ("train", "Signer02", "SONNE  SONNE WIND", 14),
    "monday-2": ("train", "Signer01", "WIND", 6),
    "tuesday-0": ("dev", "Signer01", "SONNE SCHNEE", 8),
    "tuesday-1": ("test", "Signer02", "REGEN HAGEL", 7),
}


def frame_image(frame: int) -> Tensor:
    """Red tells the frame, green the column, blue the row."""
    image = torch.zeros(3, HEIGHT, WIDTH, dtype=torch.uint8)
    image[0] = frame * 10
    image[1] = torch.arange(WIDTH) * 12
    image[2] = (torch.arange(HEIGHT) * 10)[:, None]
    return image


def clip_keypoints(num_frames: int, joints: int = 133) -> Tensor:
    """x tells the joint, y the frame; some joints are missing in some frames, never a shoulder."""
    keypoints = torch.zeros(num_frames, joints, 3)
    keypoints[..., 0] = torch.arange(joints) / 8
    keypoints[..., 1] = torch.arange(num_frames)[:, None] / 2
    keypoints[..., 2] = 0.75
    keypoints[::3, 100:110] = 0
    return keypoints


def write_png(image: Tensor, path: Path) -> None:
    """An uint8 ``[3, H, W]`` image as a file."""
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(path, compress_level=1)


def write_frames(folder: Path, num_frames: int) -> None:
    folder.mkdir(parents=True)
    for frame in range(num_frames):
        write_png(frame_image(frame), folder / f"clip.avi_pid0_fn{frame:06d}-0.png")


def write_annotations(
    folder: Path, clips: Mapping[str, tuple[str, str, str, int]], ending: str = ".corpus.csv"
) -> None:
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        rows = ["id|folder|signer|annotation"]
        rows += [f"{name}|{name}/1/*.png|{c[1]}|{c[2]}" for name, c in clips.items() if c[0] == split]
        (folder / f"{split}{ending}").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_tiny(root: Path, *, frames: bool = True, keypoints: bool = True) -> Path:
    write_annotations(root / "annotations" / "manual", CLIPS)
    for split in ("train", "dev", "test"):
        of_split = {name: clip[3] for name, clip in CLIPS.items() if clip[0] == split}
        for name, length in of_split.items() if frames else ():
            write_frames(root / "features" / "fullFrame-210x260px" / split / name / "1", length)
        if keypoints:
            store = {name: clip_keypoints(length) for name, length in of_split.items()}
            path = root / "keypoints" / f"{split}.safetensors"
            write_keypoints(path, store, layout=STORED, size=(WIDTH, HEIGHT))
    return root


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete tiny release that no test may change."""
    return write_tiny(tmp_path_factory.mktemp("phoenix"))


@pytest.fixture
def tiny(tiny_root: Path) -> Phoenix2014:
    return Phoenix2014(tiny_root)


@pytest.fixture
def make_tiny(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tiny release that the test may spoil."""
    return lambda **what: write_tiny(tmp_path / "release", **what)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
