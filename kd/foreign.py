"""A teacher of which only its outputs are at hand: another code base made them, clip by clip."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kd.align import between_steps
from kd.cache import EntryError, TeacherCache
from slr.types import Batch, NetOutput, Padded


@dataclass(frozen=True)
class ForeignClip:
    """A clip whose outputs are at hand.

    Attributes:
        key: its entry in the cache that holds them.
        frames: frames of the recording.
    """

    key: str
    frames: int


class ForeignTeacher:
    """Answers a batch from outputs that were made elsewhere, of whole clips as they were recorded.

    Step ``j`` of a sequence begins at source frame ``r j``, ``r`` its frames per step. A batch shows some frames of a
    clip: every ``plan_stride``-th at the usual speed, from one of the first ones on, or others at a random speed. A
    network of ``r`` frames per step, shown ``T'`` frames, would give ``ceil(T' plan_stride / r)`` steps; so many are
    returned, and each says what was said at the time of the frame it begins with, interpolated linearly between the two
    nearest steps. Where the frames shown are every ``plan_stride``-th from the first on and ``r`` is a multiple of
    that, these are the outputs themselves.

    A sequence that is longer or shorter than its frames per step foresee by a step or more, as convolutions without
    padding leave it, is taken to be spread evenly over the clip.

    Nothing is known about mirrored clips: a batch with one is refused.

    Args:
        cache: where the outputs are.
        clips: what there is, by clip.
        frames_per_step: ``r`` of the logits and of every tap, in frames of the recording, not necessarily whole.
        plan_stride: frames of the recording from one frame shown to the next, at the usual speed.
        taps: taps to read beside the logits.
    """

    def __init__(
        self,
        cache: TeacherCache,
        clips: Mapping[str, ForeignClip],
        frames_per_step: Mapping[str, float],
        plan_stride: int = 1,
        taps: Iterable[str] = (),
    ) -> None:
        self.cache = cache
        self.clips = dict(clips)
        self.frames_per_step = dict(frames_per_step)
        self.plan_stride = plan_stride
        self.taps = tuple(tap for tap in taps if tap != "logits")

    def __call__(self, batch: Batch) -> NetOutput:
        """Outputs for the frames that ``batch`` shows, in float32, on its device.

        Raises:
            ValueError: when a clip is mirrored, or its outputs are not at hand.
        """
        mirrored = [clip for clip, flipped in zip(batch.ids, batch.flipped, strict=False) if flipped]
        if mirrored:
            raise ValueError(
                f"clip {mirrored[0]!r} is shown mirrored, and the teacher's outputs are those of the plain clip: "
                "do not flip, or take a teacher that can be asked"
            )
        said, plans = self.said(batch.ids), batch.frames.to("cpu").unpad()
        device = batch.frames.values.device
        found = {
            name: self._at_the_times_of(plans, batch.ids, name, said.read(name)).to(device)
            for name in ("logits", *self.taps)
        }
        return NetOutput(found.pop("logits"), found)

    def said(self, clips: Sequence[str]) -> NetOutput:
        """The outputs of whole clips as they were made, on the CPU.

        Raises:
            ValueError: when there are none of a clip.
        """
        unknown = [clip for clip in clips if clip not in self.clips]
        if unknown:
            raise ValueError(f"clip {unknown[0]!r} is none of the {len(self.clips)} clips whose outputs are at hand")
        keys = [self.clips[clip].key for clip in clips]
        try:
            return self.cache.read(keys, self.taps)
        except EntryError as error:
            raise ValueError(f"clip {clips[keys.index(error.key)]!r}: {error}") from error

    def step_frames(self, clip: str, name: str, steps: int) -> float:
        """Frames of the recording per step of a clip, where its sequence ``name`` has so many steps."""
        return step_frames(self.clips[clip].frames, steps, self.frames_per_step[name])

    def _at_the_times_of(self, plans: Sequence[Tensor], clips: Sequence[str], name: str, sequence: Padded) -> Padded:
        counts = sequence.lengths.tolist()
        at = Padded.from_list(
            [
                _positions(plan, count, self.step_frames(clip, name, count), self.plan_stride)
                for plan, clip, count in zip(plans, clips, counts, strict=True)
            ]
        )
        lower = at.values.floor()
        return between_steps(sequence, lower.long(), at.values - lower, at)


def step_frames(frames: int, steps: int, frames_per_step: float) -> float:
    """Frames per step of one clip: those known, or the clip's frames over its steps where these differ by a step."""
    if steps == 0 or abs(steps * frames_per_step - frames) < frames_per_step:
        return frames_per_step
    return frames / steps


def _positions(plan: Tensor, steps: int, frames_per_step: float, plan_stride: int) -> Tensor:
    """Where the steps about the frames of ``plan`` lie on ``steps`` steps of the whole clip, fractional."""
    if steps == 0 or len(plan) == 0:
        return torch.empty(0)
    shown_per_step = frames_per_step / plan_stride
    # A rounding error of the quotient must not make one step more.
    count = math.ceil(len(plan) / shown_per_step - 1e-6)
    # Where there are more steps than frames shown, the last ones lie after the last of these.
    times = np.append(plan.numpy(), int(plan[-1]) + plan_stride)
    begins = np.interp(np.arange(count) * shown_per_step, np.arange(len(times)), times)
    return torch.from_numpy((begins / frames_per_step).clip(0, steps - 1)).to(torch.float32)
