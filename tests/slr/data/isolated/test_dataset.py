from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from slr.data import loader, set_epoch
from slr.data.isolated import (
    Chance,
    IsolatedDataset,
    RandomTurn,
    SampleWithReplacement,
    SkeletonClip,
    StoredCorpus,
    Transform,
    collate_isolated,
)

from .made_up import MadeUp, made_store


@pytest.fixture
def corpus(tmp_path: Path) -> StoredCorpus:
    return StoredCorpus(made_store(tmp_path))


def test_a_sample_is_a_clip_sent_through_the_pipeline(corpus: StoredCorpus) -> None:
    dataset = IsolatedDataset(corpus, "train", [SampleWithReplacement(4)])
    assert len(dataset) == 4
    sample = dataset[2]  # five frames
    assert (sample.id, sample.label) == ("clip-2", 0)
    assert sample.frames.tolist() == [0, 1, 2, 4]
    assert torch.equal(sample.pose, corpus.pose(corpus.clips("train")[2])[[0, 1, 2, 4]])
    assert dataset.lengths == (4, 4, 4, 4)
    assert IsolatedDataset(corpus, "train").lengths == (3, 1, 5, 2)


def test_chance_follows_from_seed_epoch_and_clip(corpus: StoredCorpus) -> None:
    def drawn(seed: int, epoch: int, index: int, training: bool = True) -> torch.Tensor:
        dataset = IsolatedDataset(corpus, "train", [RandomTurn(30)], training=training, seed=seed)
        dataset.set_epoch(epoch)
        return dataset[index].pose

    assert torch.equal(drawn(0, 0, 2), drawn(0, 0, 2))
    for other in (drawn(1, 0, 2), drawn(0, 1, 2)):
        assert not torch.equal(drawn(0, 0, 2), other)
    assert torch.equal(drawn(0, 0, 2, training=False), corpus.pose(corpus.clips("train")[2]))


def test_views_of_a_clip_follow_each_other(corpus: StoredCorpus) -> None:
    dataset = IsolatedDataset(corpus, "test", [RandomTurn(90), SampleWithReplacement(8)], views=3)
    samples = [dataset[index] for index in range(len(dataset))]
    assert [sample.id for sample in samples] == ["clip-4"] * 3 + ["clip-5"] * 3
    plans = {tuple(sample.frames.tolist()) for sample in samples[3:]}
    assert len(plans) == 3
    turned = torch.equal(samples[3].pose, corpus.pose(corpus.clips("test")[1])[samples[3].frames])
    assert turned  # nothing is augmented
    again = IsolatedDataset(corpus, "test", [SampleWithReplacement(8)], views=3, seed=9)
    assert torch.equal(again[4].frames, samples[4].frames)
    assert dataset.lengths == (8,) * 6


def test_a_batch_has_labels_and_no_glosses(corpus: StoredCorpus) -> None:
    dataset = IsolatedDataset(corpus, "train")
    batch = collate_isolated([dataset[0], dataset[1], dataset[2]])
    assert batch.labels is not None
    assert batch.labels.tolist() == [0, 1, 0]
    assert batch.labels.dtype == torch.int64
    assert batch.glosses.values.shape == (3, 0)
    assert batch.stream("pose").values.shape == (3, 5, 2, 5, 3)
    assert batch.stream("pose").lengths.tolist() == [3, 1, 5]
    assert batch.flipped == ()
    moved = batch.to("cpu")
    assert moved.labels is not None
    assert torch.equal(moved.labels, batch.labels)
    with pytest.raises(ValueError, match="no samples"):
        collate_isolated([])


def test_one_person_has_no_axis(tmp_path: Path) -> None:
    corpus = StoredCorpus(made_store(tmp_path, MadeUp(persons=1)))
    batch = collate_isolated([IsolatedDataset(corpus, "train")[0]])
    assert batch.stream("pose").values.shape == (1, 3, 5, 3)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_loader_of_sentences_loads_clips_too(corpus: StoredCorpus, workers: int) -> None:
    dataset = IsolatedDataset(corpus, "train", [SampleWithReplacement(4)], training=True)
    batches = loader(dataset, frames_per_batch=8, workers=workers)
    shown = []
    for epoch in range(2):
        set_epoch(batches, epoch)
        seen = list(batches)
        assert sorted(clip for batch in seen for clip in batch.ids) == [f"clip-{number}" for number in range(4)]
        assert all(batch.stream("pose").values.shape == (2, 4, 2, 5, 3) for batch in seen)
        shown.append({clip: frames for batch in seen for clip, frames in zip(batch.ids, batch.frames.unpad())})  # noqa: B905
    assert any(not torch.equal(shown[0][clip], shown[1][clip]) for clip in shown[0])


def test_what_cannot_be_shown_is_refused(corpus: StoredCorpus) -> None:
    with pytest.raises(ValueError, match="never trained on"):
        IsolatedDataset(corpus, "test", training=True)
    with pytest.raises(ValueError, match="for testing"):
        IsolatedDataset(corpus, "train", training=True, views=2)
    with pytest.raises(ValueError, match="views is 0"):
        IsolatedDataset(corpus, "train", views=0)
    with pytest.raises(ValueError, match="split 'dev' of made-up has no clip"):
        IsolatedDataset(corpus, "dev")


@dataclass(frozen=True)
class _Spoil(Transform):
    how: str

    def __call__(self, clip: SkeletonClip, chance: Chance) -> SkeletonClip:
        if self.how == "nan":
            return clip.placed(clip.position / 0.0 * 0.0)
        return clip.at(torch.zeros(0, dtype=torch.int64))


@pytest.mark.parametrize(
    ("how", "sentence"), [("nan", "not finite of clip 'clip-0'"), ("none", "_Spoil leaves no frame")]
)
def test_a_pipeline_that_spoils_a_clip_is_named(corpus: StoredCorpus, how: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        IsolatedDataset(corpus, "train", [_Spoil(how)])[0]


def test_the_description_rebuilds_the_pipeline(corpus: StoredCorpus) -> None:
    from workbench.components import build

    pipeline = [RandomTurn(30, axes="xy", whole=True), SampleWithReplacement(4)]
    described = IsolatedDataset(corpus, "train", pipeline).describe()
    assert [build(node) for node in described["pipeline"]] == pipeline
    assert described["channels"] == ["x", "y", "z"]
    assert described["persons"] == 2
