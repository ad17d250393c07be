from __future__ import annotations

import pytest
import torch
from torch import Tensor

from slr.layers import ValidSteps
from slr.skeleton import adjacency, skeleton_layout
from students.drop_masks import DropMasks
from tests.slr.layers.clips import random_clips

GRAPH = adjacency(skeleton_layout("sign-27"), "directed").sum(0)


def at_epoch(epoch: int, **arguments: float) -> DropMasks:
    masks = DropMasks(**arguments)
    masks.set_epoch(epoch)
    return masks


def by_hand(clips: list[Tensor], masks: DropMasks, seed: int) -> list[Tensor]:
    """Clip by clip, joint by joint, step by step, with the numbers that the module draws."""
    torch.manual_seed(seed)
    drawn_joints = torch.rand(len(clips), 27, masks.groups)
    drawn_steps = torch.rand(sum(map(len, clips)), masks.groups)
    rate = 1 - 0.9
    out = [clip.clone() for clip in clips]
    width = clips[0].shape[2] // masks.groups
    for group in range(masks.groups):
        own = slice(group * width, (group + 1) * width)
        sizes = [[float(clip[:, joint, own].abs().mean()) for joint in range(27)] for clip in clips]
        mean = sum(map(sum, sizes)) / (27 * len(clips))
        neighbours = float((GRAPH != 0).sum()) / 27
        kept = [[True] * 27 for _ in clips]
        for number in range(len(clips)):
            for joint in range(27):
                if drawn_joints[number, joint, group] < min(1, rate / neighbours * sizes[number][joint] / mean):
                    for other in range(27):
                        kept[number][other] &= GRAPH[joint, other] == 0
        grown = 27 * len(clips) / sum(map(sum, kept))
        for number in range(len(clips)):
            out[number][:, :, own] *= torch.tensor(kept[number])[None, :, None] * grown
        sizes = [[float(clip[step, :, own].abs().mean()) for step in range(len(clip))] for clip in out]
        mean = sum(map(sum, sizes)) / sum(map(len, sizes))
        place, lasting = 0, [[True] * len(clip) for clip in clips]
        for number, clip in enumerate(clips):
            for step in range(len(clip)):
                if drawn_steps[place, group] < rate / 41 * sizes[number][step] / mean:
                    for other in range(max(0, step - 20), min(len(clip), step + 21)):
                        lasting[number][other] = False
                place += 1
        grown = place / sum(map(sum, lasting))
        for number in range(len(clips)):
            out[number][:, :, own] *= torch.tensor(lasting[number])[:, None, None] * grown
    return out


@pytest.mark.parametrize("groups", [1, 2])
def test_masks_are_those_written_out_by_hand(groups: int) -> None:
    masks = at_epoch(100, groups=groups)
    clips = random_clips([60, 7, 90, 45], 27, 4)
    valid = ValidSteps.of(torch.tensor([60, 7, 90, 45]), 95)
    lost = 0
    for seed in range(8):
        expected = torch.cat(by_hand(clips, masks, seed))
        torch.manual_seed(seed)
        got = masks(torch.cat(clips), valid, GRAPH)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-6)
        lost += int((got.unflatten(-1, (groups, -1)) == 0).all(-1).all(1).any())
    assert lost > 0, "no step was ever lost: the test saw nothing of time"


def test_a_lost_joint_takes_its_bones_along() -> None:
    masks = at_epoch(100, keep=0.3)
    valid = ValidSteps.of(torch.tensor([1]), 1)
    for seed in range(20):
        torch.manual_seed(seed)
        gone = (masks(torch.ones(1, 27, 2), valid, torch.eye(27))[0] == 0).all(-1)
        torch.manual_seed(seed)
        more = (masks(torch.ones(1, 27, 2), valid, GRAPH)[0] == 0).all(-1)
        if more.all():  # the only step fell to the mask over time
            continue
        assert not (more & ~(GRAPH[gone] != 0).any(0)).any()


def test_the_rate_rises_over_the_epochs_and_nothing_is_lost_at_first_nor_in_evaluation() -> None:
    masks = DropMasks()
    rows, valid = torch.randn(50, 27, 4), ValidSteps.of(torch.full((10,), 5), 5)
    assert masks(rows, valid, GRAPH) is rows
    for epoch, rate in ((0, 0.0), (25, 0.025), (50, 0.05), (100, 0.1), (101, 0.1), (900, 0.1)):
        masks.set_epoch(epoch)
        assert masks.drop.item() == pytest.approx(rate)
    assert not torch.equal(masks(rows, valid, GRAPH), rows)
    assert masks.eval()(rows, valid, GRAPH) is rows
    assert masks.state_dict() == {}


def test_what_is_kept_has_the_size_of_what_was_given_on_average() -> None:
    masks = at_epoch(100, keep=0.6)
    rows, valid = torch.ones(64 * 100, 27, 1), ValidSteps.of(torch.full((64,), 100), 100)
    torch.manual_seed(0)
    assert masks(rows, valid, GRAPH).mean().item() == pytest.approx(1, abs=0.05)


def test_features_of_zeros_stay_zeros() -> None:
    masks = at_epoch(100)
    rows = torch.zeros(10, 27, 4, requires_grad=True)
    out = masks(rows, ValidSteps.of(torch.tensor([10]), 10), GRAPH)
    out.sum().backward()
    assert not out.any()
    assert rows.grad is not None
    assert rows.grad.isfinite().all()


@pytest.mark.parametrize(("arguments", "complaint"), [({"keep": 0.0}, "keep rate 0.0"), ({"epochs": 0}, "of 0 epochs")])
def test_wrong_numbers_are_refused(arguments: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        DropMasks(**arguments)
