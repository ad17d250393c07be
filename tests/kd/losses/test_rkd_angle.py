from __future__ import annotations

import pytest
import torch

from kd.losses import RKDAngle
from tests.losses import example, published
from tests.reference import relations as reference


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
@pytest.mark.parametrize("teacher_steps", [None, (9, 7, 3)])
def test_it_is_the_difference_of_the_angles_of_the_loop(over: str, teacher_steps: tuple[int, ...] | None):
    given = example(steps=(6, 2, 5), teacher_steps=teacher_steps)
    pairs = reference.sets_of(*given.features("context"), over=over)
    expected = reference.over_sets(pairs, reference.rkd_angle)
    assert expected > 0
    torch.testing.assert_close(given.loss(RKDAngle(over=over)).item(), expected, rtol=1e-4, atol=1e-6)


def test_a_right_angle_made_straight():
    given = published([[[0], [1], [2]]], [[[0, 0], [1, 0], [0, 1]]])
    # Cosines 1, -1, 1 instead of 0 and twice the root of a half.
    errors = [0.5, (1 + 0.5**0.5) - 0.5, (1 - 0.5**0.5) ** 2 / 2]
    torch.testing.assert_close(given.loss(RKDAngle()).item(), sum(errors) / 3)


def test_a_network_moved_turned_and_scaled_has_the_same_angles():
    ours = [[1, 2], [3, -1], [0, 1], [4, 4]]
    theirs = [[7 - 2 * y, 5 + 2 * x, 9] for x, y in ours]
    assert published([ours], [theirs]).loss(RKDAngle()).item() < 1e-10


def test_neighbouring_steps_keep_their_angles_in_spite_of_large_features():
    near = [[0, 0], [0.25, 0], [0, 0.25], [0.5, 0.75]]
    far = [[1000 + x, 1000 - y] for x, y in near]
    given = published([far], [near])
    value = given.loss(RKDAngle())
    value.backward()
    assert value.item() < 1e-8
    assert given.student.logits.values.grad.abs().max() < 1e-3


def test_of_long_clips_evenly_spaced_steps_are_used():
    given = example(steps=(9, 4, 3))
    ours, theirs = given.features("context")
    kept = ([0, 3, 5, 8], [0, 1, 2, 3], [0, 1, 2])  # of 9 steps those nearest to 0, 2.67, 5.33 and 8
    pairs = [
        ([ours[clip][step] for step in steps], [theirs[clip][step] for step in steps])
        for clip, steps in enumerate(kept)
    ]
    expected = reference.over_sets(pairs, reference.rkd_angle)
    torch.testing.assert_close(given.loss(RKDAngle(max_elements=4)).item(), expected, rtol=1e-4, atol=1e-6)


def test_triplets_in_which_two_elements_are_the_same_to_the_teacher_count_for_nothing():
    theirs = [[0, 0], [1, 0], [0, 1]]
    ours = [[0, 0], [1, 0], [1, 2]]
    alone = published([ours], [theirs])
    twice = published([[*ours, [9, 9]]], [[*theirs, [1, 0]]])  # the fourth step is the second one to the teacher
    expected = reference.rkd_angle([*ours, [9, 9]], [*theirs, [1, 0]])
    torch.testing.assert_close(twice.loss(RKDAngle()).item(), expected, rtol=1e-5, atol=1e-6)
    assert twice.loss(RKDAngle()) != alone.loss(RKDAngle())


@pytest.mark.parametrize("over", ["steps", "clips", "batch"])
def test_a_teacher_to_whom_all_is_the_same_has_nothing_to_say(over: str):
    given = published([[[0, 0], [1, 0], [0, 1]]], [[[2], [2], [2]]])
    value = given.loss(RKDAngle(over=over))
    value.backward()
    assert value.item() == 0
    assert not given.student.logits.values.grad.any()


def test_a_collapsed_student_pays_for_the_angles_of_the_teacher():
    given = published([[[2], [2], [2]]], [[[0, 0], [1, 0], [0, 1]]])
    value = given.loss(RKDAngle())
    value.backward()
    torch.testing.assert_close(value.item(), (0 + 0.25 + 0.25) / 3)
    assert not given.student.logits.values.grad.any()


@pytest.mark.parametrize("steps", [1, 2])
def test_less_than_three_steps_make_no_angle(steps: int):
    given = published([[[0, 1], [1, 0]][:steps]], [[[3], [4]][:steps]])
    value = given.loss(RKDAngle())
    value.backward()
    assert value.item() == 0
    assert not given.student.logits.values.grad.any()


@pytest.mark.parametrize(
    ("arguments", "sentence"), [({"over": "frames"}, "over is 'frames'"), ({"max_elements": 2}, "max_elements is 2")]
)
def test_senseless_arguments_are_refused(arguments: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        RKDAngle(**arguments)
