"""A warm start for image encoders: find the keypoints. No gloss and no teacher is needed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kd.align import align_nearest
from kd.losses.base import Loss
from kd.reduce import masked_mean
from slr.types import Batch, NetOutput, Padded


class KeypointRegression(Loss):
    """Sum of ``|predicted - keypoint|`` over the coordinates of present joints, divided by the number of these.

    A linear head reads ``x`` and ``y`` of every joint from the features of a frame. A joint is present where its
    confidence is greater than 0; where the estimator lost it, nothing is asked. A frame encoder trained on this before
    CTC leaves the plateau on which CTC alone keeps it.

    The keypoints are those of the batch, at the frames that the network saw: every ``rgb_stride``-th step of the pose.
    A tap with yet another number of steps gets the nearest ones.

    Args:
        student_width: features of the tap.
        joints: keypoints ``J`` of the batch.
        tap: feature read, one step per frame if the network publishes it so.
    """

    batch_streams = ("pose",)

    def __init__(self, student_width: int, joints: int, tap: str = "frame") -> None:
        super().__init__()
        self.tap = tap
        self.student_taps = (tap,)
        self.joints = joints
        self.head = nn.Linear(student_width, 2 * joints)

    def compute(self, student: NetOutput, teacher: NetOutput | None, batch: Batch) -> Tensor:
        """Mean absolute error of the present coordinates, in the unit of the batch's pose.

        Raises:
            ValueError: when the batch has no pose or that of several persons, another number of joints, or no
                confidence beside ``x`` and ``y``.
        """
        features = student.read(self.tap)
        pose = self._pose_of(batch, features)
        predicted = self.head(features.values).unflatten(-1, (self.joints, 2))  # [B, S, J, 2]
        present = (pose.values[..., -1:] > 0) & pose.expanded_mask()
        present = present.expand_as(predicted)
        # The missing are replaced before the difference: they may be NaN.
        wanted = torch.where(present, pose.values[..., :2].to(predicted.dtype), predicted.detach())
        return masked_mean((predicted - wanted).abs(), present)

    def _pose_of(self, batch: Batch, features: Padded) -> Padded:
        """The keypoints ``[B, S, J, C]`` at the steps of the tap."""
        pose = batch.stream("pose")
        if pose.values.ndim != 4:
            raise ValueError(
                f"the pose of this batch has the axes {list(pose.values.shape)}: keypoints of one person, [clips, "
                "frames, joints, channels], are wanted"
            )
        joints, channels = pose.values.shape[2:]
        if joints != self.joints or channels < 3:
            raise ValueError(
                f"the pose of this batch has {joints} joints of {channels} channels, but {self.joints} joints of "
                "at least 3 channels (x, y, confidence) are wanted: set joints to those of the skeleton layout"
            )
        if not torch.equal(pose.lengths, features.lengths):
            pose = pose.every(batch.rgb_stride)
        return align_nearest(pose, features)
