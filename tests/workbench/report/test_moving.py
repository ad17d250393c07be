from __future__ import annotations

import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from slr.skeleton import skeleton_layout
from workbench.report.moving import LAST, MARGIN, MISSING, ShownSkeleton, deflated, differences, quantised

SIZE = (200, 100)


def restored(content: bytes, steps: int, joints: int) -> NDArray[np.uint8]:
    """What the script of a page does: one row after the other, each number on top of the one before."""
    rows = []
    for row in range(2 * joints):
        total, values = 0, []
        for byte in content[row * steps : (row + 1) * steps]:
            total = (total + byte) % 256
            values.append(total)
        rows.append(values)
    return np.array(rows, np.uint8).reshape(joints, 2, steps).transpose(2, 0, 1)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 1000))
def test_places_come_back(steps: int, joints: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (steps, joints, 2)).astype(np.uint8)
    assert np.array_equal(restored(differences(values), steps, joints), values)


def test_a_place_is_known_to_half_a_step_of_the_grid() -> None:
    chance = np.random.default_rng(0)
    places = chance.uniform(0, 1, (50, 4, 2)) * SIZE
    values = quantised(np.concatenate([places, np.ones((50, 4, 1))], -1), SIZE, 0.0)
    back = (values / LAST * (1 + 2 * MARGIN) - MARGIN) * SIZE
    assert np.abs(back - places).max() <= 0.5 / LAST * (1 + 2 * MARGIN) * max(SIZE) + 1e-9


def test_what_is_missing_uncertain_or_far_outside_is_no_place() -> None:
    pose = np.array([[[10, 10, 1.0], [10, 10, 0.0], [10, 10, 0.2], [-15, 50, 1.0], [-25, 50, 1.0], [10, 120, 1.0]]])
    values = quantised(pose, SIZE, 0.3)
    assert [bool((joint == MISSING).all()) for joint in values[0]] == [False, True, True, False, True, True]
    assert not (quantised(pose, SIZE, 0.0)[0, 2] == MISSING).any()


def test_the_third_dimension_is_not_shown() -> None:
    flat = np.array([[[10, 10, 1.0], [20, 30, 0.2]]])
    deep = np.array([[[10, 10, -400, 1.0], [20, 30, 900, 0.2]]])
    assert np.array_equal(quantised(deep, SIZE, 0.3), quantised(flat, SIZE, 0.3))


def test_groups_can_be_left_out_and_bones_keep_their_joints() -> None:
    layout = skeleton_layout("coco-wholebody-133")
    whole, without = ShownSkeleton.of(layout), ShownSkeleton.of(layout, ("face",))
    assert whole.joints == tuple(range(133))
    assert len(whole.bones) == len(layout.bones)
    assert "face" not in without.groups
    assert len(without.joints) == 133 - len(layout.groups["face"])
    left = {layout.joints[joint] for joint in without.joints}
    for parent, child, group in without.bones:
        names = [layout.joints[without.joints[joint]] for joint in (parent, child)]
        assert set(names) <= left
        assert layout.index(names[1]) in layout.groups[without.groups[group]]


def test_bytes_are_packed_as_browsers_unpack_them() -> None:
    content = bytes(range(256)) * 20
    packed = deflated(content)
    assert len(packed) < len(content) / 4
    assert zlib.decompress(packed, -15) == content
