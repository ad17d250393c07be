from __future__ import annotations

from statistics import fmean, pstdev

import pytest
import torch

from slr.data.isolated import Chance, SkeletonClip, Standardise
from slr.data.isolated.dataset import describe_transform
from slr.skeleton import skeleton_layout
from tests.slr.data.isolated.made_up import LAYOUT
from workbench.components import build

CHANNELS = ("x", "y", "score")


def clip(frames: int, seed: int, lost: float = 0.2) -> SkeletonClip:
    chances = torch.Generator().manual_seed(seed)
    joints = len(skeleton_layout(LAYOUT))
    values = 3 + 2 * torch.randn(frames, 2, joints, 3, generator=chances)
    values[torch.rand(frames, 2, joints, generator=chances) < lost] = 0
    values[:, :, -1] = 0  # a joint that is never seen
    values[:, :, 0, 1] = torch.where(values[:, :, 0].any(-1), 7.0, 0.0)  # and one that never moves up or down
    return SkeletonClip.of(values, skeleton_layout(LAYOUT), CHANNELS)


CLIPS = [clip(frames, seed) for seed, frames in enumerate((5, 9, 1))]


def test_means_and_deviations_are_those_of_all_places_where_a_joint_is_seen() -> None:
    made = Standardise().fitted(CLIPS)
    for joint in range(len(made.mean) - 1):
        for axis in (0, 1):
            seen = [
                float(one.values[t, p, joint, axis])
                for one in CLIPS
                for t in range(len(one))
                for p in (0, 1)
                if bool(one.present[t, p, joint])
            ]
            assert made.mean[joint][axis] == pytest.approx(fmean(seen), rel=1e-5)
            assert made.deviation[joint][axis] == pytest.approx(pstdev(seen) or 1.0, rel=1e-4)
    assert made.mean[-1] == (0, 0)
    assert made.deviation[-1] == (1, 1)


def test_what_is_seen_is_standardised_limited_and_what_is_missing_stays_zero() -> None:
    made = Standardise(limit=1.5).fitted(CLIPS)
    for one in CLIPS:
        shown = made(one, Chance())
        for t, p, joint in one.present.logical_not().nonzero().tolist():
            assert shown.values[t, p, joint].tolist() == [0, 0, 0]
        for t, p, joint in one.present.nonzero().tolist():
            for axis in (0, 1):
                slow = (float(one.values[t, p, joint, axis]) - made.mean[joint][axis]) / made.deviation[joint][axis]
                found = float(shown.values[t, p, joint, axis])
                assert found == pytest.approx(max(-1.5, min(1.5, slow)), abs=1e-4)
        assert torch.equal(shown.values[..., 2], one.values[..., 2])


def test_its_description_rebuilds_it() -> None:
    made = Standardise().fitted(CLIPS)
    assert build(describe_transform(made)) == made


def test_it_wants_training_clips_and_the_same_joints() -> None:
    with pytest.raises(ValueError, match="was not fitted to training clips"):
        Standardise()(CLIPS[0], Chance())
    made = Standardise(mean=((0.0, 0.0),), deviation=((1.0, 1.0),))
    with pytest.raises(ValueError, match="fitted to 1 joints with 2 coordinates, and this clip has 5 with 2"):
        made(CLIPS[0], Chance())
    with pytest.raises(ValueError, match="Standardise limit is 0"):
        Standardise(limit=0)
