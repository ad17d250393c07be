from __future__ import annotations

import math

import pytest
import torch

from slr.data.isolated import (
    Chance,
    DetectorNoise,
    GaussianNoise,
    LocalDistortion,
    LoseGroups,
    LoseJoints,
    MaskBox,
    SkeletonClip,
    Transform,
)
from slr.data.isolated.transforms.noise import finger_chains
from slr.skeleton import skeleton_layout

SIGN = skeleton_layout("sign-27")
LEFT, RIGHT = list(SIGN.groups["left_hand"]), list(SIGN.groups["right_hand"])


def clip(frames: int = 20, channels: tuple[str, ...] = ("x", "y", "score"), persons: int = 1) -> SkeletonClip:
    generator = torch.Generator().manual_seed(5)
    values = torch.rand(frames, persons, 27, len(channels), generator=generator) + 0.5
    lost = torch.rand(values.shape[:-1], generator=generator) < 0.1
    return SkeletonClip.of(torch.where(lost[..., None], 0.0, values), SIGN, channels)


def training(seed: int = 0) -> Chance:
    return Chance.training(torch.Generator().manual_seed(seed))


RANDOM = [
    LoseJoints(0.3), LoseGroups(0.5), MaskBox(probability=1), GaussianNoise(0.1), LocalDistortion(0.1),
    DetectorNoise(0.5, lost=0.5),
]  # fmt: skip


@pytest.mark.parametrize("transform", RANDOM, ids=repr)
@pytest.mark.parametrize("frames", [1, 2, 20])
def test_nothing_is_random_in_testing_and_what_is_missing_stays_so(transform: Transform, frames: int) -> None:
    for given in (clip(frames), clip(frames, ("x", "y", "z"), persons=2)):
        before = given.values.clone()
        assert transform(given, Chance()) is given
        for seed in range(5):
            made = transform(given, training(seed))
            assert made.values.shape == given.values.shape
            assert not made.values[~made.present].any()
            assert not bool((made.present & ~given.present).any())
            assert torch.equal(made.values, transform(given, training(seed)).values)
        assert torch.equal(given.values, before)
    nothing = SkeletonClip.of(torch.zeros(frames, 1, 27, 3), SIGN, "xyz")
    assert not transform(nothing, training()).values.any()


def test_joints_are_lost_for_good_or_for_a_stretch() -> None:
    whole = SkeletonClip.of(torch.ones(20, 1, 27, 3), SIGN, "xyz")
    lost, for_good = 0, 0
    for seed in range(200):
        made = LoseJoints(0.2)(whole, training(seed))
        gone = ~made.present[:, 0]  # [T, J]
        lost += int(gone.any(0).sum())
        for_good += int(gone.all(0).sum())
        for joint in gone.any(0).nonzero()[:, 0].tolist():
            places = gone[:, joint].nonzero()[:, 0].tolist()
            assert places == list(range(places[0], places[0] + len(places)))
    assert 0.18 < lost / (200 * 27) < 0.22
    assert 0.4 < for_good / lost < 0.65


def test_a_whole_hand_is_lost_and_never_both() -> None:
    whole = SkeletonClip.of(torch.ones(4, 1, 27, 3), SIGN, "xyz")
    counts = [0, 0]
    for seed in range(300):
        gone = ~LoseGroups(0.3)(whole, training(seed)).present[0, 0]
        for side, hand in enumerate((LEFT, RIGHT)):
            assert bool(gone[hand].all()) == bool(gone[hand].any())
            counts[side] += bool(gone[hand].all())
        assert not gone.all()
        assert not (gone[LEFT].any() and gone[RIGHT].any())
    assert min(counts) > 40
    with pytest.raises(ValueError, match="has no group 'mouth' to lose"):
        LoseGroups(groups=("mouth",))(whole, training())


def test_a_box_loses_what_is_in_it() -> None:
    given = clip(6)
    for seed in range(20):
        made = MaskBox(0.5, probability=1)(given, training(seed))
        gone = (given.present & ~made.present).nonzero()
        if not len(gone):
            continue
        inside = given.position[given.present & ~made.present]
        low, high = inside.amin(0), inside.amax(0)
        assert (high - low).max() <= 0.5 * 1.0 + 1e-5
        place = given.position[made.present]
        assert not ((place > low) & (place < high)).all(-1).any()


def test_noise_has_its_deviation_and_spares_scores() -> None:
    given = SkeletonClip.of(torch.ones(200, 1, 27, 3), SIGN, ("x", "y", "score"))
    made = GaussianNoise(0.05)(given, training())
    away = (made.values - given.values)[..., :2]
    assert float(away.std()) == pytest.approx(0.05, rel=0.05)
    assert abs(float(away.mean())) < 0.002
    assert torch.equal(made.values[..., 2], given.values[..., 2])
    done = [GaussianNoise(0.05, probability=0.2)(given, training(seed)) is not given for seed in range(200)]
    assert 20 <= sum(done) <= 62


def test_fingers_are_the_branches_below_the_hands() -> None:
    chains = finger_chains(SIGN)
    assert len(chains) == 10
    assert sorted(len(chain) for chain in chains) == [1, 1, 2, 2, 2, 2, 2, 2, 2, 2]
    names = {tuple((SIGN.joints[joint], depth) for joint, depth in chain) for chain in chains}
    assert (("left_hand_index_1", 1), ("left_hand_index_4", 2)) in names
    assert len(finger_chains(skeleton_layout("mediapipe-holistic-543"))) == 10
    assert len(finger_chains(skeleton_layout("ntu-25"))) == 4  # what hangs on its centre


def test_a_finger_is_displaced_smoothly_and_most_at_its_tip() -> None:
    given = SkeletonClip.of(torch.ones(64, 1, 27, 3), SIGN, "xyz")
    made = LocalDistortion(0.1, smooth=8)(given, training())
    away = (made.values - given.values)[:, 0]
    body = [joint for joint in range(27) if joint not in LEFT and joint not in RIGHT]
    roots = [SIGN.roots["left_hand"], SIGN.roots["right_hand"]]
    assert not away[:, [*body, *roots]].any()
    base, tip = SIGN.index("left_hand_index_1"), SIGN.index("left_hand_index_4")
    torch.testing.assert_close(away[:, base], away[:, tip] / 2, atol=1e-6, rtol=1e-4)
    # Lines between knots every 64 / 8 frames: the second difference vanishes but at the knots.
    bends = away[:, tip].diff(n=2, dim=0).abs().amax(-1) > 1e-4
    assert int(bends.sum()) <= 2 * 7
    tips = torch.stack([LocalDistortion(0.1)(given, training(seed)).values[0, 0, tip] - 1 for seed in range(300)])
    assert float(tips.std()) == pytest.approx(0.1, rel=0.1)


def test_fast_hands_are_noisier_and_hands_are_lost_for_a_while() -> None:
    values = torch.ones(40, 1, 27, 3)
    values[:, 0, LEFT, 0] += torch.arange(40.0)[:, None] * 0.2  # the left hand moves 0.2 a frame
    given = SkeletonClip.of(values, SIGN, "xyz")
    made = DetectorNoise(jitter=0.5, lost=0)(given, training())
    away = (made.values - given.values)[:, 0]
    assert not away[:, RIGHT].any()
    assert not away[0].any()
    assert float(away[1:, LEFT].std()) == pytest.approx(0.1, rel=0.1)
    lengths = set()
    for seed in range(100):
        gone = ~DetectorNoise(0, lost=1, longest=5)(given, training(seed)).present[:, 0]
        for hand in (LEFT, RIGHT):
            assert torch.equal(gone[:, hand].any(1), gone[:, hand].all(1))
            places = gone[:, hand[0]].nonzero()[:, 0].tolist()
            assert places == list(range(places[0], places[0] + len(places)))
            lengths.add(len(places))
    assert lengths == {1, 2, 3, 4, 5}
    with pytest.raises(ValueError, match="has no hands to lose"):
        DetectorNoise()(SkeletonClip.of(torch.ones(2, 1, 25, 3), skeleton_layout("ntu-25"), "xyz"), Chance())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: LoseJoints(2), lambda: LoseGroups(-1), lambda: MaskBox(2), lambda: GaussianNoise(-1),
        lambda: LocalDistortion(smooth=0), lambda: DetectorNoise(longest=0), lambda: DetectorNoise(jitter=-math.inf),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="it must be"):
        wrong()  # type: ignore[operator]
