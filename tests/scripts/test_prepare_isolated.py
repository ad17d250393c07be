from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from slr.data.isolated import IsolatedStore
from tests.slr.data.isolated.test_dsta import written as written_dsta
from tests.slr.data.isolated.test_kinetics import written as written_kinetics
from tests.slr.data.isolated.test_ntu import written as written_ntu
from tests.slr.data.isolated.test_nw_ucla import NAMES, written
from tests.slr.data.isolated.test_pyskl import annotation
from tests.slr.data.isolated.test_pyskl import written as written_pyskl
from tests.slr.data.isolated.test_tables import landmarks
from tests.slr.data.isolated.test_wlasl import written as written_wlasl
from tests.slr.data.isolated.test_wlasl50 import written as written_wlasl50
from tests.slr.data.test_pose_files import HOLISTIC, numbered, write_pose
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


def stored(out: Path, *words: str | Path) -> IsolatedStore:
    done = here("prepare", *words, "--out", out)
    assert done.code == 0, done.err
    assert done.folder == out
    return IsolatedStore(out)


def test_every_kind_of_corpus_has_a_verb(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    ntu = stored(
        out / "ntu", "ntu120", written_ntu(raw / "ntu"), "--incomplete", "--returning", "slide", "--second", "zeros"
    )
    assert (len(ntu), list(ntu.splits)) == (6, ["x-sub", "x-set"])
    assert "vanish and return: slide; a second person who is not there: zeros" in ntu.spec.source
    written_kinetics(raw / "kinetics")
    assert stored(out / "kinetics", "kinetics", raw / "kinetics", "--persons", "1").spec.persons == 1
    annotations = [annotation(name, number, 3) for number, name in enumerate(("a", "b", "c"))]
    (raw / "names.txt").write_text("eins\nzwei\ndrei\n")
    file = written_pyskl(raw / "x.pkl", annotations)
    pyskl = stored(out / "pyskl", "pyskl", file, "--classes", raw / "names.txt", "--name", "mine")
    assert (pyskl.spec.name, pyskl.spec.classes) == ("mine", ("eins", "zwei", "drei"))
    written_dsta(raw / "dsta")
    dsta = stored(out / "dsta", "dsta", raw / "dsta", "--set", "slr500", "--dtype", "float16")
    assert (dsta.spec.name, len(dsta)) == ("SLR500", 6)
    annotated = written_wlasl(raw / "wlasl")
    assert stored(out / "wlasl", "wlasl", annotated, "--files", raw / "wlasl").splits["official"]["dev"] == 1


def test_clips_of_ones_own_take_one_command(tmp_path: Path) -> None:
    for number in range(10):
        np.save(tmp_path / f"c{number}.npy", np.ones((2 + number, 27, 2)) + number)
    rows = "".join(f"c{number},{'ja' if number % 2 else 'nein'}\n" for number in range(10))
    (tmp_path / "mine.csv").write_text("video,word\n" + rows)
    words = ["--layout", "sign-27", "--channels", "x,y", "--columns", "clip=video", "label=word", "--fps", "25"]
    store = stored(tmp_path / "out", "table", tmp_path / "mine.csv", *words, "--frame-size", "640", "480")
    assert (store.spec.name, store.spec.classes, store.spec.fps) == ("mine", ("ja", "nein"), 25)
    assert (store.spec.frame_size, store.splits) == ((640, 480), {"made": {"train": 8, "test": 2}})
    done = here("prepare", "table", tmp_path / "mine.csv", *words, "--columns", "clip", "--out", tmp_path / "no")
    assert done.code == 2
    assert "'clip' is not WHAT=NAME" in done.err


def test_landmarks_and_poses_know_their_usual_form(tmp_path: Path) -> None:
    rows = landmarks()
    for name in "abcd":
        np.savez(tmp_path / f"{name}.npz", rows)
    (tmp_path / "train.csv").write_text("path,participant_id,sign\na,1,x\nb,1,y\nc,2,x\nd,2,y\n")
    store = stored(tmp_path / "out", "landmarks", tmp_path / "train.csv", "--layout", "sign-27")
    assert (store.spec.units, store.spec.channels, store.spec.frame_size) == ("frame", ("x", "y", "z"), (1, 1))
    assert np.isfinite(store.read(0)).all()
    pytest.importorskip("pose_format")
    for name in "abcd":
        write_pose(tmp_path / "poses" / f"{name}.pose", HOLISTIC, *numbered(HOLISTIC, 3))
    words = ["poses", tmp_path / "train.csv", "--files", tmp_path / "poses"]
    assert stored(tmp_path / "out2", *words).spec.channels == ("x", "y", "score")


def test_a_pickle_that_would_run_code_ends_in_a_sentence(tmp_path: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple:
            return os.system, (f"touch {tmp_path / 'mark'}",)

    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": [Runs()]}))
    done = here("prepare", "pyskl", tmp_path / "x.pkl", "--out", tmp_path / "out")
    assert "asks for" in done.sentence
    assert [path.name for path in tmp_path.iterdir()] == ["x.pkl"]
