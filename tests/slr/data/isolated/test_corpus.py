from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slr.data.isolated import IsolatedCorpus, StoredCorpus, without_test_clips

from .made_up import MadeUp, made_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return made_store(tmp_path, MadeUp(lengths=(3, 1, 5, 2, 4, 6, 2, 2, 3, 4, 2, 3)))  # 8 train, 4 test


def test_a_corpus_is_what_its_store_says(store: Path) -> None:
    corpus = StoredCorpus(store)
    assert isinstance(corpus, IsolatedCorpus)
    assert (corpus.name, corpus.classes, corpus.persons) == ("made-up", ("sign 0", "sign 1"), 2)
    assert (corpus.channels, corpus.units, corpus.fps) == (("x", "y", "z"), "metres", 30.0)
    assert [clip.id for clip in corpus.clips("test")] == [f"clip-{number}" for number in range(8, 12)]
    assert corpus.clips("dev") == []
    clip = corpus.clips("train")[4]
    assert (clip.label, clip.signer, clip.camera, clip.split) == (0, "s2", "c1", "train")
    assert corpus.num_frames(clip) == 4
    np.testing.assert_array_equal(corpus.pose(clip), MadeUp().clip(4))


def test_dev_shares_no_signer_with_train(store: Path) -> None:
    corpus = StoredCorpus(store, held_out=0.3)
    train, dev = corpus.clips("train"), corpus.clips("dev")
    assert len(dev) == 2
    assert len(train) + len(dev) == 8
    assert not {clip.signer for clip in dev} & {clip.signer for clip in train}
    assert {clip.split for clip in dev} == {"dev"}
    assert corpus.clips("test") == StoredCorpus(store).clips("test")


def test_dev_by_class_and_by_camera(store: Path) -> None:
    by_class = StoredCorpus(store, held_out=0.25, held_out_by="class")
    assert sorted(clip.label for clip in by_class.clips("dev")) == [0, 1]
    by_camera = StoredCorpus(store, held_out=0.4, held_out_by="camera")
    assert len({clip.camera for clip in by_camera.clips("dev")}) == 1
    with pytest.raises(ValueError, match="names no setup"):
        StoredCorpus(store, held_out=0.4, held_out_by="setup")
    with pytest.raises(ValueError, match="held_out_by is 'height'"):
        StoredCorpus(store, held_out=0.4, held_out_by="height")


def test_joints_channels_and_persons_can_be_picked(store: Path) -> None:
    picked = {
        "name": "arms", "joints": ["right_hand", "head"], "bones": [["head", "right_hand"]],
        "groups": {"body": "rest"}, "centre": "head", "mirror": {"midline": ["right_hand"]},
    }  # fmt: skip
    from slr.skeleton import SkeletonLayout

    corpus = StoredCorpus(store, layout=SkeletonLayout.from_dict(picked), channels=["z", "x"], persons=1)
    clip = corpus.clips("train")[2]
    expected = MadeUp().clip(2)[:, :1][:, :, [4, 0]][..., [2, 0]]
    np.testing.assert_array_equal(corpus.pose(clip), expected)
    for wrong in ({"channels": ["score"]}, {"channels": []}, {"persons": 3}, {"persons": 0}):
        with pytest.raises(ValueError, match="made-up has"):
            StoredCorpus(store, **wrong)


def test_a_joint_of_score_zero_is_missing_in_all_channels(tmp_path: Path) -> None:
    source = MadeUp(persons=1, channels=("x", "y", "score"))
    clip = source.clip(0)
    clip[1, 0, 2, 2] = 0
    source.changed[0] = clip
    corpus = StoredCorpus(made_store(tmp_path, source), channels=["x", "y"])
    pose = corpus.pose(corpus.clips("train")[0])
    assert pose[1, 0, 2].tolist() == [0, 0]
    assert int((pose != 0).sum()) == pose.numel() - 2


def test_a_split_is_chosen_by_name(tmp_path: Path) -> None:
    source = MadeUp()
    source.parts = {
        "one": {"train": ["clip-0", "clip-1"], "dev": ["clip-2"], "test": ["clip-3"]},
        "two": {"train": ["clip-5"]},
        "none": {"test": ["clip-5"]},
    }
    path = made_store(tmp_path, source)
    corpus = StoredCorpus(path, split="one")
    assert corpus.name == "made-up, one"
    assert [clip.id for clip in corpus.clips("dev")] == ["clip-2"]
    with pytest.raises(ValueError, match="has several splits: choose one of one, two, none"):
        StoredCorpus(path)
    with pytest.raises(ValueError, match="has no split 'three'"):
        StoredCorpus(path, split="three")
    with pytest.raises(ValueError, match="has a dev part of its own"):
        StoredCorpus(path, split="one", held_out=0.1)
    with pytest.raises(ValueError, match="no clip to train on"):
        StoredCorpus(path, split="none")
    with pytest.raises(ValueError, match="unknown split 'val'"):
        corpus.clips("val")


def test_training_cannot_open_the_test(store: Path) -> None:
    corpus = StoredCorpus(store, held_out=0.3)
    seen = without_test_clips(corpus)
    assert without_test_clips(seen) is seen
    assert isinstance(seen, IsolatedCorpus)
    assert seen.clips("train") == corpus.clips("train")
    assert seen.contents(["train", "dev"]) == corpus.contents(["train", "dev"])
    test = corpus.clips("test")[0]
    for attempt in (
        lambda: seen.clips("test"),
        lambda: seen.pose(test),
        lambda: seen.num_frames(test),
        lambda: seen.contents(["train", "test"]),
    ):
        with pytest.raises(ValueError, match="training may not open the test split of made-up"):
            attempt()


def test_contents_change_with_what_is_shown(store: Path, tmp_path: Path) -> None:
    def told(path: Path, **options: object) -> str:
        return StoredCorpus(path, **options).contents(["train"])

    same = told(store)
    assert same == told(store)
    other = MadeUp(lengths=(3, 1, 5, 2, 4, 6, 2, 2, 3, 4, 2, 3))
    other.changed[0] = other.clip(0) + 0.001
    moved = made_store(tmp_path / "other", other)
    differing = {told(moved), told(store, held_out=0.3), told(store, channels=["x", "y"]), told(store, persons=1)}
    assert len(differing | {same}) == 5


def test_pose_is_a_tensor_of_its_own(store: Path) -> None:
    corpus = StoredCorpus(store)
    clip = corpus.clips("train")[0]
    first = corpus.pose(clip)
    first[:] = 0
    assert first.dtype == torch.float32
    assert bool(corpus.pose(clip).any())
