"""The classifier of the landmark transformer: three widths, each with scores of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import RMSNorm, RotaryContext
from slr.types import NetOutput, Padded
from students.landmark_pooling import ClipPooling

_EPS = 1e-6


class LandmarkClassifier(nn.Module):
    """Pooling (:class:`~students.landmark_pooling.ClipPooling`), two narrowing layers, and the scores of the classes.

    A layer halves the width: linear, RMSNorm, GELU, dropout. Taps, each of one step: ``pooled``, ``pooled_half`` and
    ``pooled_quarter``, the features of the three widths, and with ``_logits`` behind the name the scores of a linear
    classifier on each; the system's training weighs these with 0.05, 0.1 and 0.2. With ``confidence`` a tap of that
    name holds a number made of ``pooled_quarter``, whose sigmoid says how sure the network is.
    """

    def __init__(
        self, width: int, num_classes: int, *, heads: int = 8, dropout: float = 0.1, confidence: bool = False
    ) -> None:
        super().__init__()
        widths = {"pooled": width, "pooled_half": width // 2, "pooled_quarter": width // 4}
        self.pool = ClipPooling(width, heads, dropout=dropout)
        self.to_half = _narrowed(width, width // 2, dropout)
        self.to_quarter = _narrowed(width // 2, width // 4, dropout)
        self.classify = nn.Linear(width // 4, num_classes)
        self.auxiliary = nn.ModuleDict({name: nn.Linear(own, num_classes) for name, own in widths.items()})
        self.confidence = nn.Linear(width // 4, 1) if confidence else None
        self.tap_widths = {**widths, **{f"{name}_logits": num_classes for name in widths}}
        if confidence:
            self.tap_widths["confidence"] = 1

    def forward(self, steps: Padded) -> NetOutput:
        """``[B, T, width]`` -> ``[B, 1, V]``."""
        pooled = self.pool(steps)
        half = self.to_half(pooled)
        quarter = self.to_quarter(half)
        taps = {"pooled": pooled, "pooled_half": half, "pooled_quarter": quarter}
        taps |= {f"{name}_logits": classify(taps[name]) for name, classify in self.auxiliary.items()}
        if self.confidence is not None:
            taps["confidence"] = self.confidence(quarter)
        once = torch.ones_like(steps.lengths)
        alone = {name: Padded(tap[:, None], once) for name, tap in taps.items()}
        return NetOutput(Padded(self.classify(quarter)[:, None], once), alone)


class LandmarkTail(nn.Module):
    """Blocks over all frames (tap ``context``), then :class:`LandmarkClassifier`."""

    def __init__(
        self,
        context: RotaryContext,
        num_classes: int,
        *,
        heads: int = 8,
        dropout: float = 0.1,
        confidence: bool = False,
    ) -> None:
        super().__init__()
        self.context = context
        self.classifier = LandmarkClassifier(
            context.width, num_classes, heads=heads, dropout=dropout, confidence=confidence
        )
        self.tap_widths = {"context": context.width, **self.classifier.tap_widths}

    def forward(self, frame: Padded) -> NetOutput:
        """``[B, T, width]`` features of frames -> ``[B, 1, V]`` scores."""
        context = self.context(frame)
        output = self.classifier(context)
        return NetOutput(output.logits, {"context": context, **output.taps})

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """One step, whatever the length."""
        return torch.ones_like(lengths)


def _narrowed(in_width: int, width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(in_width, width), RMSNorm(width, eps=_EPS), nn.GELU(), nn.Dropout(dropout))
