"""Modules away from what they are born with: a newborn refines no graph, and its batch norms change nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slr.layers import ValidSteps


def grown(module: nn.Module, std: float = 0.5) -> nn.Module:
    """In double precision and evaluation, with other parameters and statistics."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=std)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(buffer, std=0.1)
        elif name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 1.5)
    return module.double().eval()


def steps_of(clips: list[Tensor], extra: int = 0) -> tuple[Tensor, ValidSteps]:
    """The real steps of clips, and where they lie."""
    lengths = torch.tensor([len(clip) for clip in clips])
    return torch.cat(clips), ValidSteps.of(lengths, int(lengths.max()) + extra)
