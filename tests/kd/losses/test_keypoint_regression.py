from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from kd.losses import KeypointRegression
from slr.types import Batch, NetOutput, Padded
from tests.losses import JOINTS, STUDENT_WIDTH
from tests.reference import losses as reference


def regression() -> KeypointRegression:
    torch.manual_seed(1)
    return KeypointRegression(student_width=STUDENT_WIDTH, joints=JOINTS)


def outputs(*lengths: int) -> NetOutput:
    frames = Padded.from_list([torch.randn(length, STUDENT_WIDTH) for length in lengths])
    return NetOutput(frames, {"frame": frames})


def batch_of(*lengths: int, rgb_stride: int = 1) -> Batch:
    pose = Padded.from_list([torch.randn(length, JOINTS, 3) for length in lengths])  # about half the joints are absent
    empty = Padded(torch.zeros(len(lengths), 0, dtype=torch.int64), torch.zeros(len(lengths), dtype=torch.int64))
    frames = Padded.from_list([torch.arange(length) for length in lengths])
    return Batch(tuple(map(str, lengths)), empty, frames, pose=pose, rgb_stride=rgb_stride)


def in_loops(loss: KeypointRegression, student: NetOutput, pose: list[torch.Tensor]) -> float:
    weight, bias = loss.head.weight.tolist(), loss.head.bias.tolist()
    predicted = [
        [reference.linear(step, weight, bias) for step in clip.tolist()] for clip in student.taps["frame"].unpad()
    ]
    return reference.keypoint_error(predicted, [clip.tolist() for clip in pose])


def test_it_is_the_mean_error_of_the_present_coordinates():
    loss, student, batch = regression(), outputs(5, 3), batch_of(5, 3)
    expected = in_loops(loss, student, batch.pose.unpad())
    torch.testing.assert_close(loss(student, None, batch).item(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("frames", "stride", "steps"), [((7, 4), 2, (4, 2)), ((10, 3), 4, (3, 1)), ((5, 1), 2, (3, 1))]
)
def test_an_image_network_is_asked_for_the_keypoints_of_the_frames_it_saw(
    frames: tuple[int, ...], stride: int, steps: tuple[int, ...]
):
    loss, student, batch = regression(), outputs(*steps), batch_of(*frames, rgb_stride=stride)
    expected = in_loops(loss, student, [clip[::stride] for clip in batch.pose.unpad()])
    torch.testing.assert_close(loss(student, None, batch).item(), expected, rtol=1e-4, atol=1e-5)


def test_a_pose_network_is_asked_for_every_frame_even_if_images_are_rarer():
    loss, student, batch = regression(), outputs(6, 4), batch_of(6, 4, rgb_stride=2)
    expected = in_loops(loss, student, batch.pose.unpad())
    torch.testing.assert_close(loss(student, None, batch).item(), expected, rtol=1e-4, atol=1e-5)


def test_a_coarser_tap_gets_the_nearest_keypoints():
    loss, student, batch = regression(), outputs(3), batch_of(9)
    expected = in_loops(loss, student, [clip[[0, 4, 8]] for clip in batch.pose.unpad()])
    torch.testing.assert_close(loss(student, None, batch).item(), expected, rtol=1e-4, atol=1e-5)


def test_absent_joints_may_hold_anything_and_get_no_gradient():
    loss, student, batch = regression(), outputs(5, 3), batch_of(5, 3)
    clean = loss(student, None, batch)
    values = batch.pose.values.clone()
    values[..., 0][values[..., 2] <= 0] = torch.nan
    values[..., 1][values[..., 2] <= 0] = torch.inf
    dirty = loss(student, None, replace(batch, pose=Padded(values, batch.pose.lengths)))
    dirty.backward()
    torch.testing.assert_close(dirty, clean)
    assert torch.isfinite(loss.head.weight.grad).all()


def test_a_joint_never_present_is_not_learned():
    loss, student, batch = regression(), outputs(5, 3), batch_of(5, 3)
    batch.pose.values[:, :, 2, 2] = 0
    loss(student, None, batch).backward()
    gradient = loss.head.bias.grad.reshape(JOINTS, 2)
    assert not gradient[2].any()
    assert gradient[[0, 1, 3]].abs().sum() > 0


def test_no_present_joint_gives_zero_and_a_gradient_of_zeros():
    loss, student, batch = regression(), outputs(5, 3), batch_of(5, 3)
    batch.pose.values[..., 2] = 0
    value = loss(student, None, batch)
    value.backward()
    assert value.item() == 0
    assert not loss.head.weight.grad.any()


def test_it_says_that_it_reads_the_pose_of_the_batch():
    assert regression().batch_streams == ("pose",)
    with pytest.raises(ValueError, match="no 'pose' stream"):
        regression()(outputs(5, 3), None, replace(batch_of(5, 3), pose=None))


def test_another_skeleton_is_an_error():
    with pytest.raises(ValueError, match="4 joints of 3 channels, but 9 joints"):
        KeypointRegression(student_width=STUDENT_WIDTH, joints=9)(outputs(5), None, batch_of(5))
    flat = replace(batch_of(5), pose=Padded(torch.zeros(1, 5, JOINTS, 2), torch.tensor([5])))
    with pytest.raises(ValueError, match="4 joints of 2 channels"):
        regression()(outputs(5), None, flat)


def test_several_persons_are_an_error():
    several = replace(batch_of(5), pose=Padded(torch.zeros(1, 5, 2, JOINTS, 3), torch.tensor([5])))
    with pytest.raises(ValueError, match=r"axes \[1, 5, 2, 4, 3\]: keypoints of one person"):
        regression()(outputs(5), None, several)


def test_its_width_is_that_of_the_tap():
    assert KeypointRegression.wanted_widths({"joints": 9}) == {"student_width": "frame"}
    assert KeypointRegression.wanted_widths({"joints": 9, "tap": "conv"}) == {"student_width": "conv"}
