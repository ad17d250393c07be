"""Attention of the action networks: over joints, over steps, over channels, in turn."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.types import Padded, ZeroPadded


class STCAttention(nn.Module):
    """Spatial, temporal and channel attention of MS-AAGCN (Shi et al., IEEE TIP 2020), also in SL-GCN and DSTA-SLR.

    Three gates in turn, each ``y <- y + gate * y`` with numbers between 0 and 1: one per joint, from the mean over the
    steps of the clip, by a convolution over the joints as they are numbered; one per step, from the mean over the
    joints, by a convolution over ``kernel`` steps; one per channel, from the mean over both, by two linear layers with
    ReLU between, half as wide there. A new module has all gates of steps and channels at one half.

    The three means are taken from two sums over the clip, and the gates multiply it once: the mean over the joints of
    what the second gate leaves is that of what it was given, times the gate.

    ``[B, T, J, width]`` -> ``[B, T, J, width]``; padding is zero.

    Raises:
        ValueError: when ``kernel`` is even.
    """

    def __init__(self, width: int, joints: int, kernel: int = 9) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"attention kernel {kernel} is even: only an odd one has as many steps before as after")
        over_joints = joints - 1 + joints % 2  # the largest odd number of joints
        self.joint_gate = nn.Conv1d(width, 1, over_joints, padding=over_joints // 2)
        self.step_gate = nn.Conv1d(width, 1, kernel, padding=kernel // 2)
        self.squeeze = nn.Linear(width, max(1, width // 2))
        self.channel_gate = nn.Linear(max(1, width // 2), width)
        nn.init.xavier_normal_(self.joint_gate.weight)
        nn.init.kaiming_normal_(self.squeeze.weight)
        for layer in (self.step_gate, self.channel_gate):
            nn.init.zeros_(layer.weight)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, clips: Padded) -> Padded:
        """Weigh every clip by its gates."""
        clips = clips.zeroed()
        values, joints = clips.values, clips.values.shape[2]
        steps = clips.lengths.clamp(min=1).to(values.dtype)[:, None]
        of_joints = values.sum(1) / steps[..., None]  # [B, J, D]
        joint = 1 + torch.sigmoid(self.joint_gate(of_joints.transpose(1, 2)))  # [B, 1, J]
        of_steps = (joint[:, None] @ values).squeeze(2) / joints  # [B, T, D]
        step = 1 + torch.sigmoid(self.step_gate(of_steps.transpose(1, 2)))  # [B, 1, T]
        channel = self._channels((step @ of_steps).squeeze(1) / steps)  # [B, D]
        gate = (step.transpose(1, 2) * joint).flatten(1)  # [B, T J]
        outer = torch.bmm(gate[:, :, None], channel[:, None])  # a product's gradients come from products, not from sums
        return ZeroPadded(values * outer.view_as(values), clips.lengths)

    def _channels(self, mean: Tensor) -> Tensor:
        return 1 + torch.sigmoid(self.channel_gate(torch.relu(self.squeeze(mean))))
