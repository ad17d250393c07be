"""Two views of a clip, each with gaps where the other has none: the input of complementary regularisation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from slr.types import NetOutput, Padded, strided_lengths


class ComplementaryViews(nn.Module):
    """Shows every clip twice while training, with other parts of it masked, and once, whole, in evaluation.

    A clip is cut into cells: ``segment`` frames of one joint group each, the last segment shorter. A cell is masked
    with probability ``2 rate``, and then in exactly one of the views, in either with the same chance. Masked keypoints
    are zero, the mean where they come from a normalisation (the complementary regularisation of CoSign's two-stream
    network, Jiao et al., ICCV 2023). The draws come from torch's global generator, cell by cell of the real frames
    alone: padding changes none of them, and a resumed training goes on with them.

    ``[B, T, J, C]`` -> ``[2 B, T, J, C]``, all clips in their first view, then all in their second.

    Raises:
        ValueError: when ``rate`` is no share of cells that both views can lose, or ``segment`` counts no frames.
    """

    def __init__(self, groups: Iterable[Sequence[int]], joints: int, rate: float = 0.2, segment: int = 25) -> None:
        super().__init__()
        if not 0 <= rate <= 0.5:
            raise ValueError(f"mask rate {rate}: two views that never lose the same part lose at most 0.5 each")
        if segment < 1:
            raise ValueError(f"mask segment {segment}: it counts frames and must be at least 1")
        self.rate = rate
        self.segment = segment
        group_of = torch.zeros(joints, dtype=torch.int64)
        for number, group in enumerate(groups):
            group_of[list(group)] = number
        self.group_of: Tensor
        self.register_buffer("group_of", group_of, persistent=False)  # [J]

    def forward(self, clips: Padded) -> Padded:
        """Both views of the clips; the clips themselves where nothing is masked."""
        if not (self.training and self.rate > 0):
            return clips
        masked = torch.cat(self.masks(clips))[..., None]
        values = torch.cat([clips.values, clips.values])
        return Padded(torch.where(masked, torch.zeros_like(values), values), clips.lengths.repeat(2))

    def masks(self, clips: Padded) -> tuple[Tensor, Tensor]:
        """Which joints each view loses, ``[B, T, J]`` bool."""
        segments = strided_lengths(clips.lengths, self.segment)
        before = segments.cumsum(0) - segments
        steps = torch.arange(clips.values.shape[1], device=clips.lengths.device)
        cell = before[:, None] + torch.div(steps, self.segment, rounding_mode="floor")  # [B, T]
        total = max(1, int(segments.sum()))
        draws = torch.rand(total, int(self.group_of.max()) + 1, device=clips.values.device)
        drawn = draws[cell.clamp(max=total - 1)][..., self.group_of]  # the padding may read any
        return drawn < self.rate, (drawn >= self.rate) & (drawn < 2 * self.rate)


def first_of_two(output: NetOutput, clips: int) -> NetOutput:
    """The output about the first view of ``clips`` clips, which adds the scores about the second as taps ``view_...``.

    Where there was one view, it is the second as well.
    """
    first = {name: Padded(tap.values[:clips], tap.lengths[:clips]) for name, tap in output.taps.items()}
    scores = {"logits": output.logits, **{name: tap for name, tap in output.taps.items() if name.endswith("logits")}}
    second = {f"view_{name}": Padded(tap.values[-clips:], tap.lengths[-clips:]) for name, tap in scores.items()}
    logits = Padded(output.logits.values[:clips], output.logits.lengths[:clips])
    return NetOutput(logits, {**first, **second})
