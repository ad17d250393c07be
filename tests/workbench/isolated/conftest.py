from __future__ import annotations

from pathlib import Path

import pytest

from tests.workbench.running import here

from .waving import waving_config, waving_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return waving_store(tmp_path_factory.mktemp("waving"))


@pytest.fixture(scope="session")
def run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; what tests add to it are files of other names."""
    folder = tmp_path_factory.mktemp("run")
    done = here("train", waving_config(folder, store), "--out", folder / "runs")
    assert done.code == 0, done.err
    assert "waving (made up)" in done.out
    return done.folder
