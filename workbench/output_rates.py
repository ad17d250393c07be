"""How many frames stand behind a step of imported outputs, and whether every clip has as many steps as that gives."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

# Networks round up or down at the end of a clip, and convolutions without padding lose a few steps.
_SPARE_STEPS, _SPARE_SHARE = 3.0, 0.05
# How far from a whole number the frames per step of all clips together may lie to be taken for it.
_NEAR = 0.1


@dataclass(frozen=True)
class Rates:
    """At which rate a teacher saw the clips, and at which it spoke.

    Attributes:
        recorded: frames per second of the recordings.
        fps: frames per second that the teacher saw.
        said: frames per step, of those that the teacher saw, where somebody said so; by name of the array.
    """

    recorded: float
    fps: float
    said: Mapping[str, float]

    def frames_per_step(self, frames: Mapping[str, int], steps: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
        """Frames that the teacher saw per step of every array: those said, or what all clips together show.

        Args:
            frames: of the recording of every clip.
            steps: of every array by its name, those of every clip.

        Raises:
            ValueError: when that is no whole number and nobody said it, or a clip has another number of steps.
        """
        unknown = sorted(set(self.said) - set(steps))
        if unknown:
            raise ValueError(f"frames per step are said of {unknown[0]!r}, and there are only {', '.join(steps)}")
        seen = {clip: count * self.fps / self.recorded for clip, count in frames.items()}
        found = {
            name: self.said[name] if name in self.said else self._worked_out(name, seen, counts)
            for name, counts in steps.items()
        }
        for name, counts in steps.items():
            for clip, count in counts.items():
                wanted = seen[clip] / found[name]
                if abs(count - wanted) > max(_SPARE_STEPS, _SPARE_SHARE * wanted):
                    raise ValueError(self._another_clip(name, clip, count, frames[clip], found[name]))
        return found

    def _worked_out(self, name: str, seen: Mapping[str, float], counts: Mapping[str, int]) -> float:
        """The whole number of frames per step that explains all clips best, a few steps lost or added in each."""
        frames, steps = sum(seen.values()), sum(counts.values())
        ratio = frames / steps if steps else 0.0
        candidates = range(max(1, math.floor(ratio / 1.5)), math.ceil(1.5 * ratio) + 2)
        best = min(candidates, key=lambda number: (_unexplained(number, seen, counts), abs(number - ratio)))
        # Rounding up at the end of every clip adds half a step to each.
        least = frames / (frames / best + len(counts) / 2)
        if not (1 - _NEAR) * least <= ratio <= (1 + _NEAR) * best:
            raise ValueError(
                f"{name} has {steps} steps for {frames:.0f} frames of {self.fps:g} per second, {ratio:.2f} frames per "
                "step, which is no whole number: say --fps, the frames per second that the teacher saw, or "
                f"--frames-per-step {'' if name == 'logits' else name + '='}NUMBER"
            )
        return float(best)

    def _another_clip(self, name: str, clip: str, count: int, frames: int, per_step: float) -> str:
        origin = "as said" if name in self.said else "as in all clips together"
        wanted = frames * self.fps / self.recorded / per_step
        return (
            f"{name} of clip {clip!r} has {count} steps, and its {frames} frames of {self.recorded:g} per second give "
            f"about {wanted:.0f} at one per {per_step:g} frames of {self.fps:g} per second ({origin}): these are "
            "outputs of another clip, or --fps and --frames-per-step have to say otherwise"
        )


def _unexplained(frames_per_step: int, seen: Mapping[str, float], counts: Mapping[str, int]) -> float:
    """Steps by which clips differ from each other in what they have more or less than their frames give."""
    extra = [count - seen[clip] / frames_per_step for clip, count in counts.items()]
    middle = statistics.median(extra)
    return sum(abs(one - middle) for one in extra)
