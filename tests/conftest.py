"""What every test may use: one thread pair, a fixed seed, and the recordings that do not come with the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(2)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and annotations; skips where it is absent."""
    folder = Path(os.environ.get("SLR_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real recordings are not part of the project and {folder} does not exist")
    return folder
