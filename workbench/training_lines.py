"""How a training speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.training_state import Position
from workbench.training_types import DevScore, StageOptions

_CLIPS_SHOWN = 8


def epoch_line(row: Mapping[str, Any], score: DevScore | None) -> str:
    """One epoch in a line: losses, gradient norm, blank rate, dev score, time."""
    terms = ", ".join(f"{name} {value:.3f}" for name, value in row["terms"].items())
    parts = [f"loss {row['loss']:.3f}" + (f" ({terms})" if len(row["terms"]) > 1 else "")]
    if row["grad_norm"] is not None:
        parts.append(f"grad {row['grad_norm']:.2f}")
    if row["skipped_steps"]:
        parts.append(f"{row['skipped_steps']} steps skipped")
    if row["blank_rate"] is not None:
        parts.append(f"blank {100 * row['blank_rate']:.0f} %")
    if "train_top1" in row:
        parts.append(f"train top-1 {100 * row['train_top1']:.1f} %")
    if score is not None:
        parts.append(f"dev {score.name} {100 * score.value:.1f} %{' best' if row['best'] else ''}")
    waiting = f" ({100 * row['waiting']:.0f} % waiting for data)" if row["waiting"] is not None else ""
    return "  ".join([*parts, f"{duration(row['seconds'])}{waiting}"])


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def where(options: StageOptions, position: Position, clips: Sequence[str], what: str) -> str:
    """The sentence with which a training stops before a step: what is wrong, in which step, on which clips."""
    more = f" and {len(clips) - _CLIPS_SHOWN} more" if len(clips) > _CLIPS_SHOWN else ""
    return (
        f"{options.name} stopped before step {position.step + 1}, in epoch {position.epoch + 1} of {options.epochs}: "
        f"{what} on the clips {', '.join(clips[:_CLIPS_SHOWN])}{more}; the weights have not moved, so look at these "
        "clips, lower the learning rate, or train in float32"
    )
