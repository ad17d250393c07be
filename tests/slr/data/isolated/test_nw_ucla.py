from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slr.data.isolated import NWUCLA, IsolatedStore, StoredCorpus, write_store


def written(folder: Path, *names: str, frames: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        joints = np.arange(frames * 60).reshape(frames, 20, 3) + 1000 * number
        (folder / f"{name}.json").write_text(json.dumps({"file_name": name, "skeletons": joints.tolist()}))
    return folder


NAMES = ("a01_s01_e00_v01", "a12_s02_e03_v02", "a08_s10_e01_v03")


def test_names_say_action_subject_and_view(tmp_path: Path) -> None:
    folder = written(tmp_path / "clips", *NAMES)
    (folder / "readme.json").write_text("not a clip")
    source = NWUCLA(folder, complete=False)
    assert len(source) == 3
    found = {row.id: (row, keypoints) for row, keypoints in source}
    row, keypoints = found["a12_s02_e03_v02"]
    assert (row.label, row.signer, row.camera) == (9, "s02", "v02")
    assert source.spec.classes[row.label] == "carry"
    np.testing.assert_array_equal(keypoints[:, 0], np.arange(180).reshape(3, 20, 3) + 1000)
    assert source.splits([row for row, _ in found.values()]) == {
        "cross-view": {"train": ["a01_s01_e00_v01", "a12_s02_e03_v02"], "test": ["a08_s10_e01_v03"]}
    }


def test_archives_are_read_as_folders_are(tmp_path: Path) -> None:
    folder = written(tmp_path / "clips", *NAMES)
    with tarfile.open(tmp_path / "clips.tar.xz", "w:xz") as archive:
        archive.add(folder, "NW-UCLA/all_sqe")
    with zipfile.ZipFile(tmp_path / "clips.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"all_sqe/{path.name}")
    wanted = {row.id: keypoints for row, keypoints in NWUCLA(folder, complete=False)}
    for ending in ("tar.xz", "zip"):
        found = {row.id: keypoints for row, keypoints in NWUCLA(tmp_path / f"clips.{ending}", complete=False)}
        assert found.keys() == wanted.keys()
        assert all((found[clip] == wanted[clip]).all() for clip in wanted)


def test_what_is_missing_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="holds 2 clips of views 1 and 2 and 1 of view 3, and NW-UCLA has 1020 and 464"
    ):
        NWUCLA(written(tmp_path / "clips", *NAMES))
    with pytest.raises(ValueError, match="holds 0 clips"):
        NWUCLA(written(tmp_path / "none"), complete=False)
    with pytest.raises(ValueError, match="there is nothing at"):
        NWUCLA(tmp_path / "nowhere")
    (tmp_path / "broken.tar.xz").write_bytes(b"\xfd7zXZ\x00 and no more")
    with pytest.raises(ValueError, match="no archive that can be read"):
        NWUCLA(tmp_path / "broken.tar.xz")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is no skeleton file of NW-UCLA"),
        ("[1, 2]", "is no skeleton file of NW-UCLA"),
        ('{"skeleton": []}', "is no skeleton file of NW-UCLA"),
        ('{"skeletons": [[[1, 2, 3]], [[1, 2]]]}', "is no skeleton file of NW-UCLA"),
        ('{"skeletons": [[[1, 2, 3]]]}', r"shape \[1, 1, 3\]: they should be \[frames, 20, 3\]"),
    ],
)
def test_malformed_files_are_refused_in_a_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    folder = written(tmp_path / "clips")
    (folder / "a01_s01_e00_v01.json").write_text(content)
    with pytest.raises(ValueError, match=sentence):
        list(NWUCLA(folder, complete=False))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("clips")
    (folder / "a01_s01_e00_v01.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a01_s01_e00_v01\.json"):
        list(NWUCLA(folder, complete=False))


def test_an_unknown_action_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is of action 7"):
        list(NWUCLA(written(tmp_path / "clips", "a07_s01_e00_v01"), complete=False))


@pytest.mark.shared
def test_the_real_corpus_has_its_published_counts(shared_data: Path, tmp_path: Path) -> None:
    path = write_store(tmp_path / "nw-ucla", NWUCLA(shared_data / "nw-ucla" / "all_sqe.tar.xz"))
    store = IsolatedStore(path)
    assert len(store) == 1484
    assert store.splits == {"cross-view": {"train": 1020, "test": 464}}
    assert sorted(set(store.labels.tolist())) == list(range(10))
    corpus = StoredCorpus(path, held_out=0.1)
    train, dev = corpus.clips("train"), corpus.clips("dev")
    assert len(train) + len(dev) == 1020
    assert not {clip.signer for clip in train} & {clip.signer for clip in dev}
    assert {clip.camera for clip in corpus.clips("test")} == {"v03"}
