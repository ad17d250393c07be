"""One source of chance per sample, so that a sample is the same in whatever worker and order it is made."""

from __future__ import annotations

import hashlib

import torch


def sample_generator(seed: int, epoch: int, clip_id: str, purpose: str) -> torch.Generator:
    """A generator that depends on its four arguments alone.

    ``purpose`` keeps the draws of the plan, of the RGB and of the pose stream apart: loading a further stream
    leaves the others as they were.
    """
    text = "\0".join((str(seed), str(epoch), clip_id, purpose))
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    """A number uniform in ``[low, high)``."""
    return low + (high - low) * torch.rand((), generator=generator, dtype=torch.float64).item()


def chance(generator: torch.Generator, probability: float) -> bool:
    """True with ``probability``; always draws once, so that later draws do not depend on the probability."""
    return uniform(generator, 0.0, 1.0) < probability
