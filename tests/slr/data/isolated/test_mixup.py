from __future__ import annotations

import numpy as np
import pytest
import torch

from slr.data.isolated import MixedBatch, MixUp
from slr.types import Batch, Padded


def batch(*lengths: int, persons: int = 1, seed: int = 0) -> Batch:
    """Clips without missing joints, the last channel a score."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 3) if persons == 1 else (persons, 2, 3)
    poses = [torch.rand(length, *shape, generator=generator) + 0.1 for length in lengths]
    return Batch(
        ids=tuple("abcdef"[: len(lengths)]),
        glosses=Padded.from_list([torch.zeros(0, dtype=torch.int64)] * len(lengths)),
        frames=Padded.from_list([10 * number + torch.arange(length) for number, length in enumerate(lengths)]),
        pose=Padded.from_list(poses),
        labels=torch.arange(len(lengths)),
    )


def mixed(given: Batch, seed: int = 0, *, scored: bool = False, **arguments: float) -> MixedBatch:
    found = MixUp(**arguments)(given, torch.Generator().manual_seed(seed), scored=scored)
    assert isinstance(found, MixedBatch)
    return found


@pytest.mark.parametrize("persons", [1, 2])
@pytest.mark.parametrize("scored", [False, True])
def test_a_joint_lies_between_its_places_and_one_shown_once_is_where_it_is(persons: int, scored: bool) -> None:
    given = batch(3, 5, 4, persons=persons)
    given.pose.values[0, 1, ..., 0, :] = 0  # a joint that the first clip misses for a frame
    given.pose.values[0, 3:] = 7.0  # padding means nothing
    found = mixed(given, seed=3, scored=scored)
    clips = [clip.numpy() for clip in given.pose.unpad()]
    assert 0.5 <= found.share <= 1
    for row, (clip, other) in enumerate(zip(clips, found.others.tolist(), strict=True)):
        second = clips[other]
        assert found.pose.lengths[row] == max(len(clip), len(second))
        for step, place in np.ndindex(max(len(clip), len(second)), clip[0].reshape(-1, 3).shape[0]):
            one, two = (
                shown[step].reshape(-1, 3)[place] if step < len(shown) else np.zeros(3) for shown in (clip, second)
            )
            wanted = found.share * one + (1 - found.share) * two if one.any() and two.any() else one + two
            if scored:
                wanted = [*wanted[:2], max(one[2], two[2])]
            np.testing.assert_allclose(found.pose.values[row, step].reshape(-1, 3)[place], wanted, rtol=1e-5)


def test_both_labels_are_learned_each_with_its_share() -> None:
    found = mixed(batch(3, 4, 5, 2), seed=1)
    (share, first), (rest, second) = found.parts()
    assert share + rest == pytest.approx(1)
    assert (first.ids, first.labels.tolist()) == (("a", "b", "c", "d"), [0, 1, 2, 3])
    assert second.labels.tolist() == found.others.tolist()
    assert second.ids == tuple("abcd"[place] for place in found.others.tolist())
    assert not isinstance(first, MixedBatch)
    torch.testing.assert_close(first.pose.values, second.pose.values)


def test_source_frames_are_those_of_the_longer_clip_where_the_first_one_ends() -> None:
    found = mixed(batch(2, 4), seed=0)
    assert found.others.tolist() == [1, 0]
    assert [frames.tolist() for frames in found.frames.unpad()] == [[0, 1, 12, 13], [10, 11, 12, 13]]


def test_chance_is_that_of_the_generator_and_shares_are_those_of_beta() -> None:
    given = batch(3, 4)
    shares = [mixed(given, seed=seed, alpha=0.2).share for seed in range(400)]
    wanted = np.random.default_rng(0).beta(0.2, 0.2, 20_000)
    assert np.mean(shares) == pytest.approx(np.maximum(wanted, 1 - wanted).mean(), abs=0.02)
    assert mixed(given, seed=5).share == mixed(given, seed=5).share


def test_some_batches_are_left_as_they_are_and_look_like_the_others() -> None:
    given = batch(3, 4)
    found = [mixed(given, seed=seed, probability=0.3) for seed in range(300)]
    left = [one for one in found if one.share == 1]
    assert len(left) / len(found) == pytest.approx(0.7, abs=0.1)
    torch.testing.assert_close(left[0].pose.values, given.pose.values)
    ((share, same),) = left[0].parts()
    assert (share, same.ids, same.labels.tolist()) == (1, given.ids, given.labels.tolist())
    assert mixed(batch(3)).share == 1  # there is no other clip


def test_a_batch_without_classes_is_refused() -> None:
    given = batch(3, 4)
    with pytest.raises(ValueError, match="keypoints and classes"):
        mixed(Batch(given.ids, given.glosses, given.frames, pose=given.pose))


def test_a_mixed_batch_travels_to_a_device_whole() -> None:
    found = mixed(batch(3, 4)).to("cpu")
    assert isinstance(found, MixedBatch)
    assert found.others.device.type == "cpu"


@pytest.mark.parametrize("arguments", [{"alpha": 0}, {"alpha": float("nan")}, {"probability": 1.1}])
def test_settings_out_of_range_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="MixUp"):
        MixUp(**arguments)
