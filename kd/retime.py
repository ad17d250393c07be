"""What a network said about some frames of a clip, read at the times of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from kd.align import between_steps
from slr.types import NetOutput, Padded


def retimed(output: NetOutput, seen: Sequence[Tensor], shown: Padded, stride_of: Callable[[str], int]) -> NetOutput:
    """Outputs for the frames ``seen``, resampled to the steps that the frames ``shown`` give.

    Both are source frames of the same clips, ascending. A tap with a step per ``r`` frames has
    ``ceil(T / r)`` of them for ``T`` seen frames, so ``T'`` shown frames give ``ceil(T' / r)`` steps, and step ``j``
    begins at the time of shown frame ``r j``. It gets what was said at that time, interpolated linearly between the two
    nearest steps. The network itself, shown another speed, would answer a little differently: this is its answer at the
    usual speed, bent to the new times. Where ``shown`` is ``seen`` nothing changes.

    Args:
        output: logits and taps ``[B, L, ...]`` on the CPU.
        seen: the frames ``[T]`` that the outputs are about, clip by clip.
        shown: the frames ``[B, T']`` of the new view.
        stride_of: the ``r`` of the logits or a tap, by name; asked only where ``shown`` is not ``seen``.
    """
    plans = shown.unpad()
    if all(torch.equal(plan, frames) for plan, frames in zip(plans, seen, strict=True)):
        return output
    known: dict[tuple[int, ...], Padded] = {}

    def resampled(name: str) -> Padded:
        sequence, stride = output.read(name), stride_of(name)
        steps = sequence.lengths.tolist()
        key = (stride, *steps)
        if key not in known:
            triples = zip(steps, seen, plans, strict=True)
            known[key] = Padded.from_list([_positions(count, stride, *frames) for count, *frames in triples])
        at = known[key]
        lower = at.values.floor()
        return between_steps(sequence, lower.long(), at.values - lower, at)

    return NetOutput(resampled("logits"), {name: resampled(name) for name in output.taps})


def frames_per_step(counts: Iterable[tuple[int, int]]) -> int:
    """The smallest whole ``r`` with ``ceil(T / r) = S`` for every clip of ``T`` frames and ``S`` steps.

    Short clips leave several open: 5 frames in 2 steps go with 3 and 4; one clip of ``r^2`` frames or more settles it.
    Clips without steps say nothing.

    Raises:
        ValueError: when there is none.
    """
    told = [pair for pair in set(counts) if pair[1] > 0]
    at_least = max(told, key=lambda pair: -(-pair[0] // pair[1]), default=(1, 1))
    stride = -(-at_least[0] // at_least[1])
    for frames, steps in told:
        if -(-frames // stride) != steps:
            raise ValueError(
                f"{at_least[0]} frames have {at_least[1]} steps and {frames} frames {steps}: no whole number of frames "
                "is a step"
            )
    return stride


def _positions(steps: int, stride: int, seen: Tensor, plan: Tensor) -> Tensor:
    """Where on ``steps`` steps about ``seen`` frames the steps about the frames of ``plan`` lie, fractional.

    Where nothing was said there is nothing to read: no step.
    """
    if steps == 0:
        return torch.empty(0)
    places = np.interp(plan[::stride].numpy(), seen.numpy(), np.arange(len(seen))) / stride
    return torch.from_numpy(places.clip(0, steps - 1)).to(torch.float32)
