"""A pinhole camera before the signer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slr.synthesis.camera import Camera
from slr.synthesis.signers import make_signers

PLAIN = Camera(width=60, height=80, unit=15.0, centre=(30.0, 36.0), roll=0.0)


def test_a_point_in_the_plane_of_the_body_lands_where_lengths_say() -> None:
    np.testing.assert_allclose(PLAIN.project(np.array([2.0, -1.0, 0.0])), [30 + 2 * 15, 36 - 15])


def test_the_middle_of_the_shoulders_lands_a_little_above_the_middle_of_the_frame() -> None:
    signer = replace(make_signers(1, np.random.default_rng(0))[0], camera_shift=(0.1, -0.02))
    x, y = Camera.for_signer(signer, 100, 200).project(np.zeros(3))
    assert (x, y) == pytest.approx((60.0, 200 * (0.445 - 0.02)))


def test_a_shoulder_half_width_covers_the_signers_share_of_the_frame() -> None:
    signer = replace(make_signers(1, np.random.default_rng(0))[0], scale=0.25, roll=0.0)
    for width in (63, 210):
        camera = Camera.for_signer(signer, width, 260)
        right, left = camera.project(np.array([[-1.0, 0, 0], [1.0, 0, 0]]))
        assert (left - right)[0] == pytest.approx(0.5 * width)


def test_what_is_nearer_to_the_camera_is_larger() -> None:
    span = np.array([[0.0, 0.0, 0.0], [1.0, 0.5, 0.0]])
    sizes = [float(np.linalg.norm(np.diff(PLAIN.project(span + (0, 0, depth)), axis=0))) for depth in (-1, 0, 1, 2)]
    assert sizes[0] < sizes[1] < sizes[2] < sizes[3]
    assert sizes[2] / sizes[1] == pytest.approx(9 / 8)  # nine units away, one nearer


def test_magnification_is_the_size_of_a_unit_at_that_depth() -> None:
    for depth in (-0.5, 0.0, 1.3):
        ends = PLAIN.project(np.array([[0.4, 0.2, depth], [1.4, 0.2, depth]]))
        assert float(PLAIN.magnification(np.array([0.0, 0.0, depth]))) == pytest.approx(ends[1, 0] - ends[0, 0])


def test_roll_turns_the_picture_about_the_middle_of_the_shoulders() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    rolled = replace(PLAIN, roll=0.3).project(points) - PLAIN.centre
    plain = PLAIN.project(points) - PLAIN.centre
    for (x, y), (rx, ry) in zip(plain, rolled, strict=True):
        assert complex(rx, ry) == pytest.approx(complex(x, y) * np.exp(0.3j))


def test_axes_before_the_last_are_kept() -> None:
    points = np.random.default_rng(0).normal(size=(2, 3, 4, 3))
    assert PLAIN.project(points).shape == (2, 3, 4, 2)
    np.testing.assert_array_equal(PLAIN.project(points)[1, 2, 3], PLAIN.project(points[1, 2, 3]))
