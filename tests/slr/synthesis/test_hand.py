"""A hand is a rigid thing with joints."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from slr.synthesis.hand import PALM, hand_points, unit
from slr.synthesis.phonology import HANDSHAPES, Array

UP, TO_CAMERA = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
TIPS, KNUCKLES = [4, 8, 12, 16, 20], [5, 9, 13, 17]
BONES = [(joint, joint + 1) for first in (1, 5, 9, 13, 17) for joint in range(first, first + 3)]


def hand(
    flexion: Array | float = 0.0,
    spread: float = 0.0,
    centre: Array | float = 0.0,
    direction: Array = UP,
    normal: Array = TO_CAMERA,
    right: bool = True,
    size: float = 1.0,
) -> Array:
    """The 21 points of one hand in one frame."""
    return hand_points(
        np.zeros((1, 3)) + centre, direction[None], normal[None], np.zeros((1, 5)) + flexion, np.array([spread]),
        right=right, size=size,
    )[0]  # fmt: skip


def rotation(generator: np.random.Generator) -> Array:
    """A random turn, without a mirror."""
    matrix = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    return matrix * np.linalg.det(matrix)


def length(points: Array, first: int, second: int) -> float:
    return float(np.linalg.norm(points[first] - points[second]))


@pytest.mark.parametrize("name", ["fist", "vee", "claw", "why"])
def test_a_turned_hand_is_the_same_hand(name: str) -> None:
    generator = np.random.default_rng(0)
    shape = HANDSHAPES[name]
    standard = hand(np.array(shape.flexion), shape.spread)
    for _ in range(5):
        turn, centre = rotation(generator), generator.normal(size=3)
        turned = hand(np.array(shape.flexion), shape.spread, centre, turn @ UP, turn @ TO_CAMERA)
        np.testing.assert_allclose(turned, standard @ turn.T + centre, atol=1e-12)


def test_a_left_hand_is_the_mirror_of_a_right_one() -> None:
    generator = np.random.default_rng(0)
    mirror = np.array([-1.0, 1.0, 1.0])
    for _ in range(5):
        turn, flexion, centre = rotation(generator), generator.random(5), generator.normal(size=3)
        direction, normal = turn @ UP, turn @ TO_CAMERA
        right = hand(flexion, 0.7, centre, direction, normal)
        left = hand(flexion, 0.7, centre * mirror, direction * mirror, normal * mirror, right=False)
        np.testing.assert_allclose(left, right * mirror, atol=1e-12)


def test_bones_keep_their_lengths_when_fingers_bend_and_spread() -> None:
    generator = np.random.default_rng(0)
    straight = hand()
    for _ in range(10):
        bent = hand(generator.random(5), float(generator.random()))
        for bone in BONES:
            assert length(bent, *bone) == pytest.approx(length(straight, *bone), abs=1e-12)
        for knuckle in KNUCKLES:
            assert length(bent, 0, knuckle) == pytest.approx(length(straight, 0, knuckle), abs=1e-12)


def test_the_centre_is_the_middle_of_the_palm() -> None:
    points = hand(centre=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(points[0], [1.0, 2.0 + PALM / 2, 3.0])
    assert length(points, 0, 9) == pytest.approx(PALM, rel=0.15)  # the middle knuckle ends the palm


def test_fingertips_of_a_closed_hand_come_back_to_the_palm() -> None:
    straight, closed = hand(0.0), hand(1.0)
    for tip in TIPS[1:]:
        assert np.linalg.norm(closed[tip]) < 0.9 * PALM < np.linalg.norm(straight[tip])
        assert closed[tip] @ TO_CAMERA > 0  # before the palm, not through it
    for tip in TIPS:
        assert length(closed, tip, 9) < length(straight, tip, 9) or tip == 12


def test_a_straight_finger_is_straight_and_points_along_the_hand() -> None:
    points = hand()
    for knuckle in KNUCKLES:
        np.testing.assert_allclose(unit(points[knuckle + 3] - points[knuckle]), UP, atol=1e-12)


def test_fingers_bend_towards_where_the_palm_looks_and_further_the_more_they_flex() -> None:
    depths = [hand(flexion)[10, 2] for flexion in (0.0, 0.2, 0.4, 0.6)]
    assert depths[0] == 0
    assert all(later > earlier for earlier, later in itertools.pairwise(depths))


def test_flexion_of_one_finger_moves_no_other() -> None:
    for finger in range(5):
        moved = np.abs(hand(np.eye(5)[finger]) - hand()).sum(axis=1) > 1e-9
        assert set(np.flatnonzero(moved)) <= set(range(1 + 4 * finger, 5 + 4 * finger))
        assert moved[4 * finger + 4]


def test_spread_opens_the_fingers() -> None:
    gaps = [length(hand(spread=spread), 8, 20) for spread in (0.0, 0.5, 1.0)]
    assert gaps[0] < gaps[1] < gaps[2]


def test_the_thumb_of_a_raised_right_palm_is_right_in_the_image() -> None:
    assert hand()[4, 0] > hand()[9, 0] > hand()[20, 0]
    assert hand(right=False)[4, 0] < hand(right=False)[9, 0] < hand(right=False)[20, 0]


def test_a_larger_hand_is_larger_everywhere() -> None:
    np.testing.assert_allclose(hand(0.3, 0.5, size=1.2), 1.2 * hand(0.3, 0.5), atol=1e-12)


def test_frames_are_independent() -> None:
    generator = np.random.default_rng(0)
    flexion, spread, centre = generator.random((4, 5)), generator.random(4), generator.normal(size=(4, 3))
    turns = [rotation(generator) for _ in range(4)]
    directions, normals = np.stack([turn @ UP for turn in turns]), np.stack([turn @ TO_CAMERA for turn in turns])
    together = hand_points(centre, directions, normals, flexion, spread, right=True, size=1.0)
    assert together.shape == (4, 21, 3)
    for frame in range(4):
        alone = hand(flexion[frame], float(spread[frame]), centre[frame], directions[frame], normals[frame])
        np.testing.assert_allclose(together[frame], alone, atol=1e-12)


def test_unit_vectors_have_length_one_and_nothing_stays_nothing() -> None:
    vectors = np.array([[3.0, 0.0, 4.0], [0.0, 1e-3, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(unit(vectors), [[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
