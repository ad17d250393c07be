"""Signing moves like a body: smooth, in order, with arms that keep their lengths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slr.synthesis.motion import Motion, minimum_jerk, sign_sentence
from slr.synthesis.phonology import HANDSHAPES, MOUTHS, MOVEMENTS, ORIENTATIONS, PLACES, Array, Sign
from slr.synthesis.signers import Signer, make_signers

PLAIN = Sign("PLAIN", "flat", "chest", "hold", "up-out", "closed", "one")
MIDDLE = 9  # knuckle of the middle finger


def still_signer() -> Signer:
    """A signer with no habits and no sway."""
    signer = make_signers(1, np.random.default_rng(0))[0]
    return replace(
        signer, sway=0.0, tempo=1.0, amplitude=1.0, shoulder=1.0, hand=1.0, place_offset=(0, 0, 0),
        direction_offset=(0, 0, 0),
    )  # fmt: skip


def some_signs(count: int, generator: np.random.Generator) -> list[Sign]:
    def pick(names: object) -> str:
        return str(generator.choice(list(names)))  # type: ignore[call-overload]

    return [
        Sign(
            f"S{index}", pick(HANDSHAPES), pick(PLACES), pick(MOVEMENTS), pick(ORIENTATIONS), pick(MOUTHS),
            pick(("one", "mirrored", "base")),
        )
        for index in range(count)
    ]  # fmt: skip


def signed(
    *signs: Sign, seed: int = 0, duration: int | None = 14, signer: Signer | None = None, num_frames: int | None = None
) -> Motion:
    durations = [duration] * len(signs) if duration is not None else None
    return sign_sentence(
        signs, signer or still_signer(), np.random.default_rng(seed), durations=durations, num_frames=num_frames
    )


def many_motions() -> list[Motion]:
    generator = np.random.default_rng(0)
    signers = make_signers(6, generator)
    return [signed(*some_signs(5, generator), seed=i, duration=None, signer=signer) for i, signer in enumerate(signers)]


def inside(motion: Motion, index: int = 0) -> slice:
    segment = motion.segments[index]
    return slice(segment.start, segment.end)


def lengths(vectors: Array) -> Array:
    return np.linalg.norm(vectors, axis=-1)


# --- minimum jerk


def test_minimum_jerk_rises_from_nothing_to_everything_and_is_symmetric() -> None:
    for steps in (1, 2, 5, 30):
        weight = minimum_jerk(steps)
        assert len(weight) == steps
        assert (np.diff([0.0, *weight, 1.0]) > 0).all()
        np.testing.assert_allclose(weight + weight[::-1], 1.0)


def test_minimum_jerk_starts_and_ends_without_speed_and_acceleration() -> None:
    weight = np.concatenate([[0.0], minimum_jerk(999), [1.0]])
    speed, acceleration = np.gradient(weight, 1e-3), np.gradient(np.gradient(weight, 1e-3), 1e-3)
    assert abs(speed[[0, -1]]).max() < 1e-4
    assert abs(acceleration[[0, -1]]).max() < 0.1 < 5 < abs(acceleration).max()
    assert speed.max() == pytest.approx(1.875, rel=1e-3)  # Flash & Hogan: 15/8 of the mean speed, half way
    assert speed.argmax() == 500


# --- sentences


def test_segments_lie_in_the_clip_in_order_with_transitions_between() -> None:
    for motion in many_motions():
        assert [segment.gloss for segment in motion.segments] == [f"S{i}" for i in range(5)]
        assert motion.segments[0].start > 0
        assert motion.segments[-1].end < len(motion)
        assert all(segment.start < segment.end for segment in motion.segments)
        for before, after in zip(motion.segments, motion.segments[1:], strict=False):
            assert 2 <= after.start - before.end <= 8


def test_all_parts_of_a_motion_have_its_length_and_are_finite() -> None:
    for motion in many_motions():
        shapes = {"hands": (2, 21, 3), "palms": (2, 3), "arms": (2, 3, 3), "head": (3,), "mouth": (2,)}
        for part, shape in shapes.items():
            values = getattr(motion, part)
            assert values.shape == (len(motion), *shape)
            assert np.isfinite(values).all()


def test_durations_are_respected() -> None:
    generator = np.random.default_rng(1)
    durations = [4, 20, 9]
    motion = sign_sentence(some_signs(3, generator), still_signer(), generator, durations=durations)
    assert [segment.end - segment.start for segment in motion.segments] == durations


def test_drawn_durations_follow_the_tempo_of_sign_and_signer() -> None:
    def mean_duration(sign_tempo: float, signer_tempo: float) -> float:
        signs = [replace(PLAIN, tempo=sign_tempo)] * 40
        motion = signed(*signs, duration=None, signer=replace(still_signer(), tempo=signer_tempo))
        frames = [segment.end - segment.start for segment in motion.segments]
        assert all(round(6 * sign_tempo * signer_tempo) <= n <= round(10 * sign_tempo * signer_tempo) for n in frames)
        return float(np.mean(frames))

    assert mean_duration(1.0, 1.0) == pytest.approx(8.0, abs=0.6)
    assert mean_duration(1.5, 1.2) == pytest.approx(8.0 * 1.8, abs=1.0)


@pytest.mark.parametrize("num_frames", [300, 113, 60, 25])
def test_a_stretched_clip_has_exactly_the_frames_asked_for(num_frames: int) -> None:
    signs = some_signs(4, np.random.default_rng(2))
    free, motion = signed(*signs, duration=12), signed(*signs, duration=12, num_frames=num_frames)
    assert len(motion) == num_frames
    assert motion.segments[-1].end <= num_frames
    factor = (num_frames - 1) / (len(free) - 1)
    for stretched, segment in zip(motion.segments, free.segments, strict=True):
        assert stretched.start == pytest.approx(segment.start * factor, abs=0.51)
        assert stretched.end == pytest.approx(segment.end * factor, abs=0.51)
    for before, after in zip(motion.segments, motion.segments[1:], strict=False):
        assert before.end <= after.start


def test_a_clip_squeezed_to_a_few_frames_keeps_a_frame_for_every_sign() -> None:
    motion = signed(*some_signs(4, np.random.default_rng(2)), num_frames=4)
    assert len(motion) == 4
    assert all(0 <= segment.start < segment.end <= 4 for segment in motion.segments)


def test_hands_start_and_end_at_rest() -> None:
    for motion in many_motions():
        for frame in (0, -1):
            assert (motion.hands[frame, :, 0, 1] > 1.5).all()  # wrists below the chest
            assert motion.hands[frame, 0, 0, 0] < 0 < motion.hands[frame, 1, 0, 0]


def test_no_hand_jumps() -> None:
    for motion in many_motions():
        speed = lengths(np.diff(motion.hands[:, :, MIDDLE], axis=0))
        # A minimum-jerk transition peaks at 15/8 of its mean speed, which grows with the way to at most 1 / 1.7.
        assert 0.05 < speed.max() < 15 / 8 / 1.7 / 0.88 + 0.2


def test_two_performances_differ_and_one_seed_repeats_itself() -> None:
    first, again, other = (signed(PLAIN, seed=seed, duration=None) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.hands, again.hands)
    assert first.segments == again.segments
    middle = [motion.hands[sum((motion.segments[0].start, motion.segments[0].end)) // 2] for motion in (first, other)]
    assert abs(middle[0] - middle[1]).max() > 0.01


# --- signs


def test_neighbours_change_a_sign_at_its_borders_and_not_in_its_middle() -> None:
    high, low = replace(PLAIN, place="forehead"), replace(PLAIN, place="low")
    first, second = signed(high, PLAIN, high), signed(low, PLAIN, low)
    one, other = first.hands[inside(first, 1), 0], second.hands[inside(second, 1), 0]
    difference = abs(one - other).max(axis=(1, 2))
    assert difference[:1].min() > 0.02
    assert difference[-1:].min() > 0.02
    assert difference[4:-4].max() < 1e-9  # the smoothing reaches four frames


def test_a_short_sign_between_others_undershoots() -> None:
    tall = replace(PLAIN, movement="down")
    motions = [signed(PLAIN, tall, PLAIN, duration=frames) for frames in (4, 24)]
    short, long = (float(np.ptp(motion.hands[inside(motion, 1), 0, 0, 1])) for motion in motions)
    assert 0.2 < short < 0.9 * long


def test_the_dominant_hand_signs_where_the_place_is() -> None:
    for name, place in PLACES.items():
        motion = signed(replace(PLAIN, place=name), duration=20)
        hand = motion.hands[inside(motion)][10, 0]
        centre = (hand[0] + hand[MIDDLE]) / 2
        assert lengths(centre - place) < 0.35, name  # four deviations of the variation between performances


@pytest.mark.parametrize(
    ("movement", "axis", "sign"), [("down", 1, 1), ("outward", 0, -1), ("forward", 2, 1), ("arc", 0, 1)]
)
def test_movements_go_where_their_names_say(movement: str, axis: int, sign: int) -> None:
    motion = signed(replace(PLAIN, movement=movement), duration=20)
    way = motion.hands[inside(motion), 0, 0]
    change = way[-1] - way[0]
    assert sign * change[axis] > 0.6
    assert abs(change).argmax() == axis


def test_holding_stays_and_circling_comes_back() -> None:
    hold = signed(PLAIN, duration=20)
    circle = signed(replace(PLAIN, movement="circle"), duration=20)
    assert np.ptp(hold.hands[inside(hold), 0, 0][4:-4], axis=0).max() < 1e-9
    way = circle.hands[inside(circle), 0, 0]
    assert lengths(way[0] - way[-1]) < 0.3 < 0.6 < np.ptp(way, axis=0)[:2].min()


def test_closing_closes_the_fingers_and_twisting_turns_the_palm() -> None:
    close = signed(replace(PLAIN, movement="close"), duration=20)
    reach = lengths(close.hands[inside(close), 0, 12] - close.hands[inside(close), 0, 0])
    assert reach[-2] < 0.8 * reach[1]
    twist = signed(replace(PLAIN, movement="twist"), duration=20)
    depth = twist.palms[inside(twist), 0, 2]
    assert np.ptp(depth) > 0.5
    assert np.ptp(signed(PLAIN, duration=20).palms[8:-8, 0, 2]) < 0.5


def test_a_mirrored_sign_moves_both_hands_alike() -> None:
    motion = signed(replace(PLAIN, hands="mirrored", movement="arc", handshape="claw"))
    np.testing.assert_allclose(motion.hands[:, 1], motion.hands[:, 0] * (-1, 1, 1), atol=1e-9)
    np.testing.assert_allclose(motion.palms[:, 1], motion.palms[:, 0] * (-1, 1, 1), atol=1e-9)
    np.testing.assert_allclose(motion.arms[:, 1], motion.arms[:, 0] * (-1, 1, 1), atol=1e-9)


def test_the_other_hand_of_a_one_handed_sign_rests() -> None:
    motion = signed(replace(PLAIN, movement="circle"))
    assert np.ptp(motion.hands[:, 1], axis=0).max() < 1e-9
    assert np.ptp(motion.hands[:, 0, 0], axis=0).max() > 0.5


def test_a_base_hand_lies_flat_and_still_below_the_dominant_one() -> None:
    motion = signed(replace(PLAIN, hands="base", movement="circle"), duration=20)
    base, dominant = motion.hands[inside(motion), 1][5:-5], motion.hands[inside(motion), 0][5:-5]
    assert np.ptp(base, axis=0).max() < 1e-9
    assert base[:, MIDDLE, 1].mean() > dominant[:, MIDDLE, 1].mean() + 0.2
    assert motion.palms[inside(motion), 1][10, 1] < -0.9  # looks up


def test_the_mouth_has_its_shape_during_the_sign_and_is_closed_before() -> None:
    for name, mouth in MOUTHS.items():
        motion = signed(replace(PLAIN, mouth=name))
        assert motion.mouth[inside(motion)][7] == pytest.approx((mouth.opening, mouth.width), abs=0.25), name
        assert motion.mouth[0] == pytest.approx((MOUTHS["closed"].opening, MOUTHS["closed"].width), abs=0.1)
        assert motion.mouth.min() >= 0
        assert motion.mouth.max() <= 1


def test_palms_look_across_the_hand() -> None:
    for motion in many_motions():
        np.testing.assert_allclose(lengths(motion.palms), 1.0)
        along = motion.hands[:, :, MIDDLE] - motion.hands[:, :, 0]
        # The knuckle of the middle finger lies a little beside the axis, never before the palm.
        assert abs(np.sum(along * motion.palms, axis=-1)).max() < 1e-9


# --- bodies


def test_arms_keep_their_lengths_unless_the_hand_is_out_of_reach() -> None:
    giant = replace(still_signer(), amplitude=5.0)
    reaching = signed(replace(PLAIN, place="side", movement="outward"), signer=giant)
    stretched = 0
    for motion in [*many_motions(), reaching]:
        shoulder, elbow, wrist = (motion.arms[:, :, joint] for joint in range(3))
        upper, fore, way = lengths(elbow - shoulder), lengths(wrist - elbow), lengths(wrist - shoulder)
        far, folded = way > 0.98 * (1.45 + 1.35), way < 1.45 - 1.35
        near = ~far & ~folded
        np.testing.assert_allclose(upper[~far], 1.45)
        np.testing.assert_allclose(fore[near], 1.35)
        assert (abs(fore[folded] - 1.40) <= 0.05).all()  # a hand at its own shoulder needs arms of equal bones
        stretched += int(far.sum())
        np.testing.assert_allclose(upper[far] / fore[far], 1.45 / 1.35)
        np.testing.assert_allclose(upper[far] + fore[far], way[far] / 0.98)
    assert 0 < stretched < len(reaching)  # only the giant's


def test_arms_end_at_the_wrists_and_hang_from_the_shoulders() -> None:
    for motion in many_motions():
        np.testing.assert_allclose(motion.arms[:, :, 2], motion.hands[:, :, 0])
        middle = motion.arms[:, :, 0].mean(axis=1)
        assert lengths(middle).max() < 0.4  # sway alone moves it
        assert (motion.arms[:, 0, 0, 0] < motion.arms[:, 1, 0, 0]).all()  # the right one is left in the image


def test_elbows_of_resting_arms_hang_outward() -> None:
    motion = signed(PLAIN)
    assert motion.arms[0, 0, 1, 0] < motion.arms[0, 0, 0, 0]
    assert motion.arms[0, 1, 1, 0] > motion.arms[0, 1, 0, 0]
    assert (motion.arms[0, :, 1, 1] > 1.0).all()


def test_sway_moves_shoulders_and_head_slowly() -> None:
    motion = signed(*[PLAIN] * 10, signer=replace(still_signer(), sway=0.05))
    head = motion.head - motion.head.mean(axis=0)
    assert 0.005 < head.std(axis=0)[0] < 0.3
    assert lengths(np.diff(motion.head, axis=0)).max() < 0.2 * np.ptp(head[:, 0])
    still = signed(PLAIN)
    assert np.ptp(still.head, axis=0).max() == 0
