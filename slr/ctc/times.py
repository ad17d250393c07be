"""From output steps of a network back to frames and seconds of the recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class GlossTimes:
    """Where each gloss of a hypothesis lies in the recording.

    ``frames`` holds the first source frame and the one after the last; ``seconds`` the same as times from the start
    of the recording.
    """

    frames: tuple[tuple[int, int], ...]
    seconds: tuple[tuple[float, float], ...]


def step_times(
    starts: Sequence[int], ends: Sequence[int], plan: Sequence[int], *, stride: int, fps: float
) -> GlossTimes:
    """Frames and seconds behind output steps.

    Args:
        starts: first output step of each gloss.
        ends: last output step of each gloss, inclusive.
        plan: the temporal plan of the clip ``[T]``, the source frame behind every input step, never decreasing.
        stride: input steps per output step; the last output step may cover fewer.
        fps: frames per second of the recording.

    Raises:
        ValueError: when a step lies outside the plan, or ``stride`` or ``fps`` is not positive.
    """
    if stride < 1 or not fps > 0:
        raise ValueError(f"a stride of {stride} at {fps} frames per second gives no times: both have to be positive")
    frames = [_frames(start, end, plan, stride) for start, end in zip(starts, ends, strict=True)]
    return GlossTimes(tuple(frames), tuple((first / fps, stop / fps) for first, stop in frames))


def _frames(start: int, end: int, plan: Sequence[int], stride: int) -> tuple[int, int]:
    if not 0 <= start <= end or end * stride >= len(plan):
        steps = -(-len(plan) // stride)
        raise ValueError(
            f"output steps {start} to {end} do not lie in a clip of {len(plan)} input steps, which a stride of "
            f"{stride} turns into {steps} output steps"
        )
    last = min((end + 1) * stride, len(plan)) - 1
    return int(plan[start * stride]), int(plan[last]) + 1
