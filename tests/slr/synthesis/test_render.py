"""Frames show what the body does, and the mouth that no keypoint tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from slr.synthesis.camera import Camera
from slr.synthesis.corpus import SimulatedClips
from slr.synthesis.motion import Motion
from slr.synthesis.phonology import Array
from slr.synthesis.render import render
from slr.synthesis.signers import Signer

Frames = NDArray[np.uint8]


@pytest.fixture(scope="module")
def clip(small: SimulatedClips) -> tuple[Motion, Signer, Camera]:
    return small.motion("dev", 0)


def only(motion: Motion, *frames: int) -> Motion:
    chosen = list(frames)
    parts = {name: getattr(motion, name)[chosen] for name in ("hands", "palms", "arms", "head", "mouth")}
    return replace(motion, segments=(), **parts)


def flat_hand(centre: tuple[float, float, float], size: float = 0.6) -> Array:
    """A hand like a plate: all points on a small circle about ``centre`` but the wrist and the middle knuckle."""
    angle = np.linspace(0, 2 * np.pi, 21)
    points = np.stack([size * np.cos(angle), size * np.sin(angle), 0 * angle], axis=1)
    return points + np.array(centre)


def colour_at(frame: Frames, pixel: Array) -> tuple[int, ...]:
    x, y = np.rint(pixel).astype(int)
    return tuple(int(channel) for channel in frame[y, x])


def near(colour: tuple[int, ...], other: tuple[int, ...], reach: int = 12) -> bool:
    return all(abs(a - b) <= reach for a, b in zip(colour, other, strict=True))


def test_frames_have_the_size_of_the_camera_and_one_stands_for_every_state(
    clip: tuple[Motion, Signer, Camera],
) -> None:
    motion, signer, camera = clip
    frames = render(only(motion, 0, 10, 20), signer, camera)
    assert frames.shape == (3, camera.height, camera.width, 3)
    assert frames.dtype == np.uint8
    larger = render(only(motion, 0), signer, Camera.for_signer(signer, 210, 260))
    assert larger.shape == (1, 260, 210, 3)


def test_a_motion_is_drawn_the_same_every_time(clip: tuple[Motion, Signer, Camera]) -> None:
    motion, signer, camera = clip
    np.testing.assert_array_equal(
        render(only(motion, 5, 6, 7), signer, camera), render(only(motion, 5, 6, 7), signer, camera)
    )


def test_the_mouth_changes_pixels_near_the_mouth_alone(clip: tuple[Motion, Signer, Camera]) -> None:
    motion, signer, camera = clip
    rest = only(motion, 0)
    wide = replace(rest, mouth=np.array([[1.0, 0.6]]))
    round_ = replace(rest, mouth=np.array([[0.6, 0.15]]))
    drawn = [render(state, signer, camera)[0].astype(int) for state in (rest, wide, round_)]
    unit = signer.head * float(camera.magnification(rest.head[0]))
    mouth = camera.project(rest.head[0]) + (0.0, 0.32 * unit)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        rows, columns = np.nonzero(abs(drawn[first] - drawn[second]).max(axis=-1) > 0)
        assert len(rows) >= 4
        assert abs(rows - mouth[1]).max() <= 0.18 * unit + 1.5
        assert abs(columns - mouth[0]).max() <= 0.24 * unit + 1.5


def test_an_open_mouth_is_dark(clip: tuple[Motion, Signer, Camera]) -> None:
    motion, signer, camera = clip
    rest = only(motion, 0)
    unit = signer.head * float(camera.magnification(rest.head[0]))
    mouth = camera.project(rest.head[0]) + (0.0, 0.32 * unit)
    brightness = [
        sum(colour_at(render(replace(rest, mouth=np.array([shape])), signer, camera)[0], mouth))
        for shape in ((0.05, 0.6), (1.0, 0.6))
    ]
    assert brightness[1] < brightness[0] - 60


def test_signers_look_different(small: SimulatedClips, clip: tuple[Motion, Signer, Camera]) -> None:
    motion, _, camera = clip
    looks = [render(only(motion, 0), signer, camera)[0].astype(int) for signer in small.signers.values()]
    for index, look in enumerate(looks):
        for other in looks[:index]:
            assert (abs(look - other).max(axis=-1) > 20).mean() > 0.2


def test_the_backdrop_fades_from_the_upper_to_the_lower_colour(clip: tuple[Motion, Signer, Camera]) -> None:
    motion, signer, camera = clip
    frame = render(only(motion, 0), signer, camera)[0]
    assert near(colour_at(frame, np.array([0, 0])), signer.background[0], 2)
    assert near(colour_at(frame, np.array([0, camera.height - 1])), signer.background[1], 2)


@pytest.mark.parametrize("nearer", [0, 1])
def test_the_nearer_hand_covers_the_other(clip: tuple[Motion, Signer, Camera], nearer: int) -> None:
    motion, signer, camera = clip
    state = only(motion, 0)
    depths = [0.4, 0.4]
    depths[nearer] = 0.9
    hands = np.stack([flat_hand((0.0, 0.8, depth)) for depth in depths])[None]
    palms = np.array([[[0, 0, 1.0], [0, 0, -1.0]]])  # the right hand shows its palm, the left its back
    arms = state.arms.copy()
    arms[0, :, 2] = hands[0, :, 0]
    frame = render(replace(state, hands=hands, palms=palms, arms=arms), signer, camera)[0]
    palm = tuple(int(0.75 * channel + 0.25 * 250) for channel in signer.skin)
    assert not near(palm, signer.skin)
    seen = colour_at(frame, camera.project(np.array([-0.15, 0.9, depths[nearer]])))
    assert near(seen, palm if nearer == 0 else signer.skin), (seen, palm, signer.skin)


def test_the_picture_lies_under_the_keypoints(small: SimulatedClips) -> None:
    """The middle of a hand is skin where the estimator says that the hand is."""
    hits = total = 0
    for index in range(4):
        motion, signer, camera = small.motion("dev", index)
        chosen = list(range(0, len(motion), 10))
        keypoints = small.keypoints("dev", index, "none")[chosen]
        palm = tuple(int(0.75 * channel + 0.25 * 250) for channel in signer.skin)
        for place, frame in enumerate(chosen):
            picture = render(only(motion, frame), signer, camera)[0]
            wrist, knuckle = keypoints[place, 112], keypoints[place, 121]
            if wrist[2] and knuckle[2]:
                colour = colour_at(picture, (wrist[:2] + knuckle[:2]) / 2)
                hits += near(colour, palm, 45) or near(colour, signer.skin, 45)
                total += 1
    assert total > 20
    assert hits > 0.75 * total  # the other hand, a finger or its outline may lie over it


def test_a_frame_still_shows_a_share_of_the_one_before(clip: tuple[Motion, Signer, Camera]) -> None:
    motion, signer, camera = clip
    middle = len(motion) // 2
    first, second = (render(only(motion, frame), signer, camera)[0].astype(float) for frame in (0, middle))
    blurred = render(only(motion, 0, middle, middle), signer, camera).astype(float)
    np.testing.assert_array_equal(blurred[0], first)
    np.testing.assert_allclose(blurred[1], 0.72 * second + 0.28 * first, atol=0.51)
    np.testing.assert_array_equal(blurred[2], second)
