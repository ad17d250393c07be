from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data._utils.pin_memory import pin_memory as dataloader_pin_memory

from slr.data import LengthBucketSampler, Phoenix2014, SignDataset, TemporalPlan, collate, loader, set_epoch
from slr.data.batching import _PinnableCollate

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=60)


@settings(max_examples=60)
@given(
    lengths=LENGTHS,
    budget=st.integers(1, 900),
    max_clips=st.one_of(st.none(), st.integers(1, 8)),
    max_padding=st.sampled_from([0.0, 0.1, 0.5]),
    shuffle=st.booleans(),
    epoch=st.integers(0, 5),
)
def test_every_clip_stands_once_in_batches_within_every_budget(
    lengths: list[int], budget: int, max_clips: int | None, max_padding: float, shuffle: bool, epoch: int
) -> None:
    sampler = LengthBucketSampler(
        lengths, frames_per_batch=budget, max_clips=max_clips, max_padding=max_padding, shuffle=shuffle
    )
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        of_batch = [lengths[index] for index in batch]
        padded = max(of_batch) * len(batch)
        assert len(batch) == 1 or padded <= budget
        assert len(batch) <= (max_clips or len(lengths))
        assert padded - sum(of_batch) <= max_padding * padded


def test_padding_of_a_corpus_like_phoenix_stays_small() -> None:
    lengths = (27 + torch.randn(5671).abs() * 90).int().tolist()
    shuffled = LengthBucketSampler(lengths, frames_per_batch=1600, shuffle=True)
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in shuffled)
    assert padded / sum(lengths) < 1.12
    # Nor are batches needlessly many: the budget is used.
    assert padded / len(shuffled) > 0.8 * 1600


def test_epochs_differ_and_each_is_always_the_same() -> None:
    lengths = torch.randint(20, 200, (80,)).tolist()

    def epoch(number: int, seed: int = 0, shuffle: bool = True) -> list[list[int]]:
        sampler = LengthBucketSampler(lengths, frames_per_batch=600, seed=seed, shuffle=shuffle)
        sampler.set_epoch(number)
        return list(sampler)

    assert epoch(0) == epoch(0)
    assert epoch(0) != epoch(1)
    assert epoch(0) != epoch(0, seed=1)
    assert {frozenset(batch) for batch in epoch(0)} != {frozenset(batch) for batch in epoch(1)}
    assert epoch(0, shuffle=False) == epoch(1, shuffle=False)
    longest = [max(lengths[index] for index in batch) for batch in epoch(0, shuffle=False)]
    assert longest == sorted(longest, reverse=True)


def test_an_epoch_can_be_resumed_in_its_middle() -> None:
    sampler = LengthBucketSampler([50] * 20, frames_per_batch=100)
    sampler.set_epoch(3)
    whole = list(sampler)
    sampler.set_epoch(3, first=4)
    assert list(sampler) == whole[4:]
    assert len(sampler) == 6


def test_steps_count_the_batches_of_all_epochs() -> None:
    lengths = torch.randint(20, 200, (70,)).tolist()
    sampler = LengthBucketSampler(lengths, frames_per_batch=500)
    counted = 0
    for epoch in range(6):
        sampler.set_epoch(epoch)
        counted += len(list(sampler))
    assert sampler.steps(6) == counted


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_ranks_share_an_epoch_in_equal_steps(ranks: int) -> None:
    lengths = torch.randint(20, 200, (40,)).tolist()

    def share(rank: int) -> list[list[int]]:
        return list(LengthBucketSampler(lengths, frames_per_batch=400, rank=rank, num_ranks=ranks))

    shares = [share(rank) for rank in range(ranks)]
    whole = LengthBucketSampler(lengths, frames_per_batch=400).batches(0)
    assert len({len(batches) for batches in shares}) == 1
    dealt = [batch for step in zip(*shares, strict=True) for batch in step]
    assert dealt[: len(whole)] == whole
    assert dealt[len(whole) :] == whole[: len(dealt) - len(whole)]


@pytest.mark.parametrize(
    ("lengths", "budget", "complaint"),
    [
        ([], {}, "at least one clip"),
        ([3, 0], {}, "at least one frame per clip"),
        ([3], {"frames_per_batch": 0}, "holds nothing"),
        ([3], {"max_clips": 0}, "holds nothing"),
        ([3], {"max_padding": 1.0}, "is no share"),
        ([3], {"rank": 2, "num_ranks": 2}, "rank 2 of 2 does not exist"),
    ],
)
def test_senseless_batches_are_refused(lengths: list[int], budget: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        LengthBucketSampler(lengths, **{"frames_per_batch": 10, **budget})


def dataset(corpus: Phoenix2014) -> SignDataset:
    plan = TemporalPlan(speed=[0.7, 1.3])
    return SignDataset(corpus, "train", corpus.vocabulary(), plan=plan, training=True, flip=0.5, frame_cache_mb=1)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_yields_the_batches_of_its_epoch_with_any_workers(tiny: Phoenix2014, workers: int) -> None:
    data = dataset(tiny)
    batches = loader(data, frames_per_batch=40, max_clips=2, workers=workers)
    plain = dataset(tiny)
    for epoch in (2, 0):
        set_epoch(batches, epoch)
        plain.set_epoch(epoch)
        expected = LengthBucketSampler(plain.lengths, frames_per_batch=40, max_clips=2).batches(epoch)
        assert len(batches) == len(expected)
        for batch, indices in zip(batches, expected, strict=True):
            wanted = collate([plain[index] for index in indices])
            assert batch.ids == wanted.ids
            assert batch.rgb is not None
            assert batch.pose is not None
            assert torch.equal(batch.frames.values, wanted.frames.values)
            assert torch.equal(batch.glosses.values, wanted.glosses.values)
            assert torch.equal(batch.rgb.values, wanted.stream("rgb").values)
            assert torch.equal(batch.pose.values, wanted.stream("pose").values)


def test_a_loader_leaves_the_global_generator_alone(tiny: Phoenix2014) -> None:
    batches = loader(dataset(tiny), frames_per_batch=40)
    before = torch.get_rng_state()
    list(batches)
    assert torch.equal(torch.get_rng_state(), before)


def test_evaluation_is_not_shuffled_unless_asked(tiny: Phoenix2014) -> None:
    data = SignDataset(tiny, "train", tiny.vocabulary(), streams=["pose"])
    batches = loader(data, frames_per_batch=1)
    assert [batch.ids for batch in batches] == [("monday-1",), ("monday-0",), ("monday-2",)]


def test_every_tensor_of_a_batch_is_pinned(tiny: Phoenix2014, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset(tiny)
    batches = LengthBucketSampler(data.lengths, frames_per_batch=40).batches(0)
    plain = collate([data[index] for index in batches[0]])
    pinned: list[int] = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        pinned.append(tensor.data_ptr())
        return tensor.clone()

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    collated = loader(data, frames_per_batch=40).collate_fn([data[index] for index in batches[0]])
    assert not hasattr(collated, "pin_memory")
    collated = _PinnableCollate(collate)([data[index] for index in batches[0]])
    # What DataLoader does to every batch when memory is to be pinned.
    result = dataloader_pin_memory(collated)
    streams = ("glosses", "frames", "rgb", "pose")
    tensors = [tensor for name in streams for tensor in vars(getattr(collated, name)).values()]
    assert sorted(pinned) == sorted(tensor.data_ptr() for tensor in tensors)
    for name in streams:
        assert torch.equal(getattr(result, name).values, getattr(plain, name).values)
        assert torch.equal(getattr(result, name).lengths, getattr(plain, name).lengths)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="pinned memory needs a CUDA device")
def test_pinned_batches_are_pinned(tiny: Phoenix2014) -> None:
    for batch in loader(dataset(tiny), frames_per_batch=40, pin_memory=True):
        for padded in (batch.glosses, batch.frames, batch.rgb, batch.pose):
            assert padded.values.is_pinned()
            assert padded.lengths.is_pinned()
        assert batch.to("cuda").pose.values.is_cuda
