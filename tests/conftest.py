"""What every test may use: one thread pair, a fixed seed, and the recordings that do not come with the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from slr.synthesis import SimulatedSpec, write_corpus

ROOT = Path(__file__).resolve().parent.parent
# How long an example takes says nothing where other work shares the machine.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def is_whole(config: pytest.Config) -> bool:
    """Whether pytest was called for the suite and not for files or folders of it."""
    return config.args == [str(ROOT / "tests")] or config.args == config.getini("testpaths")


def pytest_configure(config: pytest.Config) -> None:
    """The whole suite leaves slow tests to ``pytest -m slow``; where tests are named, by -k too, none is left out."""
    if is_whole(config) and not config.option.keyword:
        config.option.markexpr = config.option.markexpr or "not slow"


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Processes for the whole suite: one per core, four at most; tests that are named run in this process."""
    return min(4, os.cpu_count() or 1) if is_whole(config) else 0


@pytest.fixture(autouse=True)
def _repeatable() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def simulated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root (``data.root``) with the tiny simulated corpus below it, which no test may change."""
    root = tmp_path_factory.mktemp("simulated")
    spec = SimulatedSpec(profile="tiny")
    write_corpus(root / spec.folder, spec, "very-high", workers=1)
    return root


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and annotations; skips where it is absent."""
    folder = Path(os.environ.get("SLR_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real recordings are not part of the project and {folder} does not exist")
    return folder
