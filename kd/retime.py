"""What a network said about some frames of a clip, read at the times of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from kd.align import between_steps
from slr.types import NetOutput, Padded


def retimed(output: NetOutput, seen: Sequence[Tensor], shown: Padded) -> NetOutput:
    """Outputs for the frames ``seen``, resampled to the steps that the frames ``shown`` give.

    Both are source frames of the same clips, ascending. A tap with ``L`` steps for the ``T`` seen frames of the longest
    clip has a step per ``r = round(T / L)`` frames, so ``T'`` shown frames give ``ceil(T' / r)`` steps, and step ``j``
    begins at the time of shown frame ``r j``. It gets what was said at that time, interpolated linearly between the two
    nearest steps. The network itself, shown another speed, would answer a little differently: this is its answer at the
    usual speed, bent to the new times. Where ``shown`` is ``seen`` nothing changes.

    Args:
        output: logits and taps ``[B, L, ...]`` on the CPU.
        seen: the frames ``[T]`` that the outputs are about, clip by clip.
        shown: the frames ``[B, T']`` of the new view.
    """
    plans = shown.unpad()
    if all(torch.equal(plan, frames) for plan, frames in zip(plans, seen, strict=True)):
        return output
    known: dict[tuple[int, ...], Padded] = {}

    def resampled(sequence: Padded) -> Padded:
        steps = tuple(sequence.lengths.tolist())
        if steps not in known:
            stride = max(1, round(max(map(len, seen)) / max(1, *steps)))
            triples = zip(steps, seen, plans, strict=True)
            known[steps] = Padded.from_list([_positions(count, stride, *frames) for count, *frames in triples])
        at = known[steps]
        lower = at.values.floor()
        return between_steps(sequence, lower.long(), at.values - lower, at)

    return NetOutput(resampled(output.logits), {name: resampled(tap) for name, tap in output.taps.items()})


def _positions(steps: int, stride: int, seen: Tensor, plan: Tensor) -> Tensor:
    """Where on ``steps`` steps about ``seen`` frames the steps about the frames of ``plan`` lie, fractional.

    Where nothing was said there is nothing to read: no step.
    """
    if steps == 0:
        return torch.empty(0)
    places = np.interp(plan[::stride].numpy(), seen.numpy(), np.arange(len(seen))) / stride
    return torch.from_numpy(places.clip(0, steps - 1)).to(torch.float32)
