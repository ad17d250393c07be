from __future__ import annotations

from pathlib import Path

import pytest

from slr.data.isolated import IsolatedStore
from tests.slr.data.isolated.test_nw_ucla import NAMES, written
from tests.slr.data.isolated.test_wlasl50 import written as written_wlasl50
from tests.workbench.running import here, snapshot


def test_a_store_is_made_once_and_described(tmp_path: Path) -> None:
    source, out = written(tmp_path / "clips", *NAMES), tmp_path / "nw-ucla"
    made = here("prepare", "nw-ucla", source, "--incomplete", "--out", out)
    assert made.code == 0, made.err
    assert made.folder == out
    assert "NW-UCLA: 3 clips of 10 classes, 9 frames (3 to 3), kinect-20, x, y, z" in made.err
    assert "cross-view: 2 train, 1 test" in made.err
    assert len(IsolatedStore(out)) == 3
    before = snapshot(out)
    again = here("prepare", "nw-ucla", tmp_path / "gone", "--out", out)
    assert (again.code, again.folder) == (0, out)
    assert "is there already" in again.err
    assert snapshot(out) == before


def test_wlasl50_becomes_five_folds(tmp_path: Path) -> None:
    made = here(
        "prepare", "wlasl50", written_wlasl50(tmp_path / "x.npz"), "--out", tmp_path / "out", "--dtype", "float16"
    )
    assert made.code == 0, made.err
    assert set(IsolatedStore(tmp_path / "out").splits) == {f"fold-{number}" for number in range(5)}


@pytest.mark.parametrize("words", [["nw-ucla", "nowhere"], ["nw-ucla", "clips"], ["wlasl50", "nowhere.npz"]])
def test_a_source_that_is_missing_or_incomplete_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "clips", *NAMES)
    done = here("prepare", *words, "--out", "out")
    assert done.code == 2
    assert words[1] in done.sentence
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


def test_another_thing_at_the_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = here("prepare", "nw-ucla", written(tmp_path / "clips", *NAMES), "--incomplete", "--out", tmp_path / "out")
    assert done.code == 2
    assert "there is no store of isolated clips" in done.sentence
