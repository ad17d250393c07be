from __future__ import annotations

import pytest
import torch
from torch import Tensor

from slr.data.isolated import mixup
from slr.types import Batch, Padded


def example(lengths: tuple[int, ...] = (3, 5, 2)) -> Batch:
    torch.manual_seed(0)
    clips = [torch.rand(length, 4, 2) + 1 for length in lengths]
    clips[0][1, 2] = 0  # a joint that is missing
    return Batch(
        ids=tuple("abc"[: len(clips)]),
        glosses=Padded.from_list([torch.zeros(0, dtype=torch.int64) for _ in clips]),
        frames=Padded.from_list([10 * number + torch.arange(len(clip)) for number, clip in enumerate(clips)]),
        pose=Padded.from_list(clips),
        labels=torch.tensor([7, 8, 9][: len(clips)]),
    )


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def partners(batch: Batch, seed: int) -> list[int]:
    return (mixup(batch, 0.2, seeded(seed)).partner_labels - 7).tolist()


def value(clip: Tensor, step: int, joint: int) -> Tensor | None:
    """The place of a joint, None where the clip is over or the joint was not seen."""
    return clip[step, joint] if step < len(clip) and bool(clip[step, joint].any()) else None


@pytest.mark.parametrize("seed", range(6))
def test_places_that_both_have_are_blended_and_others_taken_as_they_are(seed: int) -> None:
    batch = example()
    assert batch.pose is not None
    clips, mixed = batch.pose.unpad(), mixup(batch, 0.2, seeded(seed))
    assert mixed.batch.pose is not None
    for row, (partner, share) in enumerate(zip(partners(batch, seed), mixed.share.tolist(), strict=True)):
        assert 0 <= share <= 1
        length = max(len(clips[row]), len(clips[partner]))
        assert int(mixed.batch.pose.lengths[row]) == length
        for step in range(length):
            for joint in range(4):
                own, other = value(clips[row], step, joint), value(clips[partner], step, joint)
                if own is not None and other is not None:
                    wanted = share * own + (1 - share) * other
                else:
                    wanted = next((part for part in (own, other) if part is not None), torch.zeros(2))
                torch.testing.assert_close(mixed.batch.pose.values[row, step, joint], wanted)
        assert (
            mixed.batch.frames.unpad()[row].tolist()
            == batch.frames.unpad()[row if len(clips[row]) >= len(clips[partner]) else partner].tolist()
        )


def test_what_comes_back_has_the_same_form_whether_anything_is_mixed_or_not() -> None:
    batch = example()
    plain = mixup(batch, 0.0, seeded())
    assert plain.batch is batch
    assert torch.equal(plain.partner_labels, batch.labels)
    assert plain.share.tolist() == [1, 1, 1]
    mixed = mixup(batch, 0.2, seeded())
    assert type(mixed) is type(plain)
    assert torch.equal(mixed.batch.labels, batch.labels)
    assert sorted(mixed.partner_labels.tolist()) == [7, 8, 9]


def test_the_same_seed_mixes_the_same_way() -> None:
    batch = example()
    one, two, other = (mixup(batch, 0.2, seeded(seed)).share for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("alpha", [0.2, 2.0])
def test_shares_are_those_of_the_beta_distribution(alpha: float) -> None:
    batch = example()
    generator = seeded()
    shares = torch.cat([mixup(batch, alpha, generator).share for _ in range(3000)])
    assert shares.mean().item() == pytest.approx(0.5, abs=0.02)
    assert shares.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_a_batch_without_classes_is_refused_and_so_is_a_negative_alpha() -> None:
    batch = example()
    with pytest.raises(ValueError, match="alpha -1"):
        mixup(batch, -1, seeded())
    with pytest.raises(ValueError, match="keypoints and classes"):
        mixup(Batch(batch.ids, batch.glosses, batch.frames, pose=batch.pose), 0.2, seeded())
