from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from slr.data.isolated import DSTA, IsolatedStore, StoredCorpus, write_store
from slr.data.isolated.readers.dsta import SETS
from slr.skeleton import skeleton_layout


def written(folder: Path, parts: tuple[str, ...] = ("train", "val"), clips: int = 3) -> dict[str, np.ndarray]:
    folder.mkdir(exist_ok=True)
    made = {}
    for number, part in enumerate(parts):
        made[part] = np.random.default_rng(number).uniform(1, 500, (clips, 3, 6, 27, 1)).astype(np.float32)
        np.save(folder / f"{part}_data_joint.npy", made[part])
        labels = ([f"{part}-{clip}" for clip in range(clips)], list(range(clips)))
        (folder / f"{part}_label.pkl").write_bytes(pickle.dumps(labels))
    return made


def test_clips_are_turned_to_frames_first(tmp_path: Path) -> None:
    made = written(tmp_path / "raw")
    store = IsolatedStore(write_store(tmp_path / "s", DSTA(tmp_path / "raw", "wlasl100")))
    assert (store.spec.name, len(store.spec.classes), len(store)) == ("WLASL100", 100, 6)
    assert store.spec.skeleton == skeleton_layout("sign-27")
    assert store.splits == {"official": {"train": 3, "test": 3}}
    for t, joint, channel in ((0, 0, 0), (5, 26, 2), (3, 7, 1)):
        assert store.read(1)[t, 0, joint, channel] == made["train"][1, channel, t, joint, 0]
    assert store.row(4).id == "val-1"


def test_with_test_files_val_is_dev(tmp_path: Path) -> None:
    written(tmp_path / "raw", ("train", "val", "test"))
    write_store(tmp_path / "s", DSTA(tmp_path / "raw", "autsl"))
    corpus = StoredCorpus(tmp_path / "s")
    assert corpus.name == "AUTSL"
    assert [clip.id for clip in corpus.clips("dev")] == ["val-0", "val-1", "val-2"]


def test_infinities_count_as_missing(tmp_path: Path) -> None:
    """MSASL's files have them; the published feeder sets them to 0."""
    made = written(tmp_path / "raw")
    made["train"][0, 0, 2, 5] = np.inf
    np.save(tmp_path / "raw" / "train_data_joint.npy", made["train"])
    with pytest.raises(ValueError, match="is not finite"):
        write_store(tmp_path / "s", DSTA(tmp_path / "raw", "msasl100"))
    store = IsolatedStore(write_store(tmp_path / "s", DSTA(tmp_path / "raw", "msasl100"), non_finite="missing"))
    assert not store.read(0)[2, 0, 5].any()
    assert store.card["joints_not_finite"] == {"train-0": 1}


def test_every_published_set_has_its_number_of_classes(tmp_path: Path) -> None:
    written(tmp_path / "raw")
    names = {name: DSTA(tmp_path / "raw", name).spec.name for name in SETS}
    assert names["nmfs-csl"] == "NMFs-CSL"
    assert names["slr500"] == "SLR500"
    assert Counter(SETS.values())[100] == 2
    own = DSTA(tmp_path / "raw", "mine", classes=["a", "b", "c"])
    assert (own.spec.name, own.spec.classes) == ("mine", ("a", "b", "c"))


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    with pytest.raises(ValueError, match=r"there is no .*train_data_joint.npy"):
        DSTA(tmp_path, "wlasl100")
    written(raw)
    with pytest.raises(ValueError, match="2 names for the 3 classes"):
        DSTA(raw, "mine", classes=["a", "b"])

    def labelled(content: object) -> None:
        (raw / "train_label.pkl").write_bytes(pickle.dumps(content))

    for content, says in (
        (["a"], "should hold a list of names and a list of labels"),
        ((["a", "b"], [0, 1]), "3 clips and .* 2 labels"),
        ((["a", "b", "c"], [0, 1]), "3 names and 2 labels"),
        ((["a", "b", "c"], [0, 1, -1]), "from 0 up"),
        ((["a", "b", "c"], [0, 1, 100]), "has label 100, and wlasl100 has classes 0 to 99"),
        ((["a", "b", "c"], [0, 1, "x"]), "should hold a list"),
    ):
        labelled(content)
        with pytest.raises(ValueError, match=says):
            DSTA(raw, "wlasl100")
    written(raw)
    np.save(raw / "val_data_joint.npy", np.zeros((3, 3, 6, 26, 1)))
    with pytest.raises(ValueError, match=r"shape \[3, 3, 6, 26, 1\]"):
        DSTA(raw, "wlasl100")
    (raw / "val_data_joint.npy").write_bytes(pickle.dumps(np.zeros(3)))
    with pytest.raises(ValueError, match="cannot be read"):
        DSTA(raw, "wlasl100")
