"""Made corpora small enough for tests, and a file of recordings that a person could have drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slr.synthesis.corpus import SimulatedClips, SimulatedSpec
from slr.synthesis.folder import write_corpus
from slr.synthesis.profiles import PROFILES, Profile

MINI = Profile(
    glosses=6,
    minimal_pairs={"handshape": 1, "mouth": 1},
    signers=2,
    sentences={"train": 3, "dev": 1, "test": 2},
    length=(2, 2),
    frame_size=(30, 37),
)
GLOSSES = ("book", "drink", "go")


@pytest.fixture(scope="session", autouse=True)
def _mini_profile() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROFILES, "mini", MINI)
        yield


def mini(seed: int = 0) -> SimulatedSpec:
    """The specification of six clips."""
    return SimulatedSpec("mini", seed)


@pytest.fixture(scope="session")
def small() -> SimulatedClips:
    """The clips of the profile "small", seed 0."""
    return SimulatedSpec("small").open()


@pytest.fixture(scope="session")
def mini_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile "mini" on disk, with keypoints of level "high"; to be read only."""
    return write_corpus(tmp_path_factory.mktemp("mini") / "corpus", mini(), "high", workers=1)


def recorded_rows(frames: int, generator: np.random.Generator) -> np.ndarray:
    """One clip ``[30, 170]``: a still body whose hands wander, zero after ``frames``; the left hand is seen at times.

    The shoulders are 0.2 of the width apart, so at 4:3 a shoulder half-width is 0.1333 of the height.
    """
    pose = np.zeros((30, 11, 4), np.float32)
    pose[:, :, 3] = 0.9
    pose[:, 0, :2] = 0.5, 0.25
    pose[:, 1:7, :2] = (0.6, 0.4), (0.4, 0.4), (0.64, 0.58), (0.36, 0.58), (0.62, 0.74), (0.38, 0.74)
    wander = np.cumsum(generator.normal(0, 0.01, (30, 2, 2)), axis=0)
    pose[:, 5:7, :2] += wander
    hands = np.zeros((30, 2, 21, 3), np.float32)
    hands[..., :2] = pose[:, 5:7, None, :2] + generator.normal(0, 0.02, (2, 21, 2))
    hands[:, :, 0, :2] = pose[:, 5:7, :2]
    hands[..., 2] = generator.normal(0, 0.01, (2, 21))
    hands[generator.random(30) < 0.4, 0] = 0
    rows = np.concatenate([pose.reshape(30, 44), hands.reshape(30, 126)], axis=1)
    rows[frames:] = 0
    return rows.astype(np.float32)


def write_recordings(path: Path, **changed: np.ndarray) -> Path:
    """Four clips of each of three glosses as a WLASL-50 file, with some arrays ``changed``."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(6, 13, 4 * len(GLOSSES))
    arrays: dict[str, Any] = {
        "x": np.stack([recorded_rows(length, generator) for length in lengths]),
        "label": np.repeat(np.arange(len(GLOSSES)), 4),
        "n_frames": lengths,
        "classes": np.array(GLOSSES),
    }
    np.savez(path, **{**arrays, **changed})
    return path


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WLASL-50 keypoint file of twelve made-up clips."""
    return write_recordings(tmp_path_factory.mktemp("recordings") / "signs.npz")
